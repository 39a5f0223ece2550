#include "ratebatch/run/rate_window.hpp"

#include <algorithm>

namespace ratebatch::run {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t window_s = rate_window_length.count() / second_ns;

}  // namespace

void RateWindow::add(Instant now, std::int64_t count) {
  if (count == 0) return;
  const std::int64_t second = now.ns / second_ns;
  while (!seconds_.empty() && seconds_.front().second <= second - window_s) seconds_.pop_front();
  if (!seconds_.empty() && seconds_.back().second >= second) {
    seconds_.back().count += count;
  } else {
    seconds_.push_back({second, count});
  }
}

double RateWindow::per_minute(Instant now) const {
  const std::int64_t oldest = now.ns / second_ns - window_s;
  std::int64_t sum = 0;
  for (const Second& s : seconds_) {
    if (s.second > oldest) sum += s.count;
  }
  const Duration elapsed = std::clamp(now - start_, rate_window_min, rate_window_length);
  return static_cast<double>(sum) * 60e9 / static_cast<double>(elapsed.count());
}

}  // namespace ratebatch::run
