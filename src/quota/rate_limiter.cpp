#include "ratebatch/quota/rate_limiter.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/integers.hpp"

namespace ratebatch::quota {
namespace {

// A delay is forgotten by 1/16 with each request that was sent faster.
constexpr std::int64_t spread_decay = 16;

// A window so many times longer than the network's spread does not feel it.
constexpr std::int64_t felt_from = 100;

// The longest a schedule may lie ahead, in windows: keeps the sums far from overflow.
constexpr std::int64_t debt_windows_max = 4;

}  // namespace

RateLimiter::RateLimiter(std::int64_t amount, Duration window, std::int32_t pace_at_per_mille)
    : amount_(amount), window_(window), pace_at_per_mille_(pace_at_per_mille) {
  RB_ASSERT(amount >= 1);
  RB_ASSERT(window > Duration{});
  RB_ASSERT(pace_at_per_mille >= 1 && pace_at_per_mille <= 1000);
  find_interval();
}

void RateLimiter::set_amount(std::int64_t amount) {
  RB_ASSERT(amount >= 1);
  if (amount == amount_) return;
  amount_ = amount;
  find_interval();
}

bool RateLimiter::mixed() const { return std::max(largest_, largest_before_) > 1; }

// What may be left unused and used later, where costs differ: two requests, a tenth of the amount
// at most. The caller's log bounds what that brings together.
std::int64_t RateLimiter::carried() const {
  return mixed() ? std::min(2 * std::max(largest_, largest_before_), amount_ / 10) : 0;
}

void RateLimiter::find_interval() {
  // In this order because window * 1000 stays below 2^63 for a window of months.
  const std::int64_t paced =
      divide_up(divide_up(window_.count() * 1000, pace_at_per_mille_), amount_);
  const Duration spread = std::max(spread_, std::min(network_spread, window_ / felt_from));
  interval_ = Duration{std::max(paced, divide_up((window_ + spread).count(), amount_))};
}

std::int64_t RateLimiter::burst() const {
  if (mixed()) return 1;
  const std::int64_t spare = share_of(amount_, 1000 - pace_at_per_mille_) - 1;
  return std::max<std::int64_t>(1, std::min<std::int64_t>(spare, spread_initial / interval_));
}

Instant RateLimiter::earliest(Instant now) const {
  return std::max(now, arrival_ - interval_ * (burst() - 1));
}

Duration RateLimiter::of_cost(std::int64_t cost) const {
  return interval_ * std::min(cost, amount_);
}

// What was charged is known better when it is settled; estimates count only until then.
void RateLimiter::note_cost(Instant now, std::int64_t cost) {
  if (now - window_since_ >= window_) {
    window_since_ = now;
    largest_before_ = largest_;
    largest_ = 1;
  }
  largest_ = std::max(largest_, std::min(cost, amount_));
  find_interval();
}

void RateLimiter::take(Instant now, std::int64_t cost) {
  RB_ASSERT(earliest(now) == now);
  if (!largest_settled_) note_cost(now, cost);
  arrival_ = std::max(arrival_, now - interval_ * carried()) + of_cost(cost);
  if (last_reserved_ != now) {
    last_reserved_ = now;
    last_charged_ = Duration{};
  }
}

void RateLimiter::settle(Instant now, std::int64_t reserved, std::int64_t actual) {
  if (reserved <= 1 && actual <= 1) return;
  if (!largest_settled_) {
    largest_settled_ = true;
    largest_ = largest_before_ = 1;
  }
  note_cost(now, actual);
  arrival_ = arrival_ + (of_cost(actual) - of_cost(reserved));
  // No more may be carried than `take` allows, whoever gave it back.
  arrival_ = std::clamp(arrival_, now - interval_ * carried(), now + window_ * debt_windows_max);
}

void RateLimiter::sent(Instant reserved_at, Instant sent_at) {
  const Duration delay = std::max(Duration{}, sent_at - reserved_at);
  // A machine that slept between reserving and sending shows hours; one window says it all.
  const Duration bounded = std::min(delay, window_);
  const Duration before = spread_;
  spread_ = std::max({bounded, spread_ - spread_ / spread_decay, spread_initial});
  if (spread_ != before) find_interval();
  // Only what is more than usual brings two requests closer together: the next one has the usual
  // delay too.
  const Duration unusual = bounded - usual_delay_;
  usual_delay_ = std::min(bounded, usual_delay_ + (bounded - usual_delay_) / spread_decay);
  if (reserved_at != last_reserved_ || unusual <= last_charged_) return;
  arrival_ = arrival_ + (unusual - last_charged_);
  last_charged_ = unusual;
}

}  // namespace ratebatch::quota
