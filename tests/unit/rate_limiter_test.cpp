#include "ratebatch/quota/rate_limiter.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "ratebatch/base/random.hpp"

namespace ratebatch {
namespace {

constexpr Instant start{1'000'000'000'000};

Instant at_ms(std::int64_t ms) { return start + std::chrono::milliseconds{ms}; }

RequestLimit limit_of(std::int64_t amount, std::chrono::milliseconds window) {
  return {"test", amount, window};
}

TEST_CASE("requests are spaced evenly at the paced share of the limit") {
  struct Row {
    std::int64_t amount;
    std::int64_t window_ms;
    std::int32_t pace;
    std::int64_t interval_us;  // Rounded up to the next microsecond.
  };
  // With a small limit the spread between sending and receiving decides, else the share.
  constexpr Row rows[] = {{600, 60'000, 990, 101'011},  {600, 60'000, 500, 200'000},
                          {1, 1'000, 1000, 1'020'000},  {20, 1'000, 990, 51'000},
                          {20, 60'000, 990, 3'030'304}, {100'000, 3'600'000, 900, 40'000}};
  for (const Row& row : rows) {
    CAPTURE(row.amount);
    const RateLimiter limiter{limit_of(row.amount, std::chrono::milliseconds{row.window_ms}),
                              row.pace};
    CHECK((limiter.interval().count() + 999) / 1000 == row.interval_us);
  }
}

TEST_CASE("the burst is what the unused share allows, and at least one") {
  const auto burst = [](std::int64_t amount, std::int32_t pace) {
    return RateLimiter{limit_of(amount, std::chrono::minutes{1}), pace}.burst();
  };
  CHECK(burst(1, 990) == 1);
  CHECK(burst(299, 990) == 1);
  CHECK(burst(300, 990) == 2);
  CHECK(burst(1000, 990) == 9);
  CHECK(burst(1000, 1000) == 1);
  CHECK(burst(9'000'000'000, 500) == 4'499'999'999);
}

TEST_CASE("a column of steps: one request per interval, no credit beyond the burst") {
  RateLimiter limiter{limit_of(10, std::chrono::seconds{1}), 1000};
  REQUIRE(limiter.interval() == std::chrono::milliseconds{102});
  CHECK(limiter.earliest(at_ms(0)) == at_ms(0));
  limiter.take(at_ms(0));
  CHECK(limiter.earliest(at_ms(0)) == at_ms(102));
  CHECK(limiter.earliest(at_ms(101)) == at_ms(102));
  CHECK(limiter.earliest(at_ms(102)) == at_ms(102));
  limiter.take(at_ms(102));
  // An hour of rest saves nothing up.
  limiter.take(at_ms(3'600'000));
  CHECK(limiter.earliest(at_ms(3'600'000)) == at_ms(3'600'102));
}

TEST_CASE("a delay between reserving and sending moves the schedule, once per instant") {
  RateLimiter limiter{limit_of(1000, std::chrono::seconds{10}), 900};
  REQUIRE(limiter.burst() == 99);
  limiter.take(at_ms(0));
  limiter.take(at_ms(0));
  const Duration before = limiter.stored_arrival({at_ms(0), {}}) - WallTime{};
  limiter.sent(at_ms(0), at_ms(150));
  limiter.sent(at_ms(0), at_ms(150));
  const Duration after = limiter.stored_arrival({at_ms(0), {}}) - WallTime{};
  CHECK(after - before == std::chrono::milliseconds{150});
}

TEST_CASE("a large delay widens the interval, and is forgotten again") {
  RateLimiter limiter{limit_of(10, std::chrono::seconds{1}), 1000};
  const Duration calm = limiter.interval();
  limiter.take(at_ms(0));
  limiter.sent(at_ms(0), at_ms(300));
  CHECK(limiter.interval() == std::chrono::milliseconds{130});
  for (int i = 1; i <= 60; ++i) limiter.sent(at_ms(i * 1000), at_ms(i * 1000));
  CHECK(limiter.interval() == calm);
}

TEST_CASE("no window of the limit's length ever holds more than the limit") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Rng rng{seed};
    const std::int64_t amount = rng.between(1, 400);
    const Duration window = std::chrono::milliseconds{rng.between(50, 20'000)};
    RateLimiter limiter{{"test", amount, window}, 990};
    std::vector<Instant> sent;
    Instant now = start;
    for (int i = 0; i < 1500; ++i) {
      now = limiter.earliest(now) + Duration{rng.chance(50) ? rng.between(0, window.count()) : 0};
      limiter.take(now);
      const Instant left = now + Duration{rng.chance(100) ? rng.between(0, 150'000'000) : 0};
      limiter.sent(now, left);
      now = left;
      sent.push_back(left);
      const std::size_t n = sent.size();
      const auto bound = static_cast<std::size_t>(amount);
      if (n > bound) REQUIRE(sent[n - 1] - sent[n - 1 - bound] >= window);
    }
  }
}

TEST_CASE("the state survives a restart, and a wall clock that was set back does no harm") {
  RateLimiter before{limit_of(1, std::chrono::minutes{1}), 1000};
  const Now now{at_ms(0), wall_from_ms(1'000'000)};
  before.take(now.steady);
  const WallTime stored = before.stored_arrival(now);

  RateLimiter after{limit_of(1, std::chrono::minutes{1}), 1000};
  const Now rebooted{{5'000}, wall_from_ms(1'010'000)};
  after.restore(rebooted, stored);
  CHECK(after.earliest(rebooted.steady) - rebooted.steady == std::chrono::milliseconds{50'020});

  RateLimiter set_back{limit_of(1, std::chrono::minutes{1}), 1000};
  set_back.restore({at_ms(0), wall_from_ms(0)}, stored);
  CHECK(set_back.earliest(at_ms(0)) == at_ms(60'000));
}

}  // namespace
}  // namespace ratebatch
