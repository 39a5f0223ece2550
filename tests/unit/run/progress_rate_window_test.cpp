#include <doctest/doctest.h>

#include "ratebatch/run/progress_tracker.hpp"

namespace ratebatch::progress_rate_window_test {

using namespace run;

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant start{1'000'000'000'000};

TEST_CASE("a rate window without counts has rate 0") {
  const RateWindow window{start};
  CHECK(window.per_minute(start) == 0.0);
  CHECK(window.per_minute(start + minutes{10}) == 0.0);
}

TEST_CASE("before the window is full the rate is over the time since the start") {
  RateWindow window{start};
  window.add(start + seconds{10}, 5);
  CHECK(window.per_minute(start + seconds{10}) == doctest::Approx(30));
  CHECK(window.per_minute(start + seconds{20}) == doctest::Approx(15));
}

TEST_CASE("the first second counts as a whole one") {
  RateWindow window{start};
  window.add(start + milliseconds{1}, 2);
  CHECK(window.per_minute(start + milliseconds{1}) == doctest::Approx(120));
  CHECK(window.per_minute(start + milliseconds{999}) == doctest::Approx(120));
  CHECK(window.per_minute(start + seconds{2}) == doctest::Approx(60));
}

TEST_CASE("counts older than the window are forgotten") {
  RateWindow window{start};
  window.add(start, 100);
  CHECK(window.per_minute(start + seconds{119}) == doctest::Approx(100.0 * 60 / 119));
  CHECK(window.per_minute(start + seconds{120}) == 0.0);
  CHECK(window.per_minute(start + seconds{121}) == 0.0);
}

TEST_CASE("a steady rate is shown as it is, however long it lasts") {
  RateWindow window{start};
  for (int s = 1; s <= 600; ++s) window.add(start + seconds{s}, 4);
  CHECK(window.per_minute(start + seconds{600}) == doctest::Approx(240));
}

TEST_CASE("counts at an older time than the last are kept with the last") {
  RateWindow window{start};
  window.add(start + seconds{30}, 10);
  window.add(start + seconds{20}, 10);
  CHECK(window.per_minute(start + seconds{60}) == doctest::Approx(20));
}

}  // namespace
}  // namespace ratebatch::progress_rate_window_test
