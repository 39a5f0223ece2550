#include "ratebatch/schedule/breaker.hpp"

#include <doctest/doctest.h>

namespace ratebatch {
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

}  // namespace
}  // namespace ratebatch
