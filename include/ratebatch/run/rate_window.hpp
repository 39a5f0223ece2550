// How fast something goes: counts over the last two minutes. Time comes in as an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "ratebatch/base/time.hpp"

namespace ratebatch::run {

// Long enough that a lane paced to a few requests a minute shows a steady number, short enough that
// a change shows within one line of a log.
constexpr Duration rate_window_length = std::chrono::minutes{2};

// Less than this is not enough to speak of a rate per minute: it counts as this long.
constexpr Duration rate_window_min = std::chrono::seconds{1};

class RateWindow {
 public:
  // Counting begins at `start`: until the window is full, the rate is over the time since then.
  explicit RateWindow(Instant start) : start_(start) {}

  // So many more at `now`. Counts of one second are kept together, so the window stays small.
  void add(Instant now, std::int64_t count);

  // Counts per minute over the window that ends at `now`.
  [[nodiscard]] double per_minute(Instant now) const;

 private:
  struct Second {
    std::int64_t second = 0;
    std::int64_t count = 0;
  };

  Instant start_;
  std::deque<Second> seconds_;
};

}  // namespace ratebatch::run
