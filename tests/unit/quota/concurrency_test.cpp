#include "ratebatch/quota/concurrency.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace ratebatch::concurrency_test {

using namespace quota;

namespace {

Instant at_s(std::int64_t s) { return {s * 1'000'000'000}; }

void enter(ConcurrencyLimit& limit, int n) {
  for (int i = 0; i < n; ++i) limit.enter(at_s(1));
}

// How many may be in flight at once.
int room(ConcurrencyLimit limit, int most = 1000) {
  int count = 0;
  while (count < most && !limit.full()) {
    limit.enter(at_s(1));
    ++count;
  }
  return count;
}

TEST_CASE("the configured number is in flight, and not one more") {
  for (const int max : {1, 2, 7}) {
    CAPTURE(max);
    CHECK(room(ConcurrencyLimit{max}) == max);
  }
  CHECK(room(ConcurrencyLimit{std::nullopt}, 5000) == 5000);
}

TEST_CASE("refusals lower by one, once per round trip, and never below one") {
  ConcurrencyLimit limit{4};
  enter(limit, 4);
  for (int i = 0; i < 4; ++i) {
    limit.leave();
    limit.refused(at_s(1), at_s(2));
  }
  CHECK(limit.limit() == 3);
  CHECK(limit.lowered());
  for (std::int64_t t = 3; t < 20; t += 2) {
    limit.enter(at_s(1));
    limit.leave();
    limit.refused(at_s(t), at_s(t + 1));
  }
  CHECK(limit.limit() == 1);
}

TEST_CASE("an unlimited lane learns from a refusal what was in flight beside it") {
  ConcurrencyLimit limit{std::nullopt};
  enter(limit, 9);
  limit.leave();
  limit.refused(at_s(1), at_s(2));
  CHECK(limit.limit() == 8);
}

// Successes of a lane that is always full, until the limit changes.
int successes_until_raised(ConcurrencyLimit& limit) {
  const auto before = limit.limit();
  int count = 0;
  while (!limit.full()) limit.enter(at_s(1));
  while (limit.limit() == before && count < 100'000) {
    limit.leave();
    limit.succeeded(at_s(20), at_s(21));
    ++count;
    while (!limit.full()) limit.enter(at_s(1));
  }
  return count;
}

TEST_CASE("successes of a full lane raise again, up to the maximum and not beyond") {
  ConcurrencyLimit limit{3};
  enter(limit, 3);
  limit.leave();
  limit.refused(at_s(1), at_s(2));
  REQUIRE(limit.limit() == 2);
  CHECK(successes_until_raised(limit) == 8);
  CHECK(limit.limit() == 3);
  CHECK_FALSE(limit.lowered());
  CHECK(successes_until_raised(limit) == 100'000);
}

TEST_CASE("an idle lane proves nothing, and a raise that was refused is tried later again") {
  ConcurrencyLimit limit{5};
  enter(limit, 5);
  limit.leave();
  limit.refused(at_s(1), at_s(2));
  for (int i = 0; i < 4; ++i) limit.leave();
  for (int i = 0; i < 1000; ++i) {
    limit.enter(at_s(1));
    limit.leave();
    limit.succeeded(at_s(20), at_s(21));
  }
  CHECK(limit.limit() == 4);
  const int first = successes_until_raised(limit);
  REQUIRE(limit.limit() == 5);
  limit.leave();
  limit.refused(at_s(10), at_s(11));
  REQUIRE(limit.limit() == 4);
  CHECK(successes_until_raised(limit) == 2 * first);
}

TEST_CASE("after a pause starts begin with one and double per round trip") {
  ConcurrencyLimit limit{std::nullopt};
  limit.begin_ramp();
  int expected = 1;
  for (int round = 0; round < 6; ++round) {
    CAPTURE(round);
    const int started = room(limit);
    CHECK(started == expected);
    enter(limit, started);
    for (int i = 0; i < started; ++i) {
      limit.leave();
      limit.succeeded(at_s(20), at_s(21));
    }
    expected *= 2;
  }
}

TEST_CASE("a failure does not advance the ramp") {
  ConcurrencyLimit limit{8};
  limit.begin_ramp();
  for (int i = 0; i < 5; ++i) {
    limit.enter(at_s(1));
    limit.leave();
  }
  CHECK(room(limit) == 1);
}

TEST_CASE("an announced maximum is never above the configured one, and may rise again to it") {
  struct Row {
    std::int32_t announced;
    std::int32_t room;
  };
  constexpr Row rows[] = {{4, 4}, {5, 5}, {6, 5}, {100, 5}, {1, 1}, {3, 3}};
  ConcurrencyLimit limit{5};
  for (const Row& row : rows) {
    CAPTURE(row.announced);
    limit.announced(row.announced);
    CHECK(room(limit) == row.room);
    CHECK_FALSE(limit.lowered());
  }
  ConcurrencyLimit unlimited{std::nullopt};
  unlimited.announced(7);
  CHECK(room(unlimited) == 7);
  unlimited.announced(9);
  CHECK(room(unlimited) == 9);
}

TEST_CASE("after an outage the limit is what it was before, within its maximum") {
  ConcurrencyLimit limit{20};
  limit.mark();
  enter(limit, 20);
  for (std::int64_t t = 1; t < 9; ++t) limit.refused(at_s(t), at_s(t) + Duration{1});
  CHECK(limit.limit() < 20);
  limit.back_to_mark();
  CHECK(limit.limit() == 20);

  ConcurrencyLimit announced{std::nullopt};
  announced.mark();
  announced.announced(3);
  announced.back_to_mark();
  CHECK(room(announced) == 3);
}

TEST_CASE("an outage that began in an earlier run ends within the configured limit") {
  ConcurrencyLimit limit{4};
  limit.back_to_mark();
  CHECK(room(limit) == 4);
}

TEST_CASE("what was learned is forgotten after ten minutes without a sign, one slot per success") {
  for (const bool is_over : {false, true}) {
    ConcurrencyLimit limit{std::nullopt};
    enter(limit, 5);
    limit.leave();
    limit.refused(at_s(1), at_s(2));
    REQUIRE(limit.limit() == 4);
    limit.leave();
    limit.succeeded(at_s(3), at_s(is_over ? 603 : 602));
    CHECK(limit.lowered() == !is_over);
    CHECK(room(limit) == 1);
    limit.leave();
    limit.succeeded(at_s(604), at_s(605));
    CHECK(room(limit) == (is_over ? 3 : 2));
  }
}

TEST_CASE("what was learned survives a restart, within the maximum of then") {
  ConcurrencyLimit limit{10};
  CHECK(limit.store().empty());
  enter(limit, 10);
  for (std::int64_t t = 1; t < 4; ++t) limit.refused(at_s(t), at_s(t) + Duration{1});
  const std::string stored = limit.store();
  for (const int max : {5, 7, 8, 100}) {
    CAPTURE(max);
    ConcurrencyLimit next{max};
    REQUIRE(next.restore(at_s(9), stored));
    CHECK(room(next) == std::min(max, 7));
  }
  ConcurrencyLimit next{std::nullopt};
  REQUIRE(next.restore(at_s(9), stored));
  CHECK(next.limit() == 7);
  for (const char* bad : {"", "1", "1 2", "2 3 4", "1 2 3 4", "x"}) {
    CAPTURE(bad);
    CHECK_FALSE(next.restore(at_s(9), bad));
    CHECK(next.limit() == 7);
  }
  REQUIRE(next.restore(at_s(9), "1 -5 0"));
  CHECK(next.limit() == 1);
}

}  // namespace
}  // namespace ratebatch::concurrency_test
