// One request limit of the sandbox, counted in one of three ways. Pure: time comes as an argument
// and must not go backwards.
//
// Written without a look at quota/: were both sides to share a mistake, neither would show it.
#pragma once

#include <cstdint>
#include <deque>
#include <variant>

#include "ratebatch/base/time.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"

namespace ratebatch::sandbox {

// A limit at one moment, as headers and refusals tell it.
struct LimitView {
  std::int64_t limit = 0;
  std::int64_t remaining = 0;  // Whole requests that fit now.
  Duration window{};
  Duration reset{};  // Until all of it is free again.
  Duration wait{};   // Until one request fits; zero if one fits now.

  friend bool operator==(const LimitView&, const LimitView&) = default;
};

// Windows of equal length that follow one another from `start`.
class FixedWindow {
 public:
  FixedWindow(std::int64_t amount, Duration window, Instant start);
  [[nodiscard]] LimitView view(Instant now);
  void take(Instant now);

 private:
  void turn(Instant now);

  std::int64_t amount_;
  Duration window_;
  Instant window_start_;
  std::int64_t used_ = 0;
};

// A log of what was granted; an entry counts for exactly one window.
class SlidingLog {
 public:
  SlidingLog(std::int64_t amount, Duration window);
  [[nodiscard]] LimitView view(Instant now);
  void take(Instant now);

 private:
  void expire(Instant now);

  std::int64_t amount_;
  Duration window_;
  std::deque<Instant> granted_;
};

// A bucket that starts full, holds `amount` and refills evenly. Counts in units of which a request
// costs one per microsecond of the window and which come back at `amount` a microsecond, so that
// nothing is ever rounded.
class TokenBucket {
 public:
  TokenBucket(std::int64_t amount, Duration window, Instant start);
  [[nodiscard]] LimitView view(Instant now);
  void take(Instant now);

 private:
  void refill(Instant now);
  [[nodiscard]] Duration time_to_gain(std::int64_t units) const;

  std::int64_t amount_;
  std::int64_t window_us_;
  std::int64_t at_us_;
  std::int64_t missing_ = 0;  // Units below full.
};

// Any of the three. Precondition of the constructor: 1 <= amount <= sandbox_amount_max and
// 1 us <= window <= sandbox_window_max.
class Limiter {
 public:
  Limiter(LimitAlgorithm algorithm, std::int64_t amount, Duration window, Instant start);

  [[nodiscard]] LimitView view(Instant now);

  // Counts one request. Precondition: view(now).wait is zero.
  void take(Instant now);

 private:
  std::variant<FixedWindow, SlidingLog, TokenBucket> way_;
};

}  // namespace ratebatch::sandbox
