#include "ratebatch/quota/window_log.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "ratebatch/base/random.hpp"

namespace ratebatch::window_log_test {

using namespace quota;

namespace {

constexpr Duration window = std::chrono::seconds{10};
// What rounding up to slots may add.
constexpr Duration slot = window / 1000;

Instant at_ms(std::int64_t ms) {
  return Instant{1'000'000'000'000} + std::chrono::milliseconds{ms};
}

TEST_CASE("what is sent and not answered counts for a window and the second it may travel") {
  WindowLog log{window, receipt_max};
  log.take(at_ms(0), 3);
  CHECK(log.used(at_ms(0)) == 3);
  CHECK(log.used(at_ms(11'000) - Duration{1}) == 3);
  CHECK(log.used(at_ms(11'000) + slot) == 0);
  CHECK(log.falls_to(at_ms(5), 3) == at_ms(5));
  CHECK(log.falls_to(at_ms(5), 2) >= at_ms(11'000));
  CHECK(log.falls_to(at_ms(5), 2) <= at_ms(11'000) + slot);
}

TEST_CASE("an answered request counts until a window after its reply") {
  struct Row {
    std::int64_t replied_ms;
    std::int64_t leaves_ms;
  };
  constexpr Row rows[] = {{0, 10'000},     {100, 10'100},   {999, 10'999},
                          {1'000, 11'000}, {1'001, 11'000}, {9'000, 11'000}};
  for (const Row& row : rows) {
    CAPTURE(row.replied_ms);
    WindowLog log{window, receipt_max};
    log.take(at_ms(0), 2);
    log.ended(at_ms(0), at_ms(row.replied_ms), 2, 2);
    CHECK(log.used(at_ms(row.leaves_ms) - Duration{1}) == 2);
    CHECK(log.used(at_ms(row.leaves_ms) + slot) == 0);
  }
}

TEST_CASE("what it really cost replaces what was reserved, and nothing stays behind") {
  for (const std::int64_t actual : {0, 1, 4, 5, 6, 500}) {
    CAPTURE(actual);
    WindowLog log{window, receipt_max};
    log.take(at_ms(0), 1);
    log.take(at_ms(0), 5);
    log.ended(at_ms(0), at_ms(200), 5, actual);
    CHECK(log.used(at_ms(200)) == 1 + actual);
    CHECK(log.used(at_ms(12'000)) == 0);
  }
}

TEST_CASE("a request that left late counts from then on, one that never left not at all") {
  WindowLog log{window, receipt_max};
  log.take(at_ms(0), 2);
  log.sent(at_ms(0), at_ms(700), 2);
  CHECK(log.used(at_ms(11'600)) == 2);
  CHECK(log.used(at_ms(11'700) + slot) == 0);
  WindowLog other{window, receipt_max};
  other.take(at_ms(0), 2);
  other.take(at_ms(0), 3);
  other.withdrawn(at_ms(0), 2);
  CHECK(other.used(at_ms(0)) == 3);
}

TEST_CASE("an answer that comes after its entry left changes nothing") {
  WindowLog log{window, receipt_max};
  log.take(at_ms(0), 2);
  log.take(at_ms(20'000), 7);
  log.ended(at_ms(0), at_ms(30'000), 2, 900);
  CHECK(log.used(at_ms(30'000)) == 7);
}

TEST_CASE("the log survives a restart as wall times, never with less, and bounded in size") {
  for (const std::int64_t window_ms : {50, 500, 1'000, 10'000, 3'600'000}) {
    CAPTURE(window_ms);
    const Duration length = std::chrono::milliseconds{window_ms};
    WindowLog log{length, receipt_max};
    const Duration step = (length + receipt_max) / 2000;
    std::int64_t count = 0;
    const Instant end = at_ms(0) + length + receipt_max;
    for (Instant at = at_ms(0); at < end; at = at + step, ++count) {
      log.take(at, 1);
    }
    const Now before{end, wall_from_ms(5'000'000)};
    const std::string text = log.store(before);
    CHECK(std::count(text.begin(), text.end(), ' ') <= 2 * (stored_slots_max + 1));
    WindowLog next{length, receipt_max};
    const Now after{{7'000'000'000}, before.wall + length / 4};
    REQUIRE(next.restore(after, text));
    for (int eighth = 0; eighth <= 12; ++eighth) {
      const Duration on = (length + receipt_max) / 8 * eighth;
      CHECK(next.used(after.steady + on) >= log.used(before.steady + length / 4 + on));
    }
    CHECK(next.used(after.steady + length + receipt_max) == 0);
    CHECK(log.used(before.steady) <= count);
    CHECK(log.used(before.steady) >= count - 3);
  }
}

TEST_CASE("a wall clock that was set back holds a restored log no longer than a window") {
  WindowLog log{window, receipt_max};
  log.take(at_ms(0), 4);
  WindowLog next{window, receipt_max};
  REQUIRE(
      next.restore({at_ms(0), wall_from_ms(0)}, log.store({at_ms(0), wall_from_ms(86'400'000)})));
  CHECK(next.used(at_ms(10'999)) == 4);
  CHECK(next.used(at_ms(11'000) + slot) == 0);
  for (const char* bad : {"", "2", "1 5", "1 x 5", "9 1 1"}) {
    CAPTURE(bad);
    CHECK_FALSE(next.restore({at_ms(0), wall_from_ms(0)}, bad));
  }
}

TEST_CASE("whatever happens, a server that counts any window never sees more than the amount") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Rng rng{seed};
    const std::int64_t amount = rng.between(1, 60);
    WindowLog log{window, receipt_max};
    struct Open {
      Instant sent;
      Instant replied;
      std::int64_t cost;
    };
    std::vector<Open> open;
    std::vector<std::pair<Instant, std::int64_t>> received;
    Instant now = at_ms(0);
    for (int i = 0; i < 600; ++i) {
      const std::int64_t cost = rng.between(1, amount);
      now = log.falls_to(now, amount - cost);
      for (auto at = open.begin(); at != open.end();) {
        if (at->replied > now) {
          ++at;
          continue;
        }
        log.ended(at->sent, at->replied, at->cost, at->cost);
        at = open.erase(at);
      }
      now = log.falls_to(now, amount - cost);
      log.take(now, cost);
      const Duration latency = std::chrono::milliseconds{rng.between(1, 3000)};
      const Duration travel{rng.between(0, std::min<Duration>(latency, receipt_max).count())};
      open.push_back({now, now + latency, cost});
      received.emplace_back(now + travel, cost);
    }
    for (const auto& [from, first] : received) {
      std::int64_t sum = 0;
      for (const auto& [at, cost] : received) sum += at >= from && at - from < window ? cost : 0;
      REQUIRE(sum <= amount);
    }
  }
}

}  // namespace
}  // namespace ratebatch::window_log_test
