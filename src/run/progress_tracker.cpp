#include "ratebatch/run/progress_tracker.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::run {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t window_s = rate_window_length.count() / second_ns;

}  // namespace

void RateWindow::add(Instant now, std::int64_t count) {
  if (count == 0) return;
  const std::int64_t second = now.ns / second_ns;
  while (!seconds_.empty() && seconds_.front().second <= second - window_s) seconds_.pop_front();
  if (!seconds_.empty() && seconds_.back().second >= second) {
    seconds_.back().count += count;
  } else {
    seconds_.push_back({second, count});
  }
}

double RateWindow::per_minute(Instant now) const {
  const std::int64_t oldest = now.ns / second_ns - window_s;
  std::int64_t sum = 0;
  for (const Second& s : seconds_) {
    if (s.second > oldest) sum += s.count;
  }
  const Duration elapsed = std::clamp(now - start_, rate_window_min, rate_window_length);
  return static_cast<double>(sum) * 60e9 / static_cast<double>(elapsed.count());
}

ProgressTracker::ProgressTracker(const Lanes& lanes, Now start, const store::Counts& counts)
    : lanes_(lanes),
      tracks_(lanes.lanes.size(), LaneTrack{.window = RateWindow{start.steady}}),
      window_(start.steady),
      last_turn_(start.steady) {
  for (const RouteSettings& route : lanes.routes) lane_of_route_.emplace(route.route, route.lane);
  count(start.steady, counts);
  // What earlier runs did is no rate of this one.
  window_ = RateWindow{start.steady};
  for (LaneTrack& track : tracks_) track.window = RateWindow{start.steady};
  calls_before_ = counts.calls;
  ended_before_ = ended(jobs_);
}

void ProgressTracker::count(Instant now, const store::Counts& counts) {
  std::vector<store::JobCounts> by_lane(tracks_.size());
  for (const auto& [route, jobs] : counts.routes) {
    const auto lane = lane_of_route_.find(route);
    if (lane != lane_of_route_.end()) by_lane[index_of(lane->second)] += jobs;
  }
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    tracks_[i].window.add(now, ended(by_lane[i]) - ended(tracks_[i].jobs));
    tracks_[i].jobs = by_lane[i];
  }
  const store::JobCounts all = counts.jobs();
  window_.add(now, ended(all) - ended(jobs_));
  jobs_ = all;
  calls_ = counts.calls;
}

void ProgressTracker::usage(LaneId lane, const LaneQuota& quota) {
  tracks_[index_of(lane)].limits = quota.limits;
}

void ProgressTracker::forecast(Now now) {
  bool is_due = !forecast_at_ || now.steady - *forecast_at_ >= forecast_interval;
  for (const LaneSnapshot& lane : snapshot_.lanes) {
    const LaneTrack& track = tracks_[index_of(lane.lane)];
    is_due = is_due || !track.eta || track.state != lane.status.state;
  }
  if (!is_due) return;
  forecast_at_ = now.steady;
  const UsePerJob use = use_per_job(calls_ - calls_before_, ended(jobs_) - ended_before_);
  for (const LaneSnapshot& lane : snapshot_.lanes) {
    LaneTrack& track = tracks_[index_of(lane.lane)];
    track.state = lane.status.state;
    track.eta = eta_of({track.jobs.open(), track.working_per_minute, lane.status,
                        eta_windows(lanes_, lane.lane, track.limits, use)},
                       now.wall);
  }
}

void ProgressTracker::turned(Now now, const Snapshot& snapshot, const store::Counts& counts) {
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
    if (!lane.limits.empty()) track.limits = lane.limits;
  }
  snapshot_ = snapshot;
  forecast(now);
}

Progress ProgressTracker::progress(Now now) const {
  RB_ASSERT(snapshot_.lanes.size() == tracks_.size());
  Progress progress;
  std::optional<Eta> last = Eta{now.wall, 0};
  const auto left = [&](const Eta& eta) { return std::max(eta.finish_at - now.wall, Duration{}); };
  for (const LaneSnapshot& lane : snapshot_.lanes) {
    const LaneTrack& track = tracks_[index_of(lane.lane)];
    LaneProgress view;
    view.model = lanes_.lanes[index_of(lane.lane)].model;
    view.status = lane.status;
    view.jobs = track.jobs;
    view.in_flight = lane.in_flight;
    view.per_minute = track.window.per_minute(now.steady);
    if (track.eta) view.eta = left(*track.eta);
    view.limits = shown_limits(lanes_, lane.lane, track.limits);
    last = later_of(last, track.eta);
    progress.lanes.push_back(std::move(view));
  }
  if (last) progress.eta = left(*last);
  if (last) progress.eta_pauses = last->pauses;
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

}  // namespace ratebatch::run
