#include "ratebatch/schedule/lane.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::schedule {
namespace {

// Pacing that keeps a lane longer than this from its next request is shown as a wait.
constexpr Duration wait_shown_from = std::chrono::seconds{2};

}  // namespace

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a) return b;
  return b ? std::min(*a, *b) : a;
}

Lane::Lane(const LaneSettings& settings, const std::vector<RouteId>& routes)
    : settings_(settings), queue_(routes), breaker_(settings.breaker) {}

const JobRef* Lane::startable(Now now) {
  if (stopped_ || !breaker_.allows(now.steady)) return nullptr;
  if (blocked_ && (!blocked_->earliest || now.steady < *blocked_->earliest)) return nullptr;
  return queue_.head(now.steady);
}

const JobRef* Lane::fallback_job(Now now) {
  if (stopped_ || settings_.fallbacks.empty()) return nullptr;
  const FallbackCauses& on = settings_.fallback_on;
  const bool tripped = on.tripped && breaker_.open();
  const bool paused = on.pause && blocked_ && blocked_->cause == quota::Refusal::Cause::pause;
  const bool no_key = on.no_key && blocked_ && blocked_->cause == quota::Refusal::Cause::no_key;
  if (!tripped && !paused && !no_key) return nullptr;
  const JobRef* job = queue_.head(now.steady);
  return job != nullptr && !job->size.raw_body ? job : nullptr;
}

bool Lane::start(bool is_sent) {
  ++started_;
  return is_sent && breaker_.start();
}

void Lane::stop(std::string words) {
  stopped_ = true;
  words_ = std::move(words);
}

void Lane::landed() {
  RB_ASSERT(ended_ > 0);
  --started_;
  --ended_;
}

std::optional<Instant> Lane::wake_at(Now now) const {
  if (exhausted()) return std::nullopt;
  // All of these must be over before anything starts, so the latest of them counts (nullopt comes
  // before any). One that is past already had its chance at `now`.
  const auto block = blocked_ ? blocked_->earliest : std::nullopt;
  const auto all_over = std::max(breaker_.probe_at(), block);
  const auto later = [&](std::optional<Instant> at) {
    return at && now.steady < *at ? at : std::nullopt;
  };
  const auto ready = later(queue_.next_ready());
  if (!later(all_over)) return ready;
  if (settings_.fallbacks.empty()) return all_over;
  // Its jobs may go elsewhere before.
  return earlier(earlier(all_over, ready), later(fallback_at_));
}

LaneStatus Lane::status(Now now, LaneStatus quota) const {
  if (stopped_) return {LaneState::stopped, words_, std::nullopt};
  if (queue_.drained() && started_ == 0) return {LaneState::idle, "", std::nullopt};
  if (blocked_ && blocked_->cause == quota::Refusal::Cause::budget) {
    const auto until = blocked_->earliest
                           ? std::optional{now.wall + (*blocked_->earliest - now.steady)}
                           : std::nullopt;
    return {LaneState::paused, blocked_->limit, until};
  }
  const bool free = quota.state == LaneState::running || quota.state == LaneState::slowed;
  // A lane that stands still for a short window is no running one.
  if (free && blocked_ && blocked_->cause == quota::Refusal::Cause::window && in_flight() == 0 &&
      blocked_->earliest && *blocked_->earliest - now.steady > wait_shown_from) {
    return {LaneState::waiting, blocked_->limit, now.wall + (*blocked_->earliest - now.steady)};
  }
  if (free && breaker_.open()) {
    const std::string cause = trip_words_.empty() ? "" : ": " + trip_words_;
    return {LaneState::tripped, "server failures" + cause, std::nullopt};
  }
  return quota;
}

}  // namespace ratebatch::schedule
