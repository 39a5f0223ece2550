#include "ratebatch/schedule/lane_gate.hpp"

#include <doctest/doctest.h>

namespace ratebatch {
namespace {

Now at_s(std::int64_t s) { return {{s * 1'000'000'000}, wall_from_ms(s * 1000)}; }

Outcome refusal(OutcomeClass kind = OutcomeClass::rate_limited,
                LimitedBy by = LimitedBy::requests) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.limited = by;
  return outcome;
}

LaneWait seconds(std::int64_t s, LaneState state = LaneState::waiting) {
  return {std::chrono::seconds{s}, state};
}

TEST_CASE("a refusal closes the gate for its wait, and says why") {
  LaneGate gate{RetrySettings{}};
  CHECK(gate.allows(at_s(0), 7));
  gate.refused(at_s(10), refusal(), at_s(9).steady, seconds(60));
  CHECK_FALSE(gate.allows(at_s(69), 0));
  CHECK(gate.status(at_s(20)) == LaneStatus{LaneState::waiting, "429: requests", at_s(70).wall});
  CHECK(gate.allows(at_s(70), 3));
}

TEST_CASE("a shorter wait never opens the gate earlier") {
  LaneGate gate{RetrySettings{}};
  gate.refused(at_s(0), refusal(), at_s(0).steady, seconds(60));
  gate.refused(at_s(1), refusal(), at_s(0).steady, seconds(5));
  CHECK_FALSE(gate.allows(at_s(59), 0));
  gate.refused(at_s(2), refusal(), at_s(0).steady, seconds(100));
  CHECK_FALSE(gate.allows(at_s(101), 0));
}

TEST_CASE("refusals that were in flight together count as one") {
  LaneGate gate{RetrySettings{}};
  for (int i = 0; i < 8; ++i) {
    CHECK(gate.refusals_before(refusal(), at_s(0).steady) == 0);
    gate.refused(at_s(1), refusal(), at_s(0).steady, seconds(1));
  }
  CHECK(gate.refusals_before(refusal(), at_s(2).steady) == 1);
  CHECK(gate.refusals_before(refusal(OutcomeClass::quota_exhausted), at_s(2).steady) == 0);
}

TEST_CASE("after five refusals in a row one probe goes at a time, until one passes") {
  LaneGate gate{RetrySettings{}};
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
  LaneGate gate{RetrySettings{}};
  gate.refused(at_s(5), refusal(OutcomeClass::quota_exhausted), at_s(4).steady,
               seconds(10, LaneState::paused));
  gate.passed(at_s(5).steady);
  CHECK_FALSE(gate.allows(at_s(20), 1));
  gate.passed(at_s(16).steady);
  CHECK(gate.allows(at_s(20), 1));
}

TEST_CASE("waits of more than an hour follow the wall clock") {
  LaneGate gate{RetrySettings{}};
  gate.refused(at_s(0), refusal(OutcomeClass::quota_exhausted), at_s(0).steady,
               seconds(7200, LaneState::paused));
  CHECK(gate.opens_at().wall == at_s(7200).wall);
  CHECK_FALSE(gate.opens_at().steady.has_value());
  const Now clock_set_forward{at_s(60).steady, at_s(7200).wall};
  CHECK(gate.allows(clock_set_forward, 0));
  CHECK(gate.status(at_s(1)).state == LaneState::paused);
}

}  // namespace
}  // namespace ratebatch
