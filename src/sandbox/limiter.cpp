#include "sandbox/limiter.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::sandbox {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0 ? 1 : 0); }

std::int64_t to_us(Instant at) { return at.ns / 1000; }

using Way = std::variant<FixedWindow, SlidingLog, TokenBucket>;

Way make_way(LimitAlgorithm algorithm, std::int64_t amount, Duration window, Instant start) {
  RB_ASSERT(amount >= 1 && amount <= sandbox_amount_max);
  RB_ASSERT(window >= std::chrono::microseconds{1} && window <= sandbox_window_max);
  switch (algorithm) {
    case LimitAlgorithm::fixed:
      return FixedWindow(amount, window, start);
    case LimitAlgorithm::sliding:
      return SlidingLog(amount, window);
    case LimitAlgorithm::bucket:
      return TokenBucket(amount, window, start);
  }
  RB_ASSERT(false);
}

}  // namespace

FixedWindow::FixedWindow(std::int64_t amount, Duration window, Instant start)
    : amount_(amount), window_(window), window_start_(start) {}

void FixedWindow::turn(Instant now) {
  const std::int64_t passed = (now - window_start_) / window_;
  if (passed <= 0) return;
  window_start_ = window_start_ + passed * window_;
  used_ = 0;
}

LimitView FixedWindow::view(Instant now) {
  turn(now);
  const Duration left = window_start_ + window_ - now;
  return {.limit = amount_,
          .remaining = amount_ - used_,
          .window = window_,
          .reset = used_ > 0 ? left : Duration{},
          .wait = used_ < amount_ ? Duration{} : left};
}

void FixedWindow::take(Instant now) {
  turn(now);
  RB_ASSERT(used_ < amount_);
  ++used_;
}

SlidingLog::SlidingLog(std::int64_t amount, Duration window) : amount_(amount), window_(window) {}

void SlidingLog::expire(Instant now) {
  while (!granted_.empty() && granted_.front() + window_ <= now) granted_.pop_front();
}

LimitView SlidingLog::view(Instant now) {
  expire(now);
  const std::int64_t remaining = amount_ - static_cast<std::int64_t>(granted_.size());
  return {.limit = amount_,
          .remaining = remaining,
          .window = window_,
          .reset = granted_.empty() ? Duration{} : granted_.back() + window_ - now,
          .wait = remaining > 0 ? Duration{} : granted_.front() + window_ - now};
}

void SlidingLog::take(Instant now) {
  expire(now);
  RB_ASSERT(static_cast<std::int64_t>(granted_.size()) < amount_);
  granted_.push_back(now);
}

TokenBucket::TokenBucket(std::int64_t amount, Duration window, Instant start)
    : amount_(amount), window_us_(window.count() / 1000), at_us_(to_us(start)) {}

void TokenBucket::refill(Instant now) {
  const std::int64_t passed_us = to_us(now) - at_us_;
  if (passed_us <= 0) return;
  at_us_ += passed_us;
  // A whole window fills any bucket; without the bound the product could overflow.
  missing_ -= std::min(missing_, std::min(passed_us, window_us_) * amount_);
}

Duration TokenBucket::time_to_gain(std::int64_t units) const {
  return units <= 0 ? Duration{} : std::chrono::microseconds{ceil_div(units, amount_)};
}

LimitView TokenBucket::view(Instant now) {
  refill(now);
  const std::int64_t level = amount_ * window_us_ - missing_;
  return {.limit = amount_,
          .remaining = level / window_us_,
          .window = std::chrono::microseconds{window_us_},
          .reset = time_to_gain(missing_),
          .wait = time_to_gain(window_us_ - level)};
}

void TokenBucket::take(Instant now) {
  refill(now);
  RB_ASSERT(amount_ * window_us_ - missing_ >= window_us_);
  missing_ += window_us_;
}

Limiter::Limiter(LimitAlgorithm algorithm, std::int64_t amount, Duration window, Instant start)
    : way_(make_way(algorithm, amount, window, start)) {}

LimitView Limiter::view(Instant now) {
  return std::visit([now](auto& way) { return way.view(now); }, way_);
}

void Limiter::take(Instant now) {
  std::visit([now](auto& way) { way.take(now); }, way_);
}

}  // namespace ratebatch::sandbox
