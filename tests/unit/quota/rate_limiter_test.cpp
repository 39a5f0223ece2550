#include "ratebatch/quota/rate_limiter.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "ratebatch/base/random.hpp"

namespace ratebatch::rate_limiter_test {

using namespace quota;

namespace {

constexpr Instant start{1'000'000'000'000};

Instant at_ms(std::int64_t ms) { return start + std::chrono::milliseconds{ms}; }

RateLimiter limiter_of(std::int64_t amount, Duration window, std::int32_t pace = 1000) {
  return RateLimiter{amount, window, pace};
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
    const RateLimiter limiter =
        limiter_of(row.amount, std::chrono::milliseconds{row.window_ms}, row.pace);
    CHECK((limiter.interval().count() + 999) / 1000 == row.interval_us);
  }
}

TEST_CASE("the burst stays within the unused share, and is at least one") {
  struct Row {
    std::int64_t amount;
    std::int32_t pace;
    std::int64_t most;
  };
  constexpr Row rows[] = {{1, 990, 1},     {299, 990, 1},         {300, 990, 2},    {1000, 990, 9},
                          {1000, 1000, 1}, {1'000'000, 999, 999}, {1000, 500, 499}, {100, 1, 98}};
  for (const Row& row : rows) {
    CAPTURE(row.amount);
    const RateLimiter limiter = limiter_of(row.amount, std::chrono::minutes{1}, row.pace);
    CHECK(limiter.burst() >= 1);
    CHECK(limiter.burst() <= row.most);
  }
}

TEST_CASE("a column of steps: one request per interval, no credit beyond the burst") {
  RateLimiter limiter = limiter_of(10, std::chrono::seconds{1}, 1000);
  REQUIRE(limiter.interval() == std::chrono::milliseconds{102});
  CHECK(limiter.earliest(at_ms(0)) == at_ms(0));
  limiter.take(at_ms(0), 1);
  CHECK(limiter.earliest(at_ms(0)) == at_ms(102));
  CHECK(limiter.earliest(at_ms(101)) == at_ms(102));
  CHECK(limiter.earliest(at_ms(102)) == at_ms(102));
  limiter.take(at_ms(102), 1);
  // An hour of rest saves nothing up.
  limiter.take(at_ms(3'600'000), 1);
  CHECK(limiter.earliest(at_ms(3'600'000)) == at_ms(3'600'102));
}

TEST_CASE("an unusual delay between reserving and sending moves the schedule, once per instant") {
  RateLimiter limiter = limiter_of(10'000, std::chrono::seconds{10}, 900);
  REQUIRE(limiter.burst() >= 2);
  limiter.take(at_ms(0), 1);
  limiter.take(at_ms(0), 1);
  const Duration before = limiter.stored_arrival({at_ms(0), {}}) - WallTime{};
  limiter.sent(at_ms(0), at_ms(150));
  limiter.sent(at_ms(0), at_ms(150));
  const Duration after = limiter.stored_arrival({at_ms(0), {}}) - WallTime{};
  CHECK(after - before == std::chrono::milliseconds{150});
}

TEST_CASE("a delay that every request has costs nothing in the long run") {
  RateLimiter limiter = limiter_of(600, std::chrono::minutes{1});
  Instant now = at_ms(0);
  constexpr int requests = 1'000;
  for (int i = 0; i < requests; ++i) {
    now = limiter.earliest(now);
    limiter.take(now, 1);
    limiter.sent(now, now + std::chrono::milliseconds{5});
  }
  const Duration took = now - at_ms(0);
  CHECK(took < limiter.interval() * requests + std::chrono::milliseconds{100});
}

TEST_CASE("a large delay widens the interval, and is forgotten again") {
  RateLimiter limiter = limiter_of(10, std::chrono::seconds{1}, 1000);
  const Duration calm = limiter.interval();
  limiter.take(at_ms(0), 1);
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
    RateLimiter limiter{amount, window, 990};
    std::vector<Instant> sent;
    Instant now = start;
    for (int i = 0; i < 1500; ++i) {
      now = limiter.earliest(now) + Duration{rng.chance(50) ? rng.between(0, window.count()) : 0};
      limiter.take(now, 1);
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
  RateLimiter before = limiter_of(1, std::chrono::minutes{1}, 1000);
  const Now now{at_ms(0), wall_from_ms(1'000'000)};
  before.take(now.steady, 1);
  const WallTime stored = before.stored_arrival(now);

  RateLimiter after = limiter_of(1, std::chrono::minutes{1}, 1000);
  const Now rebooted{{5'000}, wall_from_ms(1'010'000)};
  after.restore(rebooted, stored);
  const Duration wait = after.earliest(rebooted.steady) - rebooted.steady;
  CHECK(wait >= std::chrono::seconds{50});
  CHECK(wait <= std::chrono::milliseconds{50'600});

  RateLimiter set_back = limiter_of(1, std::chrono::minutes{1}, 1000);
  set_back.restore({at_ms(0), wall_from_ms(0)}, stored);
  CHECK(set_back.earliest(at_ms(0)) == at_ms(60'000));
}

TEST_CASE("a cost of n takes the time of n, and of more than the amount the time of the amount") {
  struct Row {
    std::int64_t cost;
    std::int64_t units;
  };
  constexpr Row rows[] = {{1, 1}, {99, 99}, {100, 100}, {101, 100}, {1'000'000'000'000, 100}};
  for (const Row& row : rows) {
    CAPTURE(row.cost);
    RateLimiter limiter = limiter_of(100, std::chrono::seconds{100});
    limiter.take(at_ms(0), row.cost);
    const Instant busy = limiter.earliest(at_ms(0));
    limiter.take(busy, row.cost);
    CHECK(limiter.earliest(busy) - busy == limiter.interval() * row.units);
  }
}

TEST_CASE("what a request really cost moves the schedule both ways") {
  struct Row {
    std::int64_t reserved;
    std::int64_t actual;
  };
  constexpr Row rows[] = {{500, 100}, {500, 499}, {500, 500}, {500, 501}, {100, 500}, {500, 0}};
  for (const Row& row : rows) {
    CAPTURE(row.actual);
    RateLimiter limiter = limiter_of(1000, std::chrono::seconds{10});
    limiter.take(at_ms(0), row.reserved);
    const Instant busy = limiter.earliest(at_ms(0));
    limiter.take(busy, row.reserved);
    const Instant before = limiter.earliest(busy);
    limiter.settle(busy, row.reserved, row.actual);
    const Instant after = limiter.earliest(busy);
    if (row.actual < row.reserved) CHECK(after < before);
    if (row.actual > row.reserved) CHECK(after > before);
    if (row.actual == row.reserved) CHECK(after == before);
  }
}

TEST_CASE("a settled surplus is no credit: the schedule never allows more than its burst") {
  RateLimiter limiter = limiter_of(100, std::chrono::seconds{10});
  for (int i = 0; i < 50; ++i) {
    const Instant now = limiter.earliest(at_ms(i * 10));
    limiter.take(now, 100);
    limiter.settle(now, 100, 1);
  }
  limiter.take(at_ms(3'600'000), 50);
  CHECK(limiter.earliest(at_ms(3'600'000)) > at_ms(3'600'000));
}

TEST_CASE("a debt is bounded, whatever an answer says it used") {
  RateLimiter limiter = limiter_of(10, std::chrono::minutes{1});
  for (int i = 0; i < 100; ++i) limiter.settle(at_ms(0), 1, 9'000'000'000'000'000'000);
  CHECK(limiter.earliest(at_ms(0)) - at_ms(0) <= std::chrono::minutes{4});
}

TEST_CASE("another amount changes the interval from now on, and back") {
  RateLimiter limiter = limiter_of(100, std::chrono::seconds{100}, 990);
  const Duration before = limiter.interval();
  limiter.set_amount(50);
  CHECK(limiter.interval() > before * 2 - std::chrono::milliseconds{1});
  limiter.take(at_ms(0), 1);
  CHECK(limiter.earliest(at_ms(0)) == at_ms(0) + limiter.interval());
  limiter.set_amount(100);
  CHECK(limiter.interval() == before);
}

}  // namespace
}  // namespace ratebatch::rate_limiter_test
