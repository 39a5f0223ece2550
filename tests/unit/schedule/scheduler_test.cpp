#include "ratebatch/schedule/scheduler.hpp"

#include <doctest/doctest.h>

#include <set>
#include <utility>

#include "support/scheduler_bench.hpp"

namespace ratebatch::scheduler_test {

using namespace quota;
using namespace schedule;
using namespace scheduler_bench;

namespace {

TEST_CASE("nothing to do is complete at once") {
  Bench bench{4, two_lanes()};
  bench.run();
  CHECK(bench.finished == action::FinishReason::complete);
  CHECK_FALSE(bench.scheduler().poll(bench.now()).has_value());
}

TEST_CASE("workers bound what is in flight, and a freed one takes the best job left") {
  Bench bench{2, two_lanes()};
  for (std::int64_t i = 1; i <= 3; ++i) bench.add(text, i);
  bench.run();
  CHECK(bench.order == Order{1, 2});
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.order == Order{1, 2, 3});
  bench.reply(1, OutcomeClass::done);
  bench.reply(3, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::complete);
  CHECK(bench.ends.size() == 3);
}

TEST_CASE("all starts of a turn share one commit") {
  Bench bench{50, two_lanes()};
  for (std::int64_t i = 1; i <= 50; ++i) bench.add(text, i);
  bench.run();
  CHECK(bench.in_flight.size() == 50);
  CHECK(bench.commits == 1);
}

TEST_CASE("an outcome and the start that takes its worker share one commit") {
  Bench bench{2, two_lanes()};
  for (std::int64_t i = 1; i <= 4; ++i) bench.add(text, i);
  bench.run();
  CHECK(bench.commits == 1);
  bench.reply(1, OutcomeClass::done);
  CHECK(bench.commits == 2);
  CHECK(bench.order == Order{1, 2, 3});
  CHECK(bench.scheduler().snapshot(bench.now()).in_flight == 2);
}

TEST_CASE("a job that goes back never starts again in the commit that puts it back") {
  Lanes lanes = two_lanes();
  lanes.keys.pop_back();
  Bench bench{1, std::move(lanes)};
  bench.add(text, 1);
  bench.run();
  Outcome unharmed;
  unharmed.kind = OutcomeClass::refused_key;
  bench.reply(1, unharmed);
  CHECK(bench.commits == 2);
  CHECK(bench.order == Order{1});
}

TEST_CASE("a slice starts as many jobs as it may, sees them through their retries, and ends") {
  SchedulerOptions options;
  options.jobs_max = 3;
  Bench bench{2, two_lanes(), options};
  for (std::int64_t i = 1; i <= 9; ++i) bench.add(text, i);
  for (std::int64_t i = 11; i <= 19; ++i) bench.add(image, i);
  bench.run();
  bench.reply(1, OutcomeClass::server_error);
  CHECK(bench.order == Order{1, 2, 3});
  bench.reply(2, OutcomeClass::done);
  bench.reply(3, OutcomeClass::done);
  CHECK_FALSE(bench.finished.has_value());
  bench.advance(std::chrono::seconds{1});
  CHECK(bench.order == Order{1, 2, 3, 1});
  bench.reply(1, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::slice_done);
}

TEST_CASE("a lane with nothing in flight goes first while another holds more than one slot") {
  Bench bench{3, two_lanes()};
  for (std::int64_t i = 1; i <= 5; ++i) bench.add(image, i, 9);
  for (std::int64_t i = 11; i <= 15; ++i) bench.add(text, i);
  bench.run();
  CHECK(bench.order == Order{1, 2, 11});
}

TEST_CASE("a lane that must wait holds up no other lane") {
  Bench bench{2, two_lanes()};
  bench.add(text, 1);
  bench.add(text, 2);
  bench.add(image, 3);
  bench.add(image, 4);
  bench.run();
  CHECK(bench.order == Order{1, 2});
  Outcome refused;
  refused.kind = OutcomeClass::rate_limited;
  refused.facts.wait = std::chrono::seconds{20};
  bench.reply(1, refused);
  CHECK(bench.order == Order{1, 2, 3});
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.order == Order{1, 2, 3, 4});
  bench.reply(3, OutcomeClass::done);
  bench.reply(4, OutcomeClass::done);
  CHECK_FALSE(bench.finished.has_value());
  bench.advance(std::chrono::seconds{19});
  CHECK(bench.in_flight.empty());
  bench.advance(std::chrono::seconds{3});
  CHECK(bench.order == Order{1, 2, 3, 4, 1});
  CHECK(bench.in_flight.at(1) == AttemptNumber{2});
}

TEST_CASE("a job that failed on the server lets others pass and comes back when its wait is over") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.add(text, 2);
  bench.run();
  bench.reply(1, OutcomeClass::server_error);
  CHECK(bench.order == Order{1, 2});
  REQUIRE(bench.ends[0].ready_at.has_value());
  CHECK(bench.ends[0].retries_used == 1);
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.in_flight.empty());
  bench.advance(std::chrono::milliseconds{500});
  CHECK(bench.order == Order{1, 2, 1});
}

TEST_CASE("without a usable key the other provider's jobs are done, then the run ends") {
  Lanes lanes = two_lanes();
  lanes.keys.pop_back();
  lanes.pools.push_back({"together", {}, TokenRule::total});
  lanes.groups.push_back({"default", PoolId{1}});
  lanes.keys.push_back({"OTHER", GroupId{1}});
  lanes.lanes[1].pool = PoolId{1};
  Bench bench{2, std::move(lanes)};
  bench.add(text, 1);
  bench.add(image, 2);
  bench.run();
  bench.reply(1, OutcomeClass::refused_key);
  CHECK(bench.ends[0].to == JobState::pending);
  CHECK_FALSE(bench.finished.has_value());
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::no_key);
}

TEST_CASE("after a stop nothing starts, and what is in flight may end") {
  Bench bench{2, two_lanes()};
  for (std::int64_t i = 1; i <= 9; ++i) bench.add(text, i);
  bench.run();
  bench.stop(std::chrono::seconds{30});
  bench.reply(1, OutcomeClass::done);
  CHECK(bench.in_flight.size() == 1);
  CHECK_FALSE(bench.finished.has_value());
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::stopped);
  CHECK(bench.order == Order{1, 2});
}

TEST_CASE("a stop that finds the last answers on their way is complete when they are in") {
  Bench bench{2, two_lanes()};
  bench.add(text, 1);
  bench.run();
  bench.stop(std::chrono::seconds{30});
  bench.reply(1, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::complete);
}

TEST_CASE("when the grace is over, or at a second stop, what is in flight becomes unknown") {
  for (const bool second_press : {false, true}) {
    Bench bench{2, two_lanes()};
    bench.add(text, 1);
    bench.add(text, 2);
    bench.run();
    bench.stop(std::chrono::seconds{30});
    CHECK(bench.scheduler().wake_at() == bench.now().steady + std::chrono::seconds{30});
    if (second_press) {
      bench.stop(Duration{});
    } else {
      bench.advance(std::chrono::seconds{30});
    }
    CHECK(bench.cancelled == std::set<std::int64_t>{1, 2});
    bench.reply(1, OutcomeClass::unknown);
    bench.reply(2, OutcomeClass::unknown);
    CHECK(bench.ends[0].to == JobState::unknown);
    CHECK(bench.finished == action::FinishReason::stopped);
  }
}

TEST_CASE("a full disk keeps answers, starts nothing, and goes on when there is room") {
  Bench bench{2, two_lanes()};
  for (std::int64_t i = 1; i <= 4; ++i) bench.add(text, i);
  bench.run();
  bench.no_room = true;
  bench.reply(1, OutcomeClass::done);
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.ends.empty());
  CHECK(bench.order == Order{1, 2});
  CHECK(bench.scheduler().snapshot(bench.now()).storage_waits);
  bench.advance(no_room_wait);
  CHECK(bench.ends.empty());
  bench.no_room = false;
  bench.advance(no_room_wait);
  CHECK(bench.ends.size() == 2);
  CHECK(bench.order == Order{1, 2, 3, 4});
}

TEST_CASE("a stop on a full disk tries once more and then gives up") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.run();
  bench.no_room = true;
  bench.reply(1, OutcomeClass::done);
  bench.stop(std::chrono::seconds{1});
  CHECK_FALSE(bench.finished.has_value());
  bench.advance(std::chrono::seconds{2});
  CHECK(bench.finished == action::FinishReason::no_room);
}

TEST_CASE("a reply for an attempt that is over is ignored") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.run();
  Outcome late;
  late.kind = OutcomeClass::done;
  late.answer = Answer{};
  bench.scheduler().handle(bench.now(), event::AttemptEnded{JobSeq{1}, AttemptNumber{7}, late});
  bench.scheduler().handle(bench.now(), event::AttemptEnded{JobSeq{99}, AttemptNumber{1}, late});
  bench.run();
  CHECK(bench.ends.empty());
}

TEST_CASE("an outage opens the breaker: one probe per 30 s, and no job fails for it") {
  Bench bench{4, two_lanes()};
  for (std::int64_t i = 1; i <= 40; ++i) bench.add(text, i);
  bench.run();
  std::int64_t sent_in_outage = 0;
  for (int second = 0; second < 600; ++second) {
    while (!bench.in_flight.empty()) {
      ++sent_in_outage;
      bench.reply(bench.in_flight.begin()->first, OutcomeClass::network);
    }
    bench.advance(std::chrono::seconds{1});
  }
  CHECK(sent_in_outage <= 8 + 600 / 30);
  for (int second = 0; second < 120; ++second) {
    while (!bench.in_flight.empty()) {
      bench.reply(bench.in_flight.begin()->first, OutcomeClass::done);
    }
    bench.advance(std::chrono::seconds{1});
  }
  CHECK(bench.finished == action::FinishReason::complete);
  for (const AttemptEnd& end : bench.ends) CHECK(end.to != JobState::failed);
}

TEST_CASE("wake_at names the moment at which a paced lane goes on, and nothing when idle") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(
      limit_of("rpm", Resource::requests, 60, std::chrono::minutes{1}));
  Bench bench{4, std::move(lanes)};
  bench.add(text, 1);
  bench.add(text, 2);
  bench.run();
  CHECK(bench.order == Order{1});
  const auto wake = bench.scheduler().wake_at();
  REQUIRE(wake.has_value());
  CHECK(*wake > bench.now().steady);
  bench.advance(*wake - bench.now().steady);
  CHECK(bench.order == Order{1, 2});
  CHECK_FALSE(bench.scheduler().wake_at().has_value());
}

}  // namespace
}  // namespace ratebatch::scheduler_test
