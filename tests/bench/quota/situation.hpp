// What the cases and the tests of situations share: lanes in a few words, a client with a virtual
// server, and what became of it all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/quota/virtual_server.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/run/rehearsal.hpp"

namespace ratebatch::quota_bench {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr LaneId first_lane{0};

// Lanes of one provider, all keys in one group unless `separate`. The route of lane i is i + 1.
struct LanesInWords {
  std::int32_t keys = 1;
  bool separate = false;
  Limits all;  // Of the provider.
  TokenRule token_rule = TokenRule::total;
  struct Lane {
    std::string model;
    Limits limits;
    std::optional<Waves> waves{};
    RouteEstimate estimate{};
  };
  std::vector<Lane> lanes;
};
Lanes make_lanes(const LanesInWords& words);
constexpr RouteId route_of(std::int32_t lane) { return RouteId{lane + 1}; }

Limit limit_of(Resource resource, std::int64_t amount, Duration window, Shape shape = Shape::paced);
Limits limits_of(std::vector<Limit> windows);  // Stated.
Limits no_limits();                            // Stated, too.
Limits unknown_limits();

// 2026-11-22T12:00:30Z and half a minute of uptime: no clock starts at a round number.
Now ordinary_start();
Now start_at(WallTime wall);

// Counts what the client committed.
class Tally : public run::RehearsalObserver {
 public:
  struct Change {
    Now at;
    LaneChange change;
  };

  void committed(Now now, const Batch& batch) override;
  [[nodiscard]] std::int64_t outcomes(OutcomeClass kind) const;
  [[nodiscard]] const std::vector<Change>& changes() const { return changes_; }
  [[nodiscard]] bool saw(LaneId lane, LaneState state) const;

 private:
  std::map<OutcomeClass, std::int64_t> outcomes_;
  std::vector<Change> changes_;
};

// One client and its server.
class Situation {
 public:
  struct Setup {
    LanesInWords lanes;
    std::vector<run::JobClass> jobs;
    std::vector<ServerLane> served;
    Network network{};
    std::int32_t workers = 4;
    Now start = ordinary_start();
    std::uint64_t seed = 1;
  };

  explicit Situation(Setup setup);

  run::RehearsalEnd run_for(Duration d) { return rehearsal_.run(start_ + d); }
  run::RehearsalEnd run() { return rehearsal_.run(); }

  [[nodiscard]] VirtualServer& server() { return server_; }
  [[nodiscard]] run::Rehearsal& rehearsal() { return rehearsal_; }
  [[nodiscard]] const Tally& tally() const { return tally_; }
  [[nodiscard]] Duration elapsed() const { return rehearsal_.true_now().steady - start_; }

  // Arrivals of a lane in [from, to) after the start: all, and those of one class.
  [[nodiscard]] std::int64_t arrived(LaneId lane, Duration from, Duration to) const;
  [[nodiscard]] std::int64_t granted(LaneId lane, Duration from, Duration to) const;
  [[nodiscard]] std::int64_t refused(Duration from, Duration to) const;  // 429 of any lane.
  [[nodiscard]] std::int64_t refused() const { return refused({}, elapsed() + seconds{1}); }

 private:
  Lanes lanes_;
  WallTime begin_;
  Instant start_;
  VirtualServer server_;
  Tally tally_;
  run::Rehearsal rehearsal_;
};

bool is_refusal(OutcomeClass kind);

// A job's number drawn evenly from [low, high], the same each time it is asked for.
std::int64_t drawn(std::int64_t job, std::int64_t low, std::int64_t high);

// "fixed", "sliding", "bucket of N", "bucket of 10", "bucket of 1".
enum class Server : std::uint8_t { fixed, sliding, bucket_full, bucket_10, bucket_1 };
std::string to_string(Server server);
ServerLimit served_limit(Server server, Resource resource, std::int64_t amount, Duration window);

// Midnights in Los Angeles by the rule of 2007: summer time from the second Sunday of March to the
// first of November, both at 2:00, so that the midnights of those days themselves belong to what
// was before.
std::vector<WallTime> los_angeles_midnights(std::int64_t year, std::int64_t month, std::int64_t day,
                                            std::int64_t count);

// "rpd", from midnight to midnight in Los Angeles, as it is configured and as it is served.
Limit day_limit(std::int64_t amount);
ServerLimit served_day_limit(std::int64_t amount, const std::vector<WallTime>& resets);

}  // namespace ratebatch::quota_bench
