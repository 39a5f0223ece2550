// Watches a run of this process: rates, forecasts, and how long which lane waited for what.
//
// Fed once per turn with what the scheduler does and what is stored; pure otherwise. Memory is
// bounded by lanes.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/run/eta.hpp"
#include "ratebatch/run/progress.hpp"
#include "ratebatch/store/counts.hpp"

namespace ratebatch::run {

// Long enough that a lane paced to a few requests a minute shows a steady number, short enough that
// a change shows within one line of a log.
constexpr Duration rate_window_length = std::chrono::minutes{2};

// Less than this is not enough to speak of a rate per minute: it counts as this long.
constexpr Duration rate_window_min = std::chrono::seconds{1};

// How fast something goes: counts over the last two minutes.
class RateWindow {
 public:
  // Counting begins at `start`: until the window is full, the rate is over the time since then.
  explicit RateWindow(Instant start) : start_(start) {}

  // So many more at `now`. Counts of one second are kept together, so the window stays small.
  void add(Instant now, std::int64_t count);

  // Counts per minute over the window that ends at `now`.
  [[nodiscard]] double per_minute(Instant now) const;

 private:
  struct Second {
    std::int64_t second = 0;
    std::int64_t count = 0;
  };

  Instant start_;
  std::deque<Second> seconds_;
};

// How long a lane stood still, and what for.
struct TimeWaited {
  std::string model;
  std::string reason;  // As in LaneStatus: "429: requests", "quota used up".
  Duration total{};

  friend bool operator==(const TimeWaited&, const TimeWaited&) = default;
};

// A forecast holds for so long, unless a lane changes its state.
constexpr Duration forecast_interval = std::chrono::seconds{10};

class ProgressTracker {
 public:
  // `lanes` must outlive the tracker. `counts`: as the run found them.
  ProgressTracker(const Lanes& lanes, Now start, const store::Counts& counts);

  // A turn is over.
  void turned(Now now, const Snapshot& snapshot, const store::Counts& counts);

  // What is used of a lane's limits now. Called now and then.
  void usage(LaneId lane, const LaneQuota& quota);

  // The view of the last turn, as of `now`. Precondition: `turned` was called.
  [[nodiscard]] Progress progress(Now now) const;

  // Longest first; waits below a millisecond are left out.
  [[nodiscard]] std::vector<TimeWaited> waits() const;

 private:
  struct LaneTrack {
    store::JobCounts jobs;
    RateWindow window;
    double working_per_minute = 0;  // While it last worked: what it will do after its wait.
    std::map<std::string, Duration> waited;  // By reason.
    std::vector<LimitView> limits;           // As last looked at.
    LaneState state = LaneState::idle;       // Of the last forecast.
    std::optional<Eta> eta;
  };

  void count(Instant now, const store::Counts& counts);
  void forecast(Now now);

  const Lanes& lanes_;
  std::map<RouteId, LaneId> lane_of_route_;
  std::vector<LaneTrack> tracks_;  // By LaneId.
  store::JobCounts jobs_;
  RateWindow window_;
  store::CallCounts calls_;  // Of this run.
  store::CallCounts calls_before_;
  std::int64_t ended_before_ = 0;
  Snapshot snapshot_;
  std::optional<Instant> forecast_at_;
  Instant last_turn_;
};

}  // namespace ratebatch::run
