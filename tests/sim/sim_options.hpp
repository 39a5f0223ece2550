// One seed, one world: every property of a simulated run is drawn from its seed, so that each run
// has its own mix (swarm testing), and printing the seed is enough to have it again.
#pragma once

#include <cstdint>
#include <string>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/job.hpp"

namespace ratebatch::sim {

enum class ServerAlgorithm : std::uint8_t { none, fixed, sliding, bucket };

struct SimOptions {
  std::uint64_t seed = 0;
  std::int64_t jobs = 0;
  std::int32_t types = 1;
  std::int32_t models = 1;
  std::int32_t keys = 1;
  std::int32_t workers = 1;
  std::int32_t priorities = 1;
  UnknownPolicy on_unknown = UnknownPolicy::retry;

  // What the configuration says; 0: no such limit.
  std::int32_t configured_concurrency = 0;
  std::int64_t configured_requests = 0;
  Duration configured_window{};

  std::int64_t configured_tokens = 0;  // Per minute.
  std::int64_t day_requests = 0;       // Per day, of each key group.
  bool day_rolling = false;            // Else from midnight to midnight, in Los Angeles.
  std::int32_t pause_at_per_mille = 800;
  bool separate_keys = false;  // Each key has a quota of its own.
  std::int32_t waves = 0;      // Requests in one; 0: none.
  Duration waves_delay{};
  bool fallback = false;      // The first model's jobs may go to the last one.
  std::int64_t cost_max = 0;  // In pico-USD, of all runs together, at first; 0: no bound.
  bool no_wait = false;       // As from cron: ended where all is paused, started again later.

  // What the provider does; its own limits may be tighter than the configured ones.
  ServerAlgorithm algorithm = ServerAlgorithm::none;
  std::int64_t server_requests = 0;
  Duration server_window{};
  std::int32_t server_concurrency = 0;
  bool server_gives_hints = true;
  bool server_gives_headers = false;
  bool typo = false;  // It does not know the first model, until a person has seen that.
  Duration latency_min{};
  Duration latency_max{};
  std::uint64_t error_per_mille = 0;        // 5xx of all kinds.
  std::uint64_t break_per_mille = 0;        // Connection broken, before or after the server worked.
  std::uint64_t garbage_per_mille = 0;      // 200 that cannot be read.
  std::uint64_t permanent_per_mille = 0;    // Jobs that always get a 400.
  std::uint64_t key_refused_per_mille = 0;  // The second key and later ones may be refused.
  bool outage = false;                      // For a while in the middle everything fails.
  std::uint64_t empty_per_mille = 0;        // 200 without content.
  std::uint64_t refused_per_mille = 0;      // Answers that the rules of their type refuse.

  // Answers whose files are to be downloaded, and what happens to that.
  std::uint64_t links_per_mille = 0;
  std::uint64_t fetch_error_per_mille = 0;  // 5xx, broken, or redirected, per download.
  std::uint64_t fetch_gone_per_mille = 0;   // Jobs whose link is dead for good.

  // What happens to us.
  std::uint64_t crash_per_mille = 0;  // Per port call.
  std::int32_t crashes_max = 0;
  std::uint64_t no_room_per_mille = 0;  // Per commit.
  std::uint64_t slow_commit_per_mille = 0;
  std::uint64_t clock_step_per_mille = 0;  // Of the wall clock, per turn.
  std::int32_t stops_max = 0;              // Polite stops, each followed by a resume.
  std::int32_t answers_per_turn = 64;
  std::int64_t slice_jobs = 0;  // Each run starts at most so many jobs; 0: all.

  // Deliberately broken store, which must be noticed: a crash forgets the last commit.
  bool canary = false;
};

SimOptions options_of_seed(std::uint64_t seed);

// All of it on a few lines, for the report of a failure.
std::string describe(const SimOptions& options);

}  // namespace ratebatch::sim
