#include "ratebatch/quota/wait_gate.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/number_list.hpp"

namespace ratebatch::quota {
namespace {

std::string reason_of(const Outcome& outcome) {
  if (outcome.kind == OutcomeClass::quota_exhausted) return "quota used up";
  if (outcome.limited == LimitedBy::unspecified) return "429, limit not named";
  return "429: " + std::string{to_string(outcome.limited)};
}

// No provider pauses for longer, and sums of it fit.
constexpr std::int64_t stored_wait_max_ms = to_ms(std::chrono::hours{24 * 366});

}  // namespace

Duration WaitGate::remaining(Now now) const {
  if (until_.steady) return *until_.steady - now.steady;
  return until_.wall ? *until_.wall - now.wall : Duration{};
}

bool WaitGate::allows(Now now, std::int32_t in_flight) const {
  if (waiting(now)) return false;
  return !probing() || in_flight == 0;
}

Instant WaitGate::opens_at(Now now) const {
  RB_ASSERT(waiting(now));
  return now.steady + remaining(now);
}

LaneStatus WaitGate::status(Now now) const {
  RB_ASSERT(waiting(now));
  return {state_, reason_, now.wall + remaining(now)};
}

WaitGate::Episode WaitGate::episode_of(const Outcome& outcome) {
  if (outcome.kind == OutcomeClass::quota_exhausted) return Episode::quota;
  return outcome.limited == LimitedBy::concurrency ? Episode::concurrency : Episode::rate;
}

std::int32_t WaitGate::refusals_before(const Outcome& outcome, Instant started) const {
  if (episode_of(outcome) != episode_) return 0;
  const bool same_episode = set_at_ && started <= *set_at_;
  return same_episode ? std::max(0, refusals_ - 1) : refusals_;
}

void WaitGate::refused(Now now, const Outcome& outcome, Instant started, const GateWait& wait) {
  const std::int32_t before = refusals_before(outcome, started);
  if (!waiting(now) || wait.wait > remaining(now)) {
    // Waits of hours follow the wall clock, as the resets they wait for do.
    until_ = {};
    if (wait.wait > short_window_max) {
      until_.wall = now.wall + wait.wait;
    } else {
      until_.steady = now.steady + wait.wait;
    }
    state_ = wait.state;
    reason_ = reason_of(outcome);
  }
  episode_ = episode_of(outcome);
  refusals_ = before + 1;
  set_at_ = now.steady;
}

void WaitGate::passed(Instant started) {
  if (set_at_ && started <= *set_at_) return;
  episode_ = Episode::none;
  refusals_ = 0;
  set_at_.reset();
}

bool WaitGate::probing() const {
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
  return true;
}

std::string WaitGate::store(Now now) const {
  if (episode_ == Episode::none && !waiting(now)) return "";
  const WallTime until = now.wall + std::max(remaining(now), Duration{});
  return number_list({stored_form, static_cast<std::int64_t>(episode_), refusals_,
                      state_ == LaneState::paused ? 1 : 0, to_ms(until)}) +
         ' ' + reason_;
}

bool WaitGate::restore(Now now, std::string_view text) {
  const auto stored = read_stored(text, 5);
  if (!stored) return false;
  const std::vector<std::int64_t>& numbers = stored->numbers;
  const std::int64_t episode = numbers[1];
  if (episode < 0 || episode > static_cast<std::int64_t>(Episode::quota)) return false;
  reset();
  episode_ = static_cast<Episode>(episode);
  refusals_ = static_cast<std::int32_t>(std::clamp<std::int64_t>(numbers[2], 0, 1000));
  state_ = numbers[3] == 1 ? LaneState::paused : LaneState::waiting;
  reason_ = stored->rest;
  const std::int64_t until_ms = std::min(numbers[4], to_ms(now.wall) + stored_wait_max_ms);
  if (until_ms >= 0 && wall_from_ms(until_ms) > now.wall) until_.wall = wall_from_ms(until_ms);
  set_at_ = now.steady - Duration{1};
  return true;
}

}  // namespace ratebatch::quota
