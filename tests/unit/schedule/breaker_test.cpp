#include "ratebatch/schedule/breaker.hpp"

#include <doctest/doctest.h>

namespace ratebatch::breaker_test {

using namespace schedule;

namespace {

Instant at_s(std::int64_t s) { return {s * 1'000'000'000}; }

// A breaker that opened at second 100.
Breaker opened() {
  Breaker breaker{BreakerSettings{}};
  for (int i = 0; i < 5; ++i) breaker.failed(at_s(100), false);
  return breaker;
}

TEST_CASE("the fifth failure in a row opens the breaker, the fourth does not") {
  Breaker breaker{BreakerSettings{}};
  for (int i = 0; i < 4; ++i) breaker.failed(at_s(1), breaker.start());
  CHECK(breaker.allows(at_s(1)));
  breaker.failed(at_s(2), breaker.start());
  CHECK(breaker.open());
  CHECK_FALSE(breaker.allows(at_s(2)));
}

TEST_CASE("a row opens the breaker only when it is longer than what was in flight") {
  Breaker breaker{BreakerSettings{}};
  for (int i = 0; i < 20; ++i) breaker.failed(at_s(1), false, 20 - i);
  CHECK_FALSE(breaker.open());
  breaker.failed(at_s(1), false, 20);
  CHECK(breaker.open());
}

TEST_CASE("a success in between starts the count anew") {
  Breaker breaker{BreakerSettings{}};
  for (int i = 0; i < 20; ++i) {
    if (i % 4 == 3) breaker.succeeded();
    breaker.failed(at_s(i), false);
  }
  CHECK_FALSE(breaker.open());
}

TEST_CASE("an open breaker lets one probe through every 30 s") {
  Breaker breaker = opened();
  CHECK(breaker.probe_at() == at_s(130));
  CHECK_FALSE(breaker.allows(at_s(129)));
  REQUIRE(breaker.allows(at_s(130)));
  CHECK(breaker.start());
  CHECK_FALSE(breaker.allows(at_s(500)));
  CHECK_FALSE(breaker.probe_at().has_value());
  breaker.failed(at_s(140), true);
  CHECK(breaker.probe_at() == at_s(170));
}

TEST_CASE("a probe that succeeds closes the breaker") {
  Breaker breaker = opened();
  const bool probe = breaker.start();
  REQUIRE(probe);
  breaker.succeeded();
  CHECK_FALSE(breaker.open());
  CHECK(breaker.allows(at_s(100)));
}

TEST_CASE("failures of requests sent before it opened do not put the probe off") {
  Breaker breaker = opened();
  breaker.failed(at_s(120), false);
  CHECK(breaker.probe_at() == at_s(130));
}

TEST_CASE("a probe that says nothing about the server makes room for another one at once") {
  Breaker breaker = opened();
  breaker.start();
  breaker.ended_without_verdict(at_s(131), true);
  CHECK(breaker.allows(at_s(131)));
  CHECK(breaker.open());
}

TEST_CASE("failures and the next probe survive a restart, on the wall clock") {
  const auto now = [](std::int64_t s) { return Now{at_s(s), wall_from_ms(s * 1000)}; };
  Breaker closed{BreakerSettings{}};
  CHECK(closed.store(now(1)).empty());
  for (int i = 0; i < 4; ++i) closed.failed(at_s(1), false);
  Breaker four{BreakerSettings{}};
  REQUIRE(four.restore(now(2), closed.store(now(2))));
  CHECK(four.failures_in_row() == 4);
  CHECK(four.allows(at_s(2)));
  four.failed(at_s(3), false);
  CHECK(four.open());

  // Another boot: the steady clock shows less.
  const Breaker open = opened();
  Breaker next{BreakerSettings{}};
  REQUIRE(next.restore({at_s(5), wall_from_ms(110'000)}, open.store(now(105))));
  CHECK(next.probe_at() == at_s(25));
  Breaker late{BreakerSettings{}};
  REQUIRE(late.restore({at_s(5), wall_from_ms(999'000)}, open.store(now(105))));
  CHECK(late.allows(at_s(5)));
  Breaker set_back{BreakerSettings{}};
  REQUIRE(set_back.restore({at_s(5), wall_from_ms(0)}, open.store(now(105))));
  CHECK(set_back.probe_at() == at_s(35));
  for (const char* bad : {"", "1 2 3", "2 5 1 0", "1 2 3 4 5", "x"}) {
    CAPTURE(bad);
    CHECK_FALSE(next.restore(now(1), bad));
  }
}

TEST_CASE("fewer failures than stored open it at the next one") {
  BreakerSettings two;
  two.failures = 2;
  Breaker breaker{two};
  REQUIRE(breaker.restore({at_s(1), wall_from_ms(1000)}, "1 4 0 0"));
  CHECK(breaker.allows(at_s(1)));
  breaker.failed(at_s(2), false);
  CHECK(breaker.open());
}

}  // namespace
}  // namespace ratebatch::breaker_test
