#include "ratebatch/quota/wait_gate.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ratebatch::wait_gate_test {

using namespace quota;

namespace {

Now at_s(std::int64_t s) { return {{s * 1'000'000'000}, wall_from_ms(s * 1000)}; }

Outcome refusal(OutcomeClass kind = OutcomeClass::rate_limited,
                LimitedBy by = LimitedBy::requests) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.limited = by;
  return outcome;
}

GateWait seconds(std::int64_t s, LaneState state = LaneState::waiting) {
  return {std::chrono::seconds{s}, state};
}

TEST_CASE("a refusal closes the gate for its wait, and says why") {
  WaitGate gate{RetrySettings{}};
  CHECK(gate.allows(at_s(0), 7));
  gate.refused(at_s(10), refusal(), at_s(9).steady, seconds(60));
  CHECK_FALSE(gate.allows(at_s(69), 0));
  CHECK(gate.status(at_s(20)) == LaneStatus{LaneState::waiting, "429: requests", at_s(70).wall});
  CHECK(gate.allows(at_s(70), 3));
}

TEST_CASE("a shorter wait never opens the gate earlier") {
  WaitGate gate{RetrySettings{}};
  gate.refused(at_s(0), refusal(), at_s(0).steady, seconds(60));
  gate.refused(at_s(1), refusal(), at_s(0).steady, seconds(5));
  CHECK_FALSE(gate.allows(at_s(59), 0));
  gate.refused(at_s(2), refusal(), at_s(0).steady, seconds(100));
  CHECK_FALSE(gate.allows(at_s(101), 0));
}

TEST_CASE("refusals that were in flight together count as one") {
  WaitGate gate{RetrySettings{}};
  for (int i = 0; i < 8; ++i) {
    CHECK(gate.refusals_before(refusal(), at_s(0).steady) == 0);
    gate.refused(at_s(1), refusal(), at_s(0).steady, seconds(1));
  }
  CHECK(gate.refusals_before(refusal(), at_s(2).steady) == 1);
  CHECK(gate.refusals_before(refusal(OutcomeClass::quota_exhausted), at_s(2).steady) == 0);
}

TEST_CASE("after five refusals in a row one probe goes at a time, until one passes") {
  WaitGate gate{RetrySettings{}};
  for (std::int64_t i = 0; i < 5; ++i) {
    CHECK(gate.allows(at_s(10 * i), 3));
    gate.refused(at_s(10 * i + 1), refusal(), at_s(10 * i).steady, seconds(1));
  }
  CHECK_FALSE(gate.allows(at_s(50), 1));
  CHECK(gate.allows(at_s(50), 0));
  gate.passed(at_s(50).steady);
  CHECK(gate.allows(at_s(51), 1));
}

TEST_CASE("a success that started before the refusal says nothing about it") {
  WaitGate gate{RetrySettings{}};
  gate.refused(at_s(5), refusal(OutcomeClass::quota_exhausted), at_s(4).steady,
               seconds(10, LaneState::paused));
  gate.passed(at_s(5).steady);
  CHECK_FALSE(gate.allows(at_s(20), 1));
  gate.passed(at_s(16).steady);
  CHECK(gate.allows(at_s(20), 1));
}

TEST_CASE("waits of more than an hour follow the wall clock") {
  WaitGate gate{RetrySettings{}};
  gate.refused(at_s(0), refusal(OutcomeClass::quota_exhausted), at_s(0).steady,
               seconds(7200, LaneState::paused));
  CHECK(gate.opens_at(at_s(1)) == at_s(7200).steady);
  const Now clock_set_forward{at_s(60).steady, at_s(7200).wall};
  CHECK(gate.allows(clock_set_forward, 0));
  CHECK(gate.status(at_s(1)).state == LaneState::paused);
  CHECK(gate.paused(at_s(1)));
}

TEST_CASE("up to an hour a wait follows the steady clock, and one second more the wall clock") {
  for (const std::int64_t wait : {3599, 3600, 3601}) {
    CAPTURE(wait);
    WaitGate gate{RetrySettings{}};
    gate.refused(at_s(0), refusal(), at_s(0).steady, seconds(wait));
    const Now wall_set_forward{at_s(1).steady, at_s(100'000).wall};
    CHECK(gate.waiting(wall_set_forward) == (wait <= 3600));
    CHECK(gate.waiting(at_s(wait - 1)));
    CHECK_FALSE(gate.waiting(at_s(wait)));
  }
}

TEST_CASE("probing begins after 5 refusals for a rate, 3 for concurrency, 1 for a quota") {
  struct Row {
    OutcomeClass kind;
    LimitedBy by;
    int refusals;
  };
  constexpr Row rows[] = {{OutcomeClass::rate_limited, LimitedBy::requests, 5},
                          {OutcomeClass::rate_limited, LimitedBy::unspecified, 5},
                          {OutcomeClass::rate_limited, LimitedBy::concurrency, 3},
                          {OutcomeClass::quota_exhausted, LimitedBy::unspecified, 1}};
  for (const Row& row : rows) {
    CAPTURE(row.refusals);
    WaitGate gate{RetrySettings{}};
    std::int64_t t = 0;
    for (int i = 0; i < row.refusals; ++i) {
      CHECK(gate.allows(at_s(t + 2), 1));
      gate.refused(at_s(t + 3), refusal(row.kind, row.by), at_s(t + 2).steady, seconds(1));
      t += 4;
    }
    CHECK_FALSE(gate.allows(at_s(t + 2), 1));
    CHECK(gate.allows(at_s(t + 2), 0));
  }
}

TEST_CASE("refusals for another cause begin a new episode") {
  WaitGate gate{RetrySettings{}};
  gate.refused(at_s(1), refusal(), at_s(0).steady, seconds(1));
  gate.refused(at_s(3), refusal(), at_s(2).steady, seconds(1));
  CHECK(gate.refusals_before(refusal(), at_s(5).steady) == 2);
  gate.refused(at_s(6), refusal(OutcomeClass::quota_exhausted), at_s(5).steady, seconds(1));
  CHECK(gate.refusals_before(refusal(OutcomeClass::quota_exhausted), at_s(8).steady) == 1);
  CHECK(gate.refusals_before(refusal(), at_s(8).steady) == 0);
}

TEST_CASE("a person lifts a wait: one probe may go at once, and no second one") {
  WaitGate gate{RetrySettings{}};
  gate.refused(at_s(1), refusal(OutcomeClass::quota_exhausted), at_s(0).steady,
               seconds(86'400, LaneState::paused));
  gate.lift();
  CHECK(gate.allows(at_s(2), 0));
  CHECK_FALSE(gate.allows(at_s(2), 1));
  gate.reset();
  CHECK(gate.allows(at_s(2), 1));
}

TEST_CASE("waits and episodes survive a restart, on the wall clock") {
  WaitGate gate{RetrySettings{}};
  CHECK(gate.store(at_s(0)).empty());
  for (std::int64_t i = 0; i < 5; ++i) {
    gate.refused(at_s(10 * i + 1), refusal(), at_s(10 * i).steady, seconds(5));
  }
  const std::string stored = gate.store(at_s(42));
  WaitGate next{RetrySettings{}};
  // Another boot: the steady clock began anew.
  const auto later = [](std::int64_t s) { return Now{at_s(s - 40).steady, at_s(s).wall}; };
  REQUIRE(next.restore(later(43), stored));
  CHECK(next.waiting(later(45)));
  CHECK(next.status(later(45)) == LaneStatus{LaneState::waiting, "429: requests", at_s(46).wall});
  CHECK_FALSE(next.waiting(later(46)));
  CHECK_FALSE(next.allows(later(46), 1));
  CHECK(next.refusals_before(refusal(), later(46).steady) == 5);
  next.passed(later(46).steady);
  CHECK(next.allows(later(47), 1));
  CHECK(next.store(later(47)).empty());
}

TEST_CASE("a stored pause stays a pause, and text that is none changes nothing") {
  WaitGate gate{RetrySettings{}};
  gate.refused(at_s(1), refusal(OutcomeClass::quota_exhausted), at_s(0).steady,
               seconds(7200, LaneState::paused));
  WaitGate next{RetrySettings{}};
  REQUIRE(next.restore(at_s(100), gate.store(at_s(100))));
  CHECK(next.paused(at_s(7200)));
  CHECK_FALSE(next.waiting(at_s(7201)));
  for (const char* bad : {"", "1", "1 2 3", "2 1 1 0 5 x", "1 9 1 0 5 x", "1 a 1 0 5 x", "x"}) {
    CAPTURE(bad);
    WaitGate other{RetrySettings{}};
    CHECK_FALSE(other.restore(at_s(0), bad));
    CHECK(other.allows(at_s(0), 7));
  }
}

}  // namespace
}  // namespace ratebatch::wait_gate_test
