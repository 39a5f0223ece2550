#include "ratebatch/run/progress_tracker.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

void add(JobCounts& sum, const JobCounts& counts) {
  for (std::size_t i = 0; i < job_state_count; ++i) sum.by_state[i] += counts.by_state[i];
  sum.truncated += counts.truncated;
}

bool stands_still(LaneState state) {
  switch (state) {
    case LaneState::idle:
    case LaneState::running:
      return false;
    case LaneState::waiting:
    case LaneState::paused:
    case LaneState::tripped:
    case LaneState::no_key:
      return true;
  }
  return false;
}

}  // namespace

ProgressTracker::ProgressTracker(const Lanes& lanes, Now start, const Counts& counts)
    : lanes_(lanes),
      tracks_(lanes.lanes.size(), LaneTrack{{}, RateWindow{start.steady}, 0, {}}),
      window_(start.steady),
      last_turn_(start.steady) {
  for (const RouteSettings& route : lanes.routes) lane_of_route_.emplace(route.route, route.lane);
  count(start.steady, counts);
  // What earlier runs did is no rate of this one.
  window_ = RateWindow{start.steady};
  for (LaneTrack& track : tracks_) track.window = RateWindow{start.steady};
}

void ProgressTracker::count(Instant now, const Counts& counts) {
  std::vector<JobCounts> by_lane(tracks_.size());
  for (const auto& [route, jobs] : counts.routes) {
    const auto lane = lane_of_route_.find(route);
    if (lane != lane_of_route_.end()) add(by_lane[index_of(lane->second)], jobs);
  }
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    tracks_[i].window.add(now, ended(by_lane[i]) - ended(tracks_[i].jobs));
    tracks_[i].jobs = by_lane[i];
  }
  const JobCounts all = counts.jobs();
  window_.add(now, ended(all) - ended(jobs_));
  jobs_ = all;
}

void ProgressTracker::turned(Now now, const Snapshot& snapshot, const Counts& counts) {
  RB_ASSERT(snapshot.lanes.size() == tracks_.size());
  // The time since the last turn was spent as that one left it.
  for (const LaneSnapshot& lane : snapshot_.lanes) {
    if (!stands_still(lane.status.state)) continue;
    tracks_[index_of(lane.lane)].waited[lane.status.reason] += now.steady - last_turn_;
  }
  last_turn_ = now.steady;
  count(now.steady, counts);
  for (const LaneSnapshot& lane : snapshot.lanes) {
    LaneTrack& track = tracks_[index_of(lane.lane)];
    const double rate = track.window.per_minute(now.steady);
    if (rate > 0 && !stands_still(lane.status.state)) track.working_per_minute = rate;
  }
  snapshot_ = snapshot;
}

Progress ProgressTracker::progress(Now now) const {
  RB_ASSERT(snapshot_.lanes.size() == tracks_.size());
  Progress progress;
  progress.eta = Duration{};
  for (const LaneSnapshot& lane : snapshot_.lanes) {
    const LaneTrack& track = tracks_[index_of(lane.lane)];
    LaneProgress view{
        lanes_.lanes[index_of(lane.lane)].model, lane.status, track.jobs, lane.in_flight,
        track.window.per_minute(now.steady),     std::nullopt};
    view.eta = eta_of(track.jobs, track.working_per_minute, lane.status, now.wall);
    // Lanes work side by side: the slowest decides.
    progress.eta =
        progress.eta && view.eta ? std::optional{std::max(*progress.eta, *view.eta)} : std::nullopt;
    progress.lanes.push_back(std::move(view));
  }
  progress.jobs = jobs_;
  progress.in_flight = snapshot_.in_flight;
  progress.workers = snapshot_.workers;
  progress.per_minute = window_.per_minute(now.steady);
  progress.stopping = snapshot_.stopping;
  progress.storage_waits = snapshot_.storage_waits;
  return progress;
}

std::vector<TimeWaited> ProgressTracker::waits() const {
  std::vector<TimeWaited> waits;
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    for (const auto& [reason, total] : tracks_[i].waited) {
      if (to_ms(total) > 0) waits.push_back({lanes_.lanes[i].model, reason, total});
    }
  }
  std::sort(waits.begin(), waits.end(), [](const TimeWaited& a, const TimeWaited& b) {
    return std::tie(b.total, a.model, a.reason) < std::tie(a.total, b.model, b.reason);
  });
  return waits;
}

}  // namespace ratebatch
