// The cases of `ratebatch_quota_bench`: a run in virtual time against a server that judges it.
//
// Each is a function of its measure (which server, how long) that returns plain figures; the report
// rows and the short tests of situations are made from the same ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/quota/report.hpp"
#include "bench/quota/situation.hpp"
#include "ratebatch/base/time.hpp"

namespace ratebatch::quota_bench {

struct Use {
  std::int64_t granted = 0;  // Requests or tokens.
  std::int64_t refused = 0;
  double of_rate = 0;   // Granted, of what the limit allows in that time: amount x time / window.
  double of_ideal = 0;  // Granted, of what the server would give a client that knows everything.
};

// How the 20 to 200 ms to the server vary.
enum class Jitter : std::uint8_t {
  wandering,  // One path whose delay moves by up to 5 ms a second; nothing is overtaken.
  each,       // Drawn for each request: they overtake each other.
};

// A known limit of requests, paced; jitter, stalled commits.
Use known_limit(Server server, std::int64_t amount, Duration window, Duration how_long,
                Jitter jitter);

// Of the rate, the most that any client can use with Jitter::each and be sure of no refusal: two
// requests may come nearer to each other by 180 ms than they were sent.
double sure_share(Server server, std::int64_t amount, Duration window);

// TPM 200,000 beside 150 requests a minute; jobs of 300 to 3,000 tokens. `granted` are tokens.
Use tokens_and_requests(Server server, Duration how_long);

struct UnknownUse {
  Use whole;                               // From the start.
  Use settled;                             // From minute 10.
  std::int64_t refused_after_halving = 0;  // In the next two minutes.
  std::int64_t arrived_after_halving = 0;
};

// 600 a minute that nobody tells of, for an hour; then 300.
UnknownUse unknown_limit(Server server);

enum class Told : std::uint8_t { shape, headers, nothing };
struct WindowRun {
  double seconds = 0;  // Until the last answer.
  std::int64_t refused = 0;
  std::int64_t done = 0;
};

// 200 jobs, 50 in any 10 s, 100 ms, 16 workers.
WindowRun fifty_per_ten_seconds(Told told);

struct DaysRun {
  std::int64_t resets = 0;
  std::int64_t most_in_a_day = 0;   // Requests, as the server counts its days.
  std::int64_t least_in_a_day = 0;  // Of the whole days.
  double latest_s = 0;              // Of the first requests after a reset.
  double earliest_s = 0;
  std::int64_t refused = 0;
  std::int64_t failed = 0;
  std::int64_t disturbances = 0;
};
struct Disturbances {
  bool kills = true;
  bool clock_steps = true;
};

// A quota of 1,000 a day from midnight in Los Angeles, paused at 800.
DaysRun day_quota(std::int64_t year, std::int64_t month, std::int64_t day, std::int64_t resets,
                  const Disturbances& disturbances, std::uint64_t seed);

struct KeysRun {
  double text_of_rate = 0;
  double image_of_rate = 0;
  double text_spread = 0;  // (most - least used key) / most.
  double image_spread = 0;
  std::int64_t text = 0;
  std::int64_t refused = 0;
};

// 5 keys of their own quota; text 900/min, 2 s; images 18/min, 5 s; 256 workers.
KeysRun five_keys(bool with_images, Duration how_long);

struct OutageRun {
  double others_of_rate = 0;
  double before_of_rate = 0;  // The lane itself, before it is out.
  std::int64_t probes = 0;    // That arrived from 35 s after the beginning to the end of it.
  double probes_due = 0;      // One per 30 s in that time.
  double full_speed_after_s = 0;
  double latency_s = 0;  // The longest of a request.
  std::int64_t failed = 0;
  std::int64_t refused = 0;
};
OutageRun one_lane_out(OutcomeClass kind, Duration out_for);

struct OverloadRun {
  double of_ideal = 0;    // Granted, of what the workers, or the level, would get without 503s.
  double overloaded = 0;  // Of the requests that arrived.
};

// 200 ms; so many of 100,000 requests are refused with 503, at random.
OverloadRun random_overloads(std::int64_t per_100k, std::int32_t workers, std::uint64_t seed);

// The same, only above a number in flight; from minute 1 on.
OverloadRun overloads_above(std::int32_t in_flight, std::int64_t per_100k, std::int32_t workers,
                            std::uint64_t seed);

struct BiosRun {
  std::int64_t planned_day = 0;  // On which the last one is done, from 1.
  std::int32_t planned_workers_needed = 0;
  double planned_in_s = 0;  // Real seconds, workers_needed included.
  std::int64_t day = 0;     // As it went.
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t refused = 0;
  std::int64_t most_in_a_day = 0;
};

// That many bios under 10,000 a day, paused at 8,000; 4 workers.
BiosRun bios(std::int64_t jobs);

// The rows of the table, in its order.
std::vector<Report> known_limit_rows();
std::vector<Report> overtaking_rows();
std::vector<Report> tokens_rows();
std::vector<Report> unknown_limit_rows();
std::vector<Report> window_rows();
std::vector<Report> day_rows();
std::vector<Report> keys_rows();
std::vector<Report> outage_rows();
std::vector<Report> overload_rows();
std::vector<Report> bios_rows();

}  // namespace ratebatch::quota_bench
