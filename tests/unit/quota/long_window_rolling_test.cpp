#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "ratebatch/quota/long_window.hpp"

namespace ratebatch::long_window_rolling_test {

using namespace quota;

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr WallTime begin{1'795'000'000'000'000'000};  // In November 2026.

Limit rolling(std::int64_t amount, Duration window = days{1}) {
  Limit limit;
  limit.name = "rolling";
  limit.amount = amount;
  limit.window = window;
  limit.pause_at_per_mille = 1000;
  return limit;
}

Limit daily(std::int64_t amount) {
  Limit limit = rolling(amount);
  limit.reset.kind = Reset::Kind::daily;
  return limit;
}

struct Use {
  WallTime at;
  std::int64_t cost = 0;
};

// The most that any window of this length, open at its end, holds.
std::int64_t busiest(const std::vector<Use>& uses, Duration window) {
  std::int64_t most = 0;
  for (std::size_t first = 0; first < uses.size(); ++first) {
    std::int64_t sum = 0;
    for (std::size_t i = first; i < uses.size() && uses[i].at - uses[first].at < window; ++i) {
      sum += uses[i].cost;
    }
    most = std::max(most, sum);
  }
  return most;
}

TEST_CASE("a use leaves within a 96th of the window and a second after it is a window old") {
  for (const Duration window : {Duration{hours{1}} + milliseconds{1}, Duration{hours{6}},
                                Duration{days{1}}, Duration{days{31}}}) {
    CAPTURE(to_ms(window));
    for (int step = 0; step < 200; ++step) {
      const WallTime at = begin + milliseconds{997 * 61 * step};
      LongWindow counted{rolling(10, window)};
      counted.take(at, 10);
      const WallTime opens = counted.opens_at(at, 1);
      CHECK(counted.resets_at(at) == opens);
      CHECK(opens > at + window + seconds{1});
      CHECK(opens <= at + window + window / 96 + seconds{2});
      CHECK(!counted.fits(opens - Duration{1}, 1));
      CHECK(counted.used(opens - Duration{1}) == 10);
      CHECK(counted.fits(opens, 10));
      CHECK(counted.used(opens) == 0);
      CHECK(!counted.resets_at(opens));
    }
  }
}

TEST_CASE("no window of the full length ever holds more than the threshold") {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    Rng rng{seed};
    const Duration window = seed % 2 == 0 ? Duration{days{1}} : Duration{hours{2}};
    const Limit limit = rolling(rng.between(5, 500), window);
    LongWindow counted{limit};
    std::vector<Use> uses;
    WallTime now = begin;
    for (int i = 0; i < 3'000; ++i) {
      const std::int64_t cost = rng.between(1, std::max<std::int64_t>(1, limit.amount / 20));
      if (rng.chance(20)) now = now + Duration{rng.between(0, window.count() * 2)};
      now = now + Duration{rng.between(0, window.count() / 200)};
      if (!counted.fits(now, cost)) {
        const WallTime opens = counted.opens_at(now, cost);
        REQUIRE(opens > now);
        REQUIRE(!counted.fits(opens - Duration{1}, cost));
        now = opens;
        REQUIRE(counted.fits(now, cost));
      }
      counted.take(now, cost);
      uses.push_back({now, cost});
      if (rng.chance(50)) {  // The process starts anew.
        LongWindow restored{limit};
        REQUIRE(restored.restore(counted.store()));
        counted = std::move(restored);
      }
    }
    CHECK(busiest(uses, window) <= counted.threshold());
    // And it is used: the busiest window is full but for the last cost.
    CHECK(busiest(uses, window) > counted.threshold() * 9 / 10);
  }
}

TEST_CASE("a clock that steps back and forth never lets more than the threshold through") {
  // True time goes on; now and then the clock shows up to half a window less.
  for (const Limit& limit : {rolling(200), daily(200)}) {
    Rng rng{7};
    LongWindow counted{limit};
    std::vector<Use> uses;
    WallTime truth = begin;
    for (int i = 0; i < 5'000; ++i) {
      truth = truth + Duration{rng.between(0, limit.window.count() / 300)};
      const bool behind = rng.chance(300);
      const WallTime shown =
          behind ? truth - Duration{rng.between(0, limit.window.count() / 2)} : truth;
      if (!counted.fits(shown, 1)) continue;
      counted.take(shown, 1);
      uses.push_back({truth, 1});
    }
    // A day's count can be used just before and just after a reset.
    const std::int64_t windows = limit.reset.kind == Reset::Kind::daily ? 2 : 1;
    CHECK(busiest(uses, limit.window) <= counted.threshold() * windows);
    CHECK(busiest(uses, limit.window) > 100);
  }
}

TEST_CASE("a restart changes nothing") {
  for (const Limit& limit : {rolling(1'000), daily(1'000)}) {
    LongWindow counted{limit};
    for (int i = 0; i < 50; ++i) counted.take(begin + minutes{17 * i}, 7);
    counted.server_resets_at(begin + hours{15}, begin + hours{30});
    const std::string stored = counted.store();
    LongWindow restored{limit};
    REQUIRE(restored.restore(stored));
    CHECK(restored.store() == stored);
    for (int i = 0; i < 40; ++i) {
      const WallTime at = begin + hours{i};
      CHECK(restored.used(at) == counted.used(at));
      CHECK(restored.opens_at(at, 1'000) == counted.opens_at(at, 1'000));
      CHECK(restored.resets_at(at) == counted.resets_at(at));
    }
  }
}

TEST_CASE("the stored form is short") {
  LongWindow counted{rolling(1'000'000)};
  for (int i = 0; i < 10'000; ++i) counted.take(begin + seconds{60 * i}, 1);
  const std::string stored = counted.store();
  CHECK(std::count(stored.begin(), stored.end(), ' ') + 1 <= 97 + 8);
  LongWindow unused{rolling(10)};
  const std::string empty = unused.store();
  counted.take(begin, 1);
  REQUIRE(counted.restore(empty));
  CHECK(counted.used(begin) == 0);
}

TEST_CASE("another amount, window or kind of reset keeps the total used") {
  const WallTime now = begin + hours{20};
  Limit monthly = daily(1'000);
  monthly.reset.kind = Reset::Kind::monthly;
  monthly.window = month_window;
  const Limit limits[] = {rolling(1'000),          rolling(500), rolling(1'000, hours{12}),
                          rolling(1'000, days{7}), daily(1'000), monthly};
  for (const Limit& from : limits) {
    LongWindow counted{from};
    for (int i = 0; i < 10; ++i) counted.take(now + minutes{i}, 40);
    const std::string stored = counted.store();
    for (const Limit& to : limits) {
      LongWindow restored{to};
      REQUIRE(restored.restore(stored));
      CHECK(restored.used(now + minutes{10}) == 400);
      CHECK(restored.fits(now + minutes{10}, 100));
      CHECK(!restored.fits(now + minutes{10}, to.amount - 399));
      REQUIRE(restored.resets_at(now + minutes{10}));
      CHECK(restored.used(*restored.resets_at(now) + days{32}) == 0);
    }
  }
}

TEST_CASE("a stored text that is not understood changes nothing") {
  LongWindow counted{rolling(100)};
  counted.take(begin, 60);
  const std::string before = counted.store();
  std::string too_long = "1 0 0 0 0 0 900011 0";
  for (int i = 0; i < 98; ++i) too_long += " 1";
  for (const std::string& text :
       {std::string{}, std::string{"1"}, std::string{"2 0 0 0 0 0 900011 0 5"},
        std::string{"1 0 0 0 0 0 900011 0 -5"}, std::string{"1 0 0 0 0 0 900011 0 5x"},
        std::string{"1 -1 0 0 0 0 900011 0 5"}, std::string{"1 0 0 0 0 -1 900011 0 5"},
        std::string{"1 9000000000001 0 0 0 0 900011 0 5"},
        std::string{"1 0 0 0 0 0 900011 9000000000000 5"},
        std::string{"1 0 0 0 0 0 900011 0 9223372036854775807"}, too_long}) {
    CAPTURE(text);
    CHECK(!counted.restore(text));
    CHECK(counted.store() == before);
  }
}

}  // namespace
}  // namespace ratebatch::long_window_rolling_test
