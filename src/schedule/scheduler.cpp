#include "ratebatch/schedule/scheduler.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {

Scheduler::Scheduler(const Lanes& lanes, SchedulerOptions options, Rng rng, Now now,
                     const std::vector<LimitState>& stored)
    : options_(options), rng_(rng), quota_(lanes, options.pace_at_per_mille, now, stored) {
  RB_ASSERT(options.workers >= 1);
  std::vector<std::vector<RouteId>> routes(lanes.lanes.size());
  for (const RouteSettings& route : lanes.routes) {
    routes[index_of(route.lane)].push_back(route.route);
    RB_ASSERT(lane_of_route_.emplace(route.route, route.lane).second);
  }
  for (std::size_t i = 0; i < lanes.lanes.size(); ++i) {
    lanes_.emplace_back(lanes.lanes[i], routes[i]);
  }
  stored_status_.resize(lanes_.size());
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
    Lane& lane = lanes_[index_of(flight.lane)];
    lane.landed();
    if (flight.back_at) lane.queue().put_back(flight.job, *flight.back_at);
    in_flight_.erase(found);
  }
  for (const JobSeq seq : std::exchange(committing_starts_, {})) {
    InFlight& flight = in_flight_.at(seq);
    RB_ASSERT(flight.flight == Flight::committing_start);
    flight.flight = Flight::sent;
    quota_.sent(now, flight.reservation.id);
    out_.push_back(action::Send{seq, flight.job.route, flight.job.attempts, flight.lane,
                                flight.reservation.key});
  }
}

// The answers that arrived are kept for the next try. The starts are withdrawn: by then their place
// in the limits would be stale.
void Scheduler::on(Now now, event::CommitFailed& failed) {
  RB_ASSERT(committing_ == failed.batch.id);
  committing_.reset();
  committing_starts_.clear();
  committing_ends_.clear();
  room_retry_at_ = now.steady + no_room_wait;
  room_gave_up_ = gave_up_;
  for (const AttemptStart& start : failed.batch.starts) withdraw_start(now, start);
  std::vector<AttemptEnd> ends = std::move(failed.batch.ends);
  std::move(batch_.ends.begin(), batch_.ends.end(), std::back_inserter(ends));
  batch_.ends = std::move(ends);
  std::vector<LaneChange> changes = std::move(failed.batch.lanes);
  std::move(batch_.lanes.begin(), batch_.lanes.end(), std::back_inserter(changes));
  batch_.lanes = std::move(changes);
}

void Scheduler::withdraw_start(Now now, const AttemptStart& start) {
  const auto found = in_flight_.find(start.job);
  RB_ASSERT(found != in_flight_.end());
  InFlight& flight = found->second;
  Lane& lane = lanes_[index_of(flight.lane)];
  quota_.release(flight.reservation.id);
  lane.breaker().ended_without_verdict(now.steady, flight.is_probe);
  lane.ended();
  lane.landed();
  JobRef job = flight.job;
  job.state = start.from;
  job.attempts = AttemptNumber{static_cast<std::int32_t>(start.attempt) - 1};
  in_flight_.erase(found);
  lane.queue().put_back(job, now.steady);
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

void Scheduler::apply(Now now, InFlight& flight, const Outcome& outcome, AttemptEnd& end) {
  Lane& lane = lanes_[index_of(flight.lane)];
  lane.ended();
  quota_.settle(now, flight.reservation.id, outcome.facts);
  AttemptContext context;
  context.retries_used = flight.job.retries_used;
  context.is_probe = flight.is_probe;
  context.probe_wait = lane.settings().breaker.open_for * 2;
  context.lane_refusals = lane.gate().refusals_before(outcome, flight.started_at);
  const Decision decision =
      decide(outcome, context, lane.settings().retry, options_.on_unknown, rng_);
  RB_ASSERT(is_legal(JobState::running, decision.to));

  switch (decision.breaker) {
    case BreakerVerdict::success:
      lane.breaker().succeeded();
      lane.gate().passed(flight.started_at);
      break;
    case BreakerVerdict::failure:
      lane.breaker().failed(now.steady, flight.is_probe);
      break;
    case BreakerVerdict::none:
      lane.breaker().ended_without_verdict(now.steady, flight.is_probe);
      break;
  }
  if (decision.lane_wait) {
    lane.gate().refused(now, outcome, flight.started_at, *decision.lane_wait);
    end.wait_applied = decision.lane_wait->wait;
  }
  if (decision.refuses_key) quota_.refuse_key(flight.reservation.key);

  if (decision.uses_retry) ++flight.job.retries_used;
  flight.job.state = decision.to;
  flight.flight = Flight::committing_end;
  end.to = decision.to;
  end.retries_used = flight.job.retries_used;
  if (decision.to != JobState::pending) return;
  flight.back_at = now.steady + decision.job_wait;
  if (decision.job_wait > Duration{}) {
    end.ready_at = now.wall + decision.job_wait;
    end.wait_applied = decision.job_wait;
  }
}

void Scheduler::on(Now now, const event::StopRequested& stop) {
  const Instant give_up = now.steady + stop.grace;
  give_up_at_ = give_up_at_ ? std::min(*give_up_at_, give_up) : give_up;
}

std::optional<Action> Scheduler::poll(Now now) {
  polled_at_ = now;
  if (finished_) return std::nullopt;
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
  if (auto commit = next_commit(now)) return commit;
  return next_finish();
}

std::optional<Action> Scheduler::next_load() {
  for (Lane& lane : lanes_) {
    if (const auto load = lane.queue().take_load()) return *load;
  }
  return std::nullopt;
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
  batch_.limits = quota_.take_changes(now);
  for (const AttemptStart& start : batch_.starts) committing_starts_.push_back(start.job);
  for (const AttemptEnd& end : batch_.ends) committing_ends_.push_back(end.job);
  committing_ = batch_.id;
  return action::CommitBatch{std::exchange(batch_, {})};
}

void Scheduler::start_jobs(Now now) {
  std::vector<bool> left_out(lanes_.size(), false);
  while (has_free_worker()) {
    const auto lane = pick_lane(now, left_out);
    if (!lane) return;
    const auto answer = quota_.reserve(now, *lane, Cost{});
    if (const auto* refusal = std::get_if<Refusal>(&answer)) {
      left_out[index_of(*lane)] = true;
      if (refusal->earliest) lanes_[index_of(*lane)].block_until(*refusal->earliest);
      continue;
    }
    start_job(now, *lane, std::get<Reservation>(answer));
    if (!slice_full()) continue;
    for (Lane& each : lanes_) each.queue().close();
  }
}

// A worker whose outcome is known starts its next job with the commit of that outcome.
bool Scheduler::has_free_worker() const {
  return in_flight_.size() - batch_.ends.size() < static_cast<std::size_t>(options_.workers);
}

bool Scheduler::slice_full() const {
  return options_.jobs_max && jobs_started_ >= *options_.jobs_max;
}

// The lane whose best job is best of all; but one with nothing in flight goes first while another
// holds more than one slot, so that slow jobs never hold all workers.
std::optional<LaneId> Scheduler::pick_lane(Now now, const std::vector<bool>& left_out) {
  const bool crowded = std::any_of(lanes_.begin(), lanes_.end(),
                                   [](const Lane& lane) { return lane.in_flight() > 1; });
  std::optional<LaneId> best;
  const JobRef* best_job = nullptr;
  bool best_starved = false;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (left_out[i]) continue;
    const JobRef* job = lanes_[i].startable(now);
    if (job == nullptr) continue;
    const bool starved = crowded && lanes_[i].in_flight() == 0;
    const bool better = best_job == nullptr || (starved && !best_starved) ||
                        (starved == best_starved && comes_before(*job, *best_job));
    if (!better) continue;
    best = LaneId{static_cast<std::int32_t>(i)};
    best_job = job;
    best_starved = starved;
  }
  return best;
}

void Scheduler::start_job(Now now, LaneId lane, const Reservation& reservation) {
  const Lane::Started started = lanes_[index_of(lane)].start(now);
  InFlight flight;
  flight.job = started.job;
  flight.lane = lane;
  flight.reservation = reservation;
  flight.started_at = now.steady;
  flight.is_probe = started.is_probe;
  AttemptStart start;
  start.job = flight.job.seq;
  start.from = flight.job.state;
  start.attempt = next(flight.job.attempts);
  start.lane = lane;
  start.key = reservation.key;
  start.at = now.wall;
  RB_ASSERT(is_legal(start.from, JobState::running));
  flight.job.state = JobState::running;
  flight.job.attempts = start.attempt;
  flight.job.ready_at.reset();
  if (!std::exchange(flight.job.of_run, true)) ++jobs_started_;
  RB_ASSERT(in_flight_.emplace(start.job, flight).second);
  batch_.starts.push_back(start);
}

void Scheduler::note_lane_changes(Now now) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const LaneId lane{static_cast<std::int32_t>(i)};
    LaneStatus status = lanes_[i].status(now, quota_.has_usable_key(lane));
    if (status == stored_status_[i]) continue;
    stored_status_[i] = status;
    batch_.lanes.push_back({lane, std::move(status)});
  }
}

void Scheduler::cancel_all() {
  gave_up_ = true;
  for (auto& [seq, flight] : in_flight_) {
    if (flight.flight != Flight::sent || flight.cancelled) continue;
    flight.cancelled = true;
    out_.push_back(action::Cancel{seq, flight.job.attempts});
  }
}

std::optional<Action> Scheduler::next_finish() {
  if (room_gave_up_) {
    finished_ = true;
    return action::Finished{action::FinishReason::no_room};
  }
  if (!batch_.empty()) return std::nullopt;
  if (!in_flight_.empty() || !out_.empty()) return std::nullopt;
  action::Finished finish;
  if (all_drained() && !gave_up_) {
    finish.reason =
        slice_full() ? action::FinishReason::slice_done : action::FinishReason::complete;
  } else if (give_up_at_) {
    finish.reason = action::FinishReason::stopped;
  } else if (only_keyless_left()) {
    finish.reason = action::FinishReason::no_key;
  } else {
    return std::nullopt;
  }
  finished_ = true;
  return finish;
}

bool Scheduler::all_drained() const {
  return std::all_of(lanes_.begin(), lanes_.end(),
                     [](const Lane& lane) { return lane.queue().drained(); });
}

bool Scheduler::only_keyless_left() const {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const LaneId lane{static_cast<std::int32_t>(i)};
    if (!lanes_[i].queue().drained() && quota_.has_usable_key(lane)) return false;
  }
  return true;
}

Deadline Scheduler::wake_at() const {
  Deadline wake;
  if (finished_) return wake;
  if (give_up_at_ && !gave_up_) wake.steady = give_up_at_;
  if (room_retry_at_) wake = earlier(wake, {room_retry_at_, std::nullopt});
  if (give_up_at_ || room_retry_at_ || !has_free_worker()) return wake;
  for (const Lane& lane : lanes_) wake = earlier(wake, lane.wake_at(polled_at_));
  return wake;
}

Snapshot Scheduler::snapshot(Now now) const {
  Snapshot snapshot;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const LaneId lane{static_cast<std::int32_t>(i)};
    snapshot.lanes.push_back({lane, lanes_[i].status(now, quota_.has_usable_key(lane)),
                              lanes_[i].in_flight(),
                              static_cast<std::int32_t>(lanes_[i].queue().delayed_count())});
  }
  snapshot.in_flight = static_cast<std::int32_t>(in_flight_.size());
  snapshot.workers = options_.workers;
  snapshot.stopping = give_up_at_.has_value();
  snapshot.storage_waits = room_retry_at_.has_value();
  return snapshot;
}

}  // namespace ratebatch
