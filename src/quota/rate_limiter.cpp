#include "ratebatch/quota/rate_limiter.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

// A delay is forgotten by 1/16 with each request that was sent faster.
constexpr std::int64_t spread_decay = 16;

constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

RateLimiter::RateLimiter(const RequestLimit& limit, std::int32_t pace_at_per_mille)
    : amount_(limit.amount),
      window_(limit.window),
      // Divided in this order because window * 1000 stays below 2^63 for an hour, and
      // pace * amount does not divide evenly.
      paced_interval_(
          divide_up(divide_up(limit.window.count() * 1000, pace_at_per_mille), limit.amount)),
      burst_(std::max<std::int64_t>(1, limit.amount / 1000 * (1000 - pace_at_per_mille) +
                                           limit.amount % 1000 * (1000 - pace_at_per_mille) / 1000 -
                                           1)),
      spread_(spread_initial) {
  RB_ASSERT(limit.amount >= 1);
  RB_ASSERT(limit.window > Duration{} && limit.window <= short_window_max);
  RB_ASSERT(pace_at_per_mille >= 1 && pace_at_per_mille <= 1000);
}

Duration RateLimiter::interval() const {
  const Duration spread_interval{divide_up((window_ + spread_).count(), amount_)};
  return std::max(paced_interval_, spread_interval);
}

Instant RateLimiter::earliest(Instant now) const {
  return std::max(now, arrival_ - interval() * (burst_ - 1));
}

void RateLimiter::take(Instant now) {
  RB_ASSERT(earliest(now) == now);
  arrival_ = std::max(arrival_, now) + interval();
  if (last_reserved_ != now) {
    last_reserved_ = now;
    last_charged_ = Duration{};
  }
}

void RateLimiter::sent(Instant reserved_at, Instant sent_at) {
  const Duration delay = std::max(Duration{}, sent_at - reserved_at);
  // A machine that slept between reserving and sending shows hours; one window says it all.
  const Duration bounded = std::min(delay, window_);
  spread_ = std::max({bounded, spread_ - spread_ / spread_decay, spread_initial});
  if (reserved_at != last_reserved_ || bounded <= last_charged_) return;
  arrival_ = arrival_ + (bounded - last_charged_);
  last_charged_ = bounded;
}

WallTime RateLimiter::stored_arrival(Now now) const { return now.wall + (arrival_ - now.steady); }

void RateLimiter::restore(Now now, WallTime arrival) {
  arrival_ = now.steady + std::min(arrival - now.wall, window_);
}

}  // namespace ratebatch
