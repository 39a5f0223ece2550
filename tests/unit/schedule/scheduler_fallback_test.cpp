// Which job starts where: fallback lanes, priorities, fair shares of the workers.
#include <doctest/doctest.h>

#include <utility>

#include "support/scheduler_bench.hpp"

namespace ratebatch::scheduler_fallback_test {

using namespace quota;
using namespace schedule;
using namespace scheduler_bench;

namespace {

// Jobs of the first lane may go to the second, of another provider, for these causes.
Lanes with_fallback(FallbackCauses causes) {
  Lanes lanes = two_lanes();
  lanes.pools.push_back({"together", {}, TokenRule::total});
  lanes.groups.push_back({"default", PoolId{1}});
  lanes.keys.push_back({"OTHER", GroupId{1}});
  lanes.lanes[1].pool = PoolId{1};
  lanes.lanes[0].fallbacks = {image};
  lanes.lanes[0].fallback_on = causes;
  return lanes;
}

FallbackCauses only(bool tripped, bool no_key, bool pause) { return {tripped, no_key, pause}; }

// The answer to the one request in flight.
void answer(Bench& bench, Outcome outcome) {
  REQUIRE(bench.in_flight.size() == 1);
  bench.reply(bench.in_flight.begin()->first, std::move(outcome));
}

LaneId lane_in_use(const Bench& bench) {
  REQUIRE(bench.in_flight.size() == 1);
  return bench.lane_of.at(bench.in_flight.begin()->first);
}

void pause(Bench& bench) {
  Outcome refused = refusal_of(OutcomeClass::quota_exhausted);
  refused.facts.wait = std::chrono::hours{2};
  answer(bench, std::move(refused));
}

TEST_CASE("a job goes elsewhere for the causes that are named, and for no other") {
  struct Row {
    const char* cause;
    FallbackCauses on;
    bool tripped;
    bool no_key;
    bool pause;
  };
  const Row rows[] = {
      {"none", only(false, false, false), false, false, false},
      {"tripped", only(true, false, false), true, false, false},
      {"no_key", only(false, true, false), false, true, false},
      {"pause", only(false, false, true), false, false, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.cause);
    {
      Bench bench{1, with_fallback(row.on)};
      for (std::int64_t i = 1; i <= 9; ++i) bench.add(text, i);
      bench.run();
      pause(bench);
      CHECK(bench.in_flight.size() == (row.pause ? 1 : 0));
      if (row.pause) CHECK(lane_in_use(bench) == image);
    }
    {
      Bench bench{1, with_fallback(row.on)};
      for (std::int64_t i = 1; i <= 9; ++i) bench.add(text, i);
      bench.run();
      // Both keys of the first provider.
      answer(bench, outcome_of(OutcomeClass::no_credit, 402));
      CHECK(bench.in_flight.size() == (row.no_key ? 1 : 0));
      CHECK(bench.finished.has_value() != row.no_key);
    }
    {
      Bench bench{5, with_fallback(row.on)};
      for (std::int64_t i = 1; i <= 9; ++i) bench.add(text, i);
      bench.run();
      for (std::int64_t i = 1; i <= 5; ++i) {
        bench.reply(i, outcome_of(OutcomeClass::server_error, 500));
      }
      while (!bench.in_flight.empty() && bench.lane_of.at(bench.in_flight.begin()->first) == text) {
        bench.reply(bench.in_flight.begin()->first, outcome_of(OutcomeClass::server_error, 500));
      }
      bench.advance(std::chrono::seconds{5});
      bool elsewhere = false;
      for (const auto& [seq, attempt] : bench.in_flight) {
        elsewhere = elsewhere || bench.lane_of.at(seq) == image;
      }
      CHECK(elsewhere == row.tripped);
    }
  }
}

TEST_CASE("a job with a body of its own waits for its own lane") {
  Bench bench{2, with_fallback(only(true, true, true))};
  bench.add(text, 1, 0, {10, {}, 0, true});
  bench.run();
  pause(bench);
  CHECK(bench.in_flight.empty());
  bench.advance(std::chrono::seconds{7'201});
  CHECK(bench.lane_of.at(1) == text);
  CHECK(bench.in_flight.size() == 1);
}

TEST_CASE("its own lane goes first again as soon as it may") {
  Bench bench{1, with_fallback(only(false, false, true))};
  for (std::int64_t i = 1; i <= 4; ++i) bench.add(text, i);
  bench.run();
  pause(bench);
  CHECK(lane_in_use(bench) == image);
  answer(bench, outcome_of(OutcomeClass::done, 200));
  CHECK(lane_in_use(bench) == image);
  bench.advance(std::chrono::seconds{7'202});
  answer(bench, outcome_of(OutcomeClass::done, 200));
  CHECK(lane_in_use(bench) == text);
}

TEST_CASE("a paced fallback goes on at the moment that wake_at names") {
  Lanes lanes = with_fallback(only(false, false, true));
  lanes.lanes[1].limits.windows.push_back(
      limit_of("rps", Resource::requests, 1, std::chrono::seconds{1}));
  Bench bench{4, std::move(lanes)};
  for (std::int64_t i = 1; i <= 4; ++i) bench.add(text, i);
  bench.run();
  for (const std::int64_t seq : {1, 2, 3, 4}) {
    Outcome refused = refusal_of(OutcomeClass::quota_exhausted);
    refused.facts.wait = std::chrono::hours{2};
    bench.arrive(seq, refused);
  }
  bench.run();
  for (std::int64_t i = 1; i <= 3; ++i) {
    CAPTURE(i);
    REQUIRE(bench.in_flight.size() == 1);
    bench.reply_to_all(OutcomeClass::done);
    REQUIRE(bench.wake());
  }
  CHECK(bench.now().steady - at_ms(0).steady < std::chrono::seconds{10});
}

TEST_CASE("a run does not end for want of a key, or paused, while a fallback is only paced") {
  for (const bool by_key : {true, false}) {
    CAPTURE(by_key);
    Lanes lanes = with_fallback(only(false, true, true));
    lanes.lanes[1].limits.windows.push_back(
        limit_of("rps", Resource::requests, 1, std::chrono::seconds{1}));
    SchedulerOptions options;
    options.wait_for_pauses = false;
    Bench bench{1, std::move(lanes), options};
    for (std::int64_t i = 1; i <= 3; ++i) bench.add(text, i);
    bench.run();
    if (by_key) {
      answer(bench, outcome_of(OutcomeClass::no_credit, 402));
    } else {
      pause(bench);
    }
    for (int i = 0; i < 3; ++i) {
      CHECK_FALSE(bench.finished.has_value());
      REQUIRE(bench.in_flight.size() == 1);
      bench.reply_to_all(OutcomeClass::done);
      if (!bench.finished) bench.advance(std::chrono::milliseconds{1'100});
    }
    CHECK(bench.finished == action::FinishReason::complete);
  }
}

TEST_CASE("where the fallback is out of keys or paused too, the run ends as it would without") {
  for (const bool by_key : {true, false}) {
    SchedulerOptions options;
    options.wait_for_pauses = false;
    Bench bench{1, with_fallback(only(false, true, true)), options};
    for (std::int64_t i = 1; i <= 3; ++i) bench.add(text, i);
    bench.run();
    for (int i = 0; i < 2; ++i) {
      REQUIRE_FALSE(bench.finished.has_value());
      if (by_key) {
        answer(bench, outcome_of(OutcomeClass::no_credit, 402));
      } else {
        pause(bench);
      }
    }
    CHECK(bench.finished == (by_key ? action::FinishReason::no_key : action::FinishReason::paused));
  }
}

TEST_CASE("jobs that fell back do not push the fallback's own better jobs aside") {
  Bench bench{3, with_fallback(only(false, false, true))};
  bench.add(text, 1);
  bench.run();
  pause(bench);
  REQUIRE(lane_in_use(bench) == image);
  Bench other{4, with_fallback(only(false, false, true)), {}, bench.stored(), bench.now()};
  for (std::int64_t i = 1; i <= 9; ++i) other.add(text, i);
  for (std::int64_t i = 21; i <= 29; ++i) other.add(image, i, 9);
  other.run();
  CHECK(other.order == Order{21, 22, 23, 24});
}

TEST_CASE("none overtakes one of higher priority that waits for tokens") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(
      limit_of("tpm", Resource::tokens, 10'000, std::chrono::minutes{1}));
  Bench bench{8, std::move(lanes)};
  bench.add(text, 1, 9, {400, 8'000, 0, false});
  bench.add(text, 2, 8, {400, 8'000, 0, false});
  for (std::int64_t i = 3; i <= 9; ++i) bench.add(text, i, 0, {4, 1, 0, false});
  bench.run();
  CHECK(bench.order == Order{1});
  bench.advance(std::chrono::seconds{20});
  CHECK(bench.order == Order{1});
  while (bench.order.size() < 3) REQUIRE(bench.wake());
  CHECK(bench.order == Order{1, 2, 3});
}

TEST_CASE("slow images never hold all workers while text could start") {
  Bench bench{6, two_lanes()};
  for (std::int64_t i = 1; i <= 50; ++i) bench.add(image, i, 9);
  for (std::int64_t i = 101; i <= 150; ++i) bench.add(text, i);
  bench.run();
  for (int turn = 0; turn < 40; ++turn) {
    std::int64_t texts = 0;
    for (const auto& [seq, attempt] : bench.in_flight) texts += seq > 100 ? 1 : 0;
    CHECK(texts >= 1);
    // Images take for ever, texts are quick.
    bench.reply(std::prev(bench.in_flight.end())->first, outcome_of(OutcomeClass::done, 200));
  }
}

TEST_CASE("a refused key's job goes back unharmed, and the other key takes it") {
  Bench bench{1, two_lanes(true)};
  bench.add(text, 1);
  bench.run();
  bench.reply(1, outcome_of(OutcomeClass::refused_key, 401));
  REQUIRE(bench.in_flight.size() == 1);
  CHECK(bench.ends[0].to == JobState::pending);
  CHECK(bench.ends[0].retries_used == 0);
  bench.reply(1, outcome_of(OutcomeClass::refused_key, 401));
  CHECK(bench.finished == action::FinishReason::no_key);
}

}  // namespace
}  // namespace ratebatch::scheduler_fallback_test
