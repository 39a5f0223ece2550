#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/schedule/scheduler.hpp"

namespace ratebatch::schedule {
namespace {

// Of what a server said, for people: enough for its point, and for a line of the terminal.
constexpr std::size_t trip_words_bytes_max = 160;

}  // namespace

// What an outcome means for its job, its lane and its key.
void Scheduler::apply(Now now, InFlight& flight, const Outcome& outcome, AttemptEnd& end) {
  Lane& lane = lanes_[index_of(flight.lane)];
  lane.ended();
  Decision decision = decide_on(now, flight, outcome, end);
  judge_trial(flight, outcome, end, decision);
  RB_ASSERT(is_legal(JobState::running, decision.to));

  if (decision.uses_retry) ++flight.job.retries_used;
  if (outcome.kind == OutcomeClass::not_accepted) ++flight.job.rejections;
  flight.job.state = decision.to;
  flight.flight = Flight::committing_end;
  end.to = decision.to;
  end.retries_used = flight.job.retries_used;
  end.rejections = flight.job.rejections;
  unblock(lane.settings().pool);
  // The jobs of a stopped lane are for the next run.
  if (decision.to != JobState::pending || lanes_[index_of(flight.home)].stopped()) return;
  flight.back_at = now.steady + decision.job_wait;
  if (decision.job_wait > Duration{}) {
    end.ready_at = now.wall + decision.job_wait;
    end.wait_applied = decision.job_wait;
  }
}

Decision Scheduler::decide_on(Now now, InFlight& flight, const Outcome& outcome, AttemptEnd& end) {
  Lane& lane = lanes_[index_of(flight.lane)];
  AttemptContext context{.retries_used = flight.job.retries_used,
                         .rejections = flight.job.rejections,
                         .is_probe = flight.is_probe,
                         .probe_wait = lane.settings().breaker.open_for * 2};
  if (flight.reservation) {
    // Before the outcome is taken for a sign of too much load.
    if (lane.breaker().failures_in_row() == 0) quota_.lane_went_down(flight.lane);
    const quota::Verdict verdict = quota_.settle(now, flight.reservation->id, outcome, rng_);
    end.cost_pico_usd = verdict.cost_pico_usd;
    end.wait_applied = verdict.wait.value_or(Duration{});
  }
  Decision decision = decide(outcome, context, lane.settings().retry, options_.on_unknown, rng_);
  if (!flight.reservation) return decision;
  note_health(now, flight, outcome);
  // An outage fails no job: what opened the breaker, or met it open, uses no retries.
  if (health_of(outcome) == ServerHealth::failing && lane.breaker().open()) {
    decision.uses_retry = false;
    if (decision.to == JobState::failed) {
      decision.to = JobState::pending;
      decision.job_wait = context.probe_wait;
    }
  }
  return decision;
}

void Scheduler::note_health(Now now, const InFlight& flight, const Outcome& outcome) {
  Lane& lane = lanes_[index_of(flight.lane)];
  const bool was_open = lane.breaker().open();
  switch (health_of(outcome)) {
    case ServerHealth::well:
      lane.breaker().succeeded();
      if (was_open) quota_.lane_came_back(flight.lane);
      lane.clear_failed_row();
      break;
    case ServerHealth::failing:
      lane.breaker().failed(now.steady, flight.is_probe, lane.in_flight());
      if (!was_open && lane.breaker().open()) {
        lane.note_trip(escaped(outcome.message, trip_words_bytes_max));
        give_back_retries(lane);
      } else if (!lane.breaker().open()) {
        lane.note_failed(flight.job.seq);
      }
      break;
    case ServerHealth::no_verdict:
      lane.breaker().ended_without_verdict(now.steady, flight.is_probe);
      break;
  }
}

// An outage fails no job: those that failed before the breaker opened have their retry back, where
// they wait, or are on their way there.
void Scheduler::give_back_retries(Lane& failing) {
  for (const JobSeq seq : failing.take_failed_row()) {
    const auto found = in_flight_.find(seq);
    if (found == in_flight_.end()) {
      for (Lane& lane : lanes_) lane.queue().give_back_retry(seq);
      continue;
    }
    JobRef& job = found->second.job;
    job.retries_used = std::max(0, job.retries_used - 1);
    for (AttemptEnd& end : batch_.ends) {
      if (end.job == seq) end.retries_used = job.retries_used;
    }
  }
}

// One typo must not fail all jobs of a lane: where its first ones all end alike, they are given
// back, and the lane stops.
void Scheduler::judge_trial(InFlight& flight, const Outcome& outcome, AttemptEnd& end,
                            Decision& decision) {
  RouteTrial& trial = trials_.at(flight.job.route);
  Lane& lane = lanes_[index_of(flight.home)];
  if (outcome.sent && outcome.http_status > 0 && !lane.stopped()) trial.answered();
  const bool finishes = decision.to == JobState::done || decision.to == JobState::fetching ||
                        decision.to == JobState::failed;
  if (!finishes) return;
  if (lane.stopped()) {
    // What was never sent costs nothing to try again.
    const bool goes_back = trial.is_alike(outcome) || RouteTrial::is_unsendable(outcome);
    if (goes_back) decision.to = JobState::pending;
    return;
  }
  if (!trial.finished(end.job, outcome, others_under_way(flight))) return;
  lane.stop(outcome.message);
  decision.to = JobState::pending;
  std::vector<JobSeq> others = trial.failed();
  others.pop_back();
  reopen(others);
}

bool Scheduler::others_under_way(const InFlight& flight) const {
  return std::any_of(in_flight_.begin(), in_flight_.end(), [&](const auto& entry) {
    const InFlight& other = entry.second;
    return &other != &flight && other.job.route == flight.job.route &&
           other.flight != Flight::committing_end;
  });
}

void Scheduler::reopen(const std::vector<JobSeq>& jobs) {
  for (const JobSeq seq : jobs) {
    const auto end = std::find_if(batch_.ends.begin(), batch_.ends.end(), [&](const AttemptEnd& e) {
      return e.job == seq && e.to == JobState::failed;
    });
    if (end == batch_.ends.end()) {
      batch_.reopened.push_back(seq);
    } else {
      end->to = JobState::pending;
    }
  }
}

void Scheduler::unblock(PoolId pool) {
  for (Lane& lane : lanes_) {
    // Money that was reserved may come back from any provider.
    const bool by_budget = lane.blocked() && lane.blocked()->cause == quota::Refusal::Cause::budget;
    if (by_budget || lane.settings().pool == pool) lane.unblock();
  }
}

std::optional<Action> Scheduler::next_finish(Now now) {
  if (room_gave_up_) {
    finished_ = true;
    return action::Finished{action::FinishReason::no_room, ""};
  }
  if (!batch_.empty() || !in_flight_.empty() || !out_.empty()) return std::nullopt;
  if (fetches_.under_way() > 0) return std::nullopt;
  const auto reason = reason_to_finish(now);
  if (!reason) return std::nullopt;
  // What is paid is fetched before a run ends; one that was stopped does not wait for a next try.
  const bool patient = *reason == action::FinishReason::downloads && options_.wait_for_pauses;
  if (!give_up_at_ && fetches_.is_worth_waiting(now.steady, patient)) return std::nullopt;
  finished_ = true;
  return action::Finished{*reason, words_of_stopped_lanes()};
}

// Whether another lane may do the jobs of one that has no key or is paused.
bool Scheduler::served_elsewhere(Now now, std::size_t i) {
  const FallbackCauses& on = lanes_[i].settings().fallback_on;
  const bool no_key = on.no_key && !quota_.has_usable_key(LaneId{static_cast<std::int32_t>(i)});
  const bool paused = on.pause && status_of(now, i).state == LaneState::paused;
  const JobRef* job = lanes_[i].queue().head(now.steady);
  if ((!no_key && !paused) || (job != nullptr && job->size.raw_body)) return false;
  const std::vector<LaneId>& targets = lanes_[i].settings().fallbacks;
  return std::any_of(targets.begin(), targets.end(), [&](LaneId target) {
    return !lanes_[index_of(target)].stopped() && quota_.has_usable_key(target) &&
           quota_.status(now, target).state != LaneState::paused;
  });
}

std::optional<action::FinishReason> Scheduler::reason_to_finish(Now now) {
  const auto all = [&](const auto& holds) {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (!lanes_[i].exhausted() && !holds(i)) return false;
    }
    return true;
  };
  const auto keyless = [&](std::size_t i) {
    return !quota_.has_usable_key(LaneId{static_cast<std::int32_t>(i)}) &&
           !served_elsewhere(now, i);
  };
  const auto over_budget = [&](std::size_t i) {
    const auto& blocked = lanes_[i].blocked();
    return blocked && blocked->cause == quota::Refusal::Cause::budget && !blocked->earliest;
  };
  const auto paused = [&](std::size_t i) {
    return status_of(now, i).state == LaneState::paused && !served_elsewhere(now, i);
  };
  const bool all_exhausted = all([](std::size_t) { return false; });
  const bool fetches_on = !fetches_.empty() && !give_up_at_;
  if (all_exhausted && !gave_up_ && (fetches_.empty() || fetches_on)) {
    if (!words_of_stopped_lanes().empty()) return action::FinishReason::stopped_lane;
    if (slice_full()) return action::FinishReason::slice_done;
    return fetches_on ? action::FinishReason::downloads : action::FinishReason::complete;
  }
  if (out_of_time_) return action::FinishReason::out_of_time;
  if (give_up_at_) return action::FinishReason::stopped;
  if (all(keyless)) return action::FinishReason::no_key;
  if (all([&](std::size_t i) { return keyless(i) || over_budget(i); })) {
    return action::FinishReason::budget;
  }
  const bool may_end = !options_.wait_for_pauses;
  if (may_end && all([&](std::size_t i) { return keyless(i) || over_budget(i) || paused(i); })) {
    const auto unpaid = [&](std::size_t i) {
      return quota_.account_paused(now, LaneId{static_cast<std::int32_t>(i)});
    };
    return all([&](std::size_t i) { return keyless(i) || unpaid(i); })
               ? action::FinishReason::no_credit
               : action::FinishReason::paused;
  }
  return std::nullopt;
}

std::string Scheduler::words_of_stopped_lanes() const {
  std::string words;
  for (const Lane& lane : lanes_) {
    if (!lane.stopped()) continue;
    words += (words.empty() ? "" : "; ") + lane.settings().model + ": " + lane.words();
  }
  return words;
}

}  // namespace ratebatch::schedule
