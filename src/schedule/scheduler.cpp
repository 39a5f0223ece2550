#include "ratebatch/schedule/scheduler.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::schedule {
namespace {

constexpr std::string_view breaker_item = "breaker";

// Clocks that differ by so much more than a turn ago were set.
constexpr Duration clock_step_min = std::chrono::milliseconds{500};

// The two clocks are read one after the other: the same end of a wait is never quite the same.
bool is_same(const LaneStatus& a, const LaneStatus& b) {
  const bool same_end = a.until && b.until ? *a.until - *b.until < clock_step_min &&
                                                 *b.until - *a.until < clock_step_min
                                           : a.until == b.until;
  return same_end && a.state == b.state && a.reason == b.reason;
}

std::string breaker_scope(const LaneSettings& lane) { return "lane " + lane.model; }

}  // namespace

Scheduler::Scheduler(const Lanes& lanes, SchedulerOptions options, Rng rng, Now now,
                     const std::vector<StoredState>& stored,
                     const std::vector<FetchingJob>& fetching)
    : options_(options),
      rng_(rng),
      settings_(lanes),
      quota_(lanes, options.quota, now, stored),
      stored_breakers_(lanes.lanes.size()),
      fetches_(static_cast<std::size_t>(options.workers)) {
  RB_ASSERT(options.workers >= 1);
  std::vector<std::vector<RouteId>> routes(lanes.lanes.size());
  for (const RouteSettings& route : lanes.routes) {
    routes[index_of(route.lane)].push_back(route.route);
    RB_ASSERT(lane_of_route_.emplace(route.route, route.lane).second);
    trials_.emplace(route.route, RouteTrial{route.proven});
  }
  for (std::size_t i = 0; i < lanes.lanes.size(); ++i) {
    lanes_.emplace_back(lanes.lanes[i], routes[i]);
    for (const StoredState& state : stored) {
      const bool own = state.item == breaker_item && state.scope == breaker_scope(lanes.lanes[i]);
      if (own && lanes_[i].breaker().restore(now, state.value)) stored_breakers_[i] = state.value;
    }
  }
  for (const FetchingJob& job : fetching) {
    const auto lane = lane_of_route_.find(job.route);
    const Duration wait = job.ready_at ? *job.ready_at - now.wall : Duration{};
    fetches_.add(job, lane == lane_of_route_.end() ? std::nullopt : std::optional{lane->second},
                 now.steady + std::clamp<Duration>(wait, Duration{}, fetch_wait_max));
  }
  stored_status_.resize(lanes_.size());
  if (options.probe_pauses) quota_.lift_waits();
  if (options.runtime_max) out_of_time_at_ = now.steady + *options.runtime_max;
}

void Scheduler::handle(Now now, Event event) {
  std::visit([&](auto& e) { on(now, e); }, event);
}

void Scheduler::on(Now now, const event::JobsLoaded& loaded) {
  const auto lane = lane_of_route_.find(loaded.route);
  RB_ASSERT(lane != lane_of_route_.end());
  lanes_[index_of(lane->second)].queue().loaded(now, loaded);
}

void Scheduler::on(Now now, const event::Committed& committed) {
  RB_ASSERT(committing_ == committed.batch);
  committing_.reset();
  for (const JobSeq seq : std::exchange(committing_ends_, {})) {
    const auto found = in_flight_.find(seq);
    RB_ASSERT(found != in_flight_.end() && found->second.flight == Flight::committing_end);
    const InFlight& flight = found->second;
    lanes_[index_of(flight.lane)].landed();
    if (flight.back_at) lanes_[index_of(flight.home)].queue().put_back(flight.job, *flight.back_at);
    if (flight.job.state == JobState::fetching) {
      fetches_.add({seq, flight.job.route, flight.job.attempts, 0, std::nullopt, now.wall},
                   flight.lane, now.steady);
    }
    in_flight_.erase(found);
  }
  for (const JobSeq seq : std::exchange(committing_fetches_, {})) fetches_.stored(seq);
  for (const JobSeq seq : std::exchange(committing_starts_, {})) send_or_fail(now, seq);
}

void Scheduler::send_or_fail(Now now, JobSeq seq) {
  InFlight& flight = in_flight_.at(seq);
  RB_ASSERT(flight.flight == Flight::committing_start);
  flight.flight = Flight::sent;
  if (flight.reservation) {
    quota_.sent(now, flight.reservation->id);
    out_.push_back(action::Send{seq, flight.job.route, flight.job.attempts, flight.lane,
                                flight.reservation->key});
    return;
  }
  Outcome outcome;
  outcome.kind = OutcomeClass::too_large;
  outcome.sent = false;
  outcome.message = "costs more than the whole limit '" + flight.never_fits +
                    "' of its model: ask for less, or raise the limit";
  event::AttemptEnded ended{seq, flight.job.attempts, std::move(outcome)};
  on(now, ended);
}

// The answers that arrived are kept for the next try. The starts are withdrawn: by then their place
// in the limits would be stale.
void Scheduler::on(Now now, event::CommitFailed& failed) {
  RB_ASSERT(committing_ == failed.batch.id);
  committing_.reset();
  committing_starts_.clear();
  committing_ends_.clear();
  committing_fetches_.clear();
  room_retry_at_ = now.steady + no_room_wait;
  room_gave_up_ = gave_up_;
  for (const AttemptStart& start : failed.batch.starts) withdraw_start(now, start);
  const auto first = [](auto& older, auto& newer) {
    std::move(newer.begin(), newer.end(), std::back_inserter(older));
    newer = std::move(older);
  };
  first(failed.batch.ends, batch_.ends);
  first(failed.batch.fetches, batch_.fetches);
  first(failed.batch.reopened, batch_.reopened);
  first(failed.batch.states, batch_.states);
  first(failed.batch.lanes, batch_.lanes);
}

void Scheduler::withdraw_start(Now now, const AttemptStart& start) {
  const auto found = in_flight_.find(start.job);
  RB_ASSERT(found != in_flight_.end());
  InFlight& flight = found->second;
  Lane& lane = lanes_[index_of(flight.lane)];
  if (flight.reservation) quota_.release(now, flight.reservation->id);
  lane.breaker().ended_without_verdict(now.steady, flight.is_probe);
  lane.ended();
  lane.landed();
  unblock(lane.settings().pool);
  JobRef job = flight.job;
  job.state = start.from;
  job.attempts = AttemptNumber{static_cast<std::int32_t>(start.attempt) - 1};
  lanes_[index_of(flight.home)].queue().put_back(job, now.steady);
  in_flight_.erase(found);
}

void Scheduler::on(Now now, event::AttemptEnded& ended) {
  const auto found = in_flight_.find(ended.job);
  // A reply for an attempt that is over already: it was given up, and its job is unknown.
  if (found == in_flight_.end() || found->second.job.attempts != ended.attempt) return;
  InFlight& flight = found->second;
  if (flight.flight != Flight::sent) return;
  AttemptEnd end;
  end.job = ended.job;
  end.attempt = ended.attempt;
  end.at = now.wall;
  apply(now, flight, ended.outcome, end);
  end.outcome = std::move(ended.outcome);
  batch_.ends.push_back(std::move(end));
}

void Scheduler::on(Now now, event::FetchEnded& ended) {
  auto end = fetches_.ended(now, ended, rng_);
  if (end) batch_.fetches.push_back(std::move(*end));
}

void Scheduler::on(Now now, const event::StopRequested& stop) {
  const Instant give_up = now.steady + stop.grace;
  give_up_at_ = give_up_at_ ? std::min(*give_up_at_, give_up) : give_up;
}

// Limits of hours follow the wall clock: where it was set, what blocks a lane is asked again.
void Scheduler::notice_clock_step(Now now) {
  const Duration step = (now.wall - polled_at_.wall) - (now.steady - polled_at_.steady);
  if (polled_ && (step > clock_step_min || step < -clock_step_min)) {
    for (Lane& lane : lanes_) lane.unblock();
  }
  polled_at_ = now;
  polled_ = true;
}

std::optional<Action> Scheduler::poll(Now now) {
  notice_clock_step(now);
  if (finished_) return std::nullopt;
  if (out_of_time_at_ && !give_up_at_ && now.steady >= *out_of_time_at_) {
    out_of_time_ = true;
    on(now, event::StopRequested{options_.grace});
  }
  if (give_up_at_ && !gave_up_ && now.steady >= *give_up_at_) cancel_all();
  if (!out_.empty()) {
    Action action = std::move(out_.front());
    out_.pop_front();
    return action;
  }
  if (committing_) return std::nullopt;
  if (!give_up_at_) {
    if (auto load = next_load()) return load;
  }
  if (auto fetch = next_fetch(now)) return fetch;
  if (auto commit = next_commit(now)) return commit;
  return next_finish(now);
}

std::optional<Action> Scheduler::next_load() {
  for (Lane& lane : lanes_) {
    if (const auto load = lane.queue().take_load()) return *load;
  }
  return std::nullopt;
}

// After a stop, too, for as long as the run waits for what is in flight: links do not live long.
std::optional<Action> Scheduler::next_fetch(Now now) {
  if (gave_up_ || room_retry_at_) return std::nullopt;
  return fetches_.take(now.steady);
}

std::optional<Action> Scheduler::next_commit(Now now) {
  if (room_gave_up_) return std::nullopt;
  // A run that must end does not wait for room: its last try comes once all answers are in.
  const bool last_try = gave_up_ && in_flight_.size() == batch_.ends.size();
  if (room_retry_at_ && now.steady < *room_retry_at_ && !last_try) return std::nullopt;
  if (!room_retry_at_ && !give_up_at_) start_jobs(now);
  note_lane_changes(now);
  room_retry_at_.reset();
  if (batch_.empty()) return std::nullopt;
  batch_.id = BatchId{++last_batch_};
  note_states(now);
  for (const AttemptStart& start : batch_.starts) committing_starts_.push_back(start.job);
  for (const AttemptEnd& end : batch_.ends) committing_ends_.push_back(end.job);
  for (const FetchEnd& end : batch_.fetches) committing_fetches_.push_back(end.job);
  committing_ = batch_.id;
  return action::CommitBatch{std::exchange(batch_, {})};
}

void Scheduler::note_states(Now now) {
  std::vector<StoredState> changes = quota_.take_changes(now);
  std::move(changes.begin(), changes.end(), std::back_inserter(batch_.states));
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    std::string value = lanes_[i].breaker().store(now);
    if (value == stored_breakers_[i]) continue;
    stored_breakers_[i] = value;
    batch_.states.push_back(
        {breaker_scope(lanes_[i].settings()), std::string{breaker_item}, std::move(value)});
  }
}

void Scheduler::note_lane_changes(Now now) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    LaneStatus status = status_of(now, i);
    if (is_same(status, stored_status_[i])) continue;
    stored_status_[i] = status;
    batch_.lanes.push_back({LaneId{static_cast<std::int32_t>(i)}, std::move(status)});
  }
}

LaneStatus Scheduler::status_of(Now now, std::size_t lane) const {
  const LaneId id{static_cast<std::int32_t>(lane)};
  LaneStatus status = lanes_[lane].status(now, quota_.status(now, id));
  const bool works = status.state == LaneState::running || status.state == LaneState::slowed;
  if (works && fetches_.is_full(id)) return {LaneState::waiting, "downloads", std::nullopt};
  if (status.state == LaneState::idle && fetches_.jobs_of(id) > 0) {
    status.state = LaneState::running;
  }
  return status;
}

void Scheduler::cancel_all() {
  gave_up_ = true;
  for (auto& [seq, flight] : in_flight_) {
    if (flight.flight != Flight::sent || flight.cancelled) continue;
    flight.cancelled = true;
    out_.push_back(action::Cancel{seq, flight.job.attempts});
  }
  for (const action::CancelFetch& cancel : fetches_.cancel_all()) out_.push_back(cancel);
}

std::optional<Instant> Scheduler::wake_at() const {
  if (finished_) return std::nullopt;
  std::optional<Instant> wake = room_retry_at_;
  if (give_up_at_ && !gave_up_) wake = earlier(wake, give_up_at_);
  if (out_of_time_at_ && !give_up_at_) wake = earlier(wake, out_of_time_at_);
  if (!gave_up_ && !room_retry_at_) wake = earlier(wake, fetches_.next_ready());
  if (give_up_at_ || room_retry_at_ || !has_free_worker()) return wake;
  for (const Lane& lane : lanes_) wake = earlier(wake, lane.wake_at(polled_at_));
  return wake;
}

Snapshot Scheduler::snapshot(Now now) const {
  Snapshot snapshot;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const LaneId lane{static_cast<std::int32_t>(i)};
    LaneSnapshot view{lane,
                      status_of(now, i),
                      lanes_[i].in_flight(),
                      static_cast<std::int32_t>(lanes_[i].queue().delayed_count()),
                      {}};
    if (view.status.state == LaneState::paused) view.limits = quota_.view(now, lane).limits;
    snapshot.lanes.push_back(std::move(view));
  }
  snapshot.in_flight = static_cast<std::int32_t>(in_flight_.size());
  snapshot.downloads = static_cast<std::int32_t>(fetches_.under_way());
  snapshot.workers = options_.workers;
  snapshot.stopping = give_up_at_.has_value();
  snapshot.storage_waits = room_retry_at_.has_value();
  return snapshot;
}

}  // namespace ratebatch::schedule
