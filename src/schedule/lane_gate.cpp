#include "ratebatch/schedule/lane_gate.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

std::string reason_of(const Outcome& outcome) {
  if (outcome.kind == OutcomeClass::quota_exhausted) return "quota used up";
  if (outcome.limited == LimitedBy::unspecified) return "429, limit not named";
  return "429: " + std::string{to_string(outcome.limited)};
}

}  // namespace

bool LaneGate::waiting(Now now) const {
  if (until_.steady) return now.steady < *until_.steady;
  if (until_.wall) return now.wall < *until_.wall;
  return false;
}

bool LaneGate::allows(Now now, std::int32_t in_flight) const {
  if (waiting(now)) return false;
  return !probing() || in_flight == 0;
}

LaneStatus LaneGate::status(Now now) const {
  RB_ASSERT(waiting(now));
  if (until_.steady) return {state_, reason_, now.wall + (*until_.steady - now.steady)};
  return {state_, reason_, until_.wall};
}

LaneGate::Episode LaneGate::episode_of(const Outcome& outcome) {
  if (outcome.kind == OutcomeClass::quota_exhausted) return Episode::quota;
  return outcome.limited == LimitedBy::concurrency ? Episode::concurrency : Episode::rate;
}

std::int32_t LaneGate::refusals_before(const Outcome& outcome, Instant started) const {
  if (episode_of(outcome) != episode_) return 0;
  const bool same_episode = set_at_ && started <= *set_at_;
  return same_episode ? std::max(0, refusals_ - 1) : refusals_;
}

void LaneGate::refused(Now now, const Outcome& outcome, Instant started, const LaneWait& wait) {
  const std::int32_t before = refusals_before(outcome, started);
  const bool extends = waiting(now);
  // Waits of hours follow the wall clock, as the resets they wait for do.
  Deadline until;
  if (wait.wait > short_window_max) {
    until.wall = now.wall + wait.wait;
  } else {
    until.steady = now.steady + wait.wait;
  }
  const auto remaining = [&](const Deadline& d) {
    return d.wall ? *d.wall - now.wall : *d.steady - now.steady;
  };
  if (!extends || remaining(until) > remaining(until_)) {
    until_ = until;
    state_ = wait.state;
    reason_ = reason_of(outcome);
  }
  episode_ = episode_of(outcome);
  refusals_ = before + 1;
  set_at_ = now.steady;
}

void LaneGate::passed(Instant started) {
  if (set_at_ && started <= *set_at_) return;
  episode_ = Episode::none;
  refusals_ = 0;
  set_at_.reset();
}

bool LaneGate::probing() const {
  switch (episode_) {
    case Episode::none:
      return false;
    case Episode::rate:
      return refusals_ >= settings_.rate_limit.retries;
    case Episode::concurrency:
      return refusals_ >= settings_.concurrency.retries;
    case Episode::quota:
      return true;
  }
  RB_ASSERT(false);
}

}  // namespace ratebatch
