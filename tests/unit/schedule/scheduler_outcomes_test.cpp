// What outcomes mean for jobs, lanes and runs: trials, outages, limits, money, restarts.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/scheduler_bench.hpp"

namespace ratebatch::scheduler_outcomes_test {

using namespace quota;
using namespace schedule;
using namespace scheduler_bench;

namespace {

Outcome not_found() { return outcome_of(OutcomeClass::not_found, 404, "no such model"); }

TEST_CASE("ten first jobs that fail alike stop the lane: all go back, those in flight too") {
  Bench bench{11, two_lanes()};
  for (std::int64_t i = 1; i <= 30; ++i) bench.add(text, i);
  bench.run();
  for (std::int64_t i = 1; i <= 9; ++i) bench.reply(i, not_found());
  CHECK(bench.ends.size() == 9);
  CHECK(bench.reopened.empty());
  const std::size_t started = bench.order.size();
  bench.reply(10, not_found());
  CHECK(bench.reopened.size() == 9);
  CHECK(bench.ends.back().to == JobState::pending);
  CHECK(bench.order.size() == started);
  while (!bench.in_flight.empty()) {
    bench.reply(bench.in_flight.begin()->first, not_found());
    CHECK(bench.ends.back().to == JobState::pending);
  }
  CHECK(bench.finished == action::FinishReason::stopped_lane);
  CHECK(bench.words == "text: no such model");
  CHECK(bench.status(text).state == LaneState::stopped);
}

TEST_CASE("replies of one turn that fail alike are not even committed as failed") {
  Bench bench{10, two_lanes()};
  for (std::int64_t i = 1; i <= 10; ++i) bench.add(text, i);
  bench.run();
  for (std::int64_t i = 1; i <= 10; ++i) bench.arrive(i, not_found());
  bench.run();
  CHECK(bench.reopened.empty());
  REQUIRE(bench.ends.size() == 10);
  for (const AttemptEnd& end : bench.ends) CHECK(end.to == JobState::pending);
}

TEST_CASE("nine failures, another failure or one success keep the lane going") {
  struct Row {
    const char* name;
    Outcome tenth;
  };
  const Row rows[] = {{"a success", outcome_of(OutcomeClass::done, 200)},
                      {"another class", outcome_of(OutcomeClass::invalid_request, 404)},
                      {"another status", outcome_of(OutcomeClass::not_found, 410)}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Bench bench{1, two_lanes()};
    for (std::int64_t i = 1; i <= 40; ++i) bench.add(text, i);
    bench.run();
    for (std::int64_t i = 1; i <= 9; ++i) bench.reply(i, not_found());
    bench.reply(10, row.tenth);
    for (std::int64_t i = 11; i <= 40; ++i) bench.reply(i, not_found());
    CHECK(bench.finished == action::FinishReason::complete);
    CHECK(bench.reopened.empty());
  }
  Bench nine{1, two_lanes()};
  for (std::int64_t i = 1; i <= 9; ++i) nine.add(text, i);
  nine.run();
  for (std::int64_t i = 1; i <= 9; ++i) nine.reply(i, not_found());
  CHECK(nine.finished == action::FinishReason::complete);
}

TEST_CASE("a proven route is never stopped, and refusals are no failures of its jobs") {
  Lanes lanes = two_lanes();
  lanes.routes[0].proven = true;
  Bench bench{1, std::move(lanes)};
  for (std::int64_t i = 1; i <= 20; ++i) bench.add(text, i);
  bench.run();
  for (std::int64_t i = 1; i <= 20; ++i) bench.reply(i, not_found());
  CHECK(bench.finished == action::FinishReason::complete);
}

Outcome unsent(OutcomeClass kind) {
  Outcome outcome = outcome_of(kind, 0, "no variable 'mood'");
  outcome.sent = false;
  return outcome;
}

// Ends all that is in flight, as the driver does with what it cannot send.
void reject_all(Bench& bench) {
  const auto in_flight = bench.in_flight;
  for (const auto& [seq, sent] : in_flight) {
    bench.arrive(seq, unsent(OutcomeClass::invalid_request));
  }
  bench.run();
}

TEST_CASE("where the first jobs cannot be made into requests, a proven lane stops too") {
  for (const int workers : {1, 4, 16}) {
    CAPTURE(workers);
    Lanes lanes = two_lanes();
    lanes.routes[0].proven = true;
    Bench bench{workers, std::move(lanes)};
    for (std::int64_t i = 1; i <= 40; ++i) bench.add(text, i);
    bench.run();
    while (!bench.in_flight.empty()) reject_all(bench);
    CHECK(bench.finished == action::FinishReason::stopped_lane);
    CHECK(bench.words == "text: no variable 'mood'");
    const auto failed = std::count_if(bench.ends.begin(), bench.ends.end(),
                                      [](const auto& end) { return end.to == JobState::failed; });
    CHECK(static_cast<std::size_t>(failed) == bench.reopened.size());
    CHECK(bench.ends.size() < 20);
  }
}

TEST_CASE("jobs that cannot be made into requests fail alone once one was answered") {
  Bench bench{4, two_lanes()};
  for (std::int64_t i = 1; i <= 40; ++i) bench.add(text, i);
  bench.run();
  bench.reply(4, outcome_of(OutcomeClass::done, 200));
  while (!bench.in_flight.empty()) reject_all(bench);
  CHECK(bench.finished == action::FinishReason::complete);
  CHECK(bench.reopened.empty());
}

TEST_CASE("jobs that cannot be sent do not stop a lane whose good job is under way") {
  Bench bench{4, two_lanes()};
  for (std::int64_t i = 1; i <= 40; ++i) bench.add(text, i);
  bench.run();
  while (bench.in_flight.size() > 1) {
    const auto in_flight = bench.in_flight;
    for (const auto& [seq, sent] : in_flight) {
      if (seq != 2) bench.arrive(seq, unsent(OutcomeClass::invalid_request));
    }
    bench.run();
  }
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::complete);
  CHECK(bench.ends.back().to == JobState::done);
}

TEST_CASE("a job that cannot be made into a request fails alone among good ones") {
  Bench bench{1, two_lanes()};
  for (std::int64_t i = 1; i <= 60; ++i) bench.add(text, i);
  bench.run();
  for (std::int64_t i = 1; i <= 60; ++i) {
    const bool is_bad = i % 4 == 1;
    bench.reply(
        i, is_bad ? unsent(OutcomeClass::invalid_request) : outcome_of(OutcomeClass::done, 200));
    CHECK(bench.ends.back().to == (is_bad ? JobState::failed : JobState::done));
  }
  CHECK(bench.finished == action::FinishReason::complete);
  CHECK(bench.reopened.empty());
}

TEST_CASE("a failure of the server, too, shows that requests can be made") {
  Bench bench{1, two_lanes()};
  for (std::int64_t i = 1; i <= 20; ++i) bench.add(text, i);
  bench.run();
  for (std::int64_t i = 1; i <= 9; ++i) bench.reply(i, unsent(OutcomeClass::invalid_request));
  bench.reply(10, outcome_of(OutcomeClass::server_error, 500));
  for (std::int64_t i = 11; i <= 19; ++i) bench.reply(i, unsent(OutcomeClass::invalid_request));
  CHECK_FALSE(bench.finished.has_value());
  bench.reply(20, OutcomeClass::done);
  bench.advance(std::chrono::seconds{3});
  bench.reply(10, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::complete);
}

TEST_CASE("a stopped lane leaves the others alone") {
  Bench bench{1, two_lanes()};
  for (std::int64_t i = 1; i <= 12; ++i) bench.add(text, i, 5);
  for (std::int64_t i = 21; i <= 24; ++i) bench.add(image, i);
  bench.run();
  while (!bench.in_flight.empty()) {
    const std::int64_t seq = bench.in_flight.begin()->first;
    bench.reply(seq, seq < 20 ? not_found() : outcome_of(OutcomeClass::done, 200));
  }
  CHECK(std::count_if(bench.ends.begin(), bench.ends.end(),
                      [](const AttemptEnd& e) { return e.to == JobState::done; }) == 4);
  CHECK(bench.finished == action::FinishReason::stopped_lane);
}

TEST_CASE("a stop while the disk is full keeps the order: failed first, then given back") {
  Bench bench{10, two_lanes()};
  for (std::int64_t i = 1; i <= 10; ++i) bench.add(text, i);
  bench.run();
  for (std::int64_t i = 1; i <= 5; ++i) bench.reply(i, not_found());
  bench.no_room = true;
  for (std::int64_t i = 6; i <= 10; ++i) bench.reply(i, not_found());
  bench.no_room = false;
  bench.advance(no_room_wait);
  CHECK(bench.reopened.size() == 5);
  CHECK(bench.ends.size() == 10);
  for (std::size_t i = 5; i < 10; ++i) CHECK(bench.ends[i].to == JobState::pending);
  CHECK(bench.finished == action::FinishReason::stopped_lane);
}

TEST_CASE("a job that never fits fails unsent, naming the limit, and the rest go on") {
  Lanes lanes = two_lanes();
  lanes.lanes[1].limits.windows.push_back(
      limit_of("ipm", Resource::images, 3, std::chrono::minutes{1}));
  Bench bench{2, std::move(lanes)};
  bench.add(image, 1, 0, {10, {}, 4, false});
  bench.add(image, 2, 0, {10, {}, 3, false});
  bench.run();
  CHECK(bench.order == Order{2});
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].to == JobState::failed);
  CHECK(bench.ends[0].outcome.kind == OutcomeClass::too_large);
  CHECK_FALSE(bench.ends[0].outcome.sent);
  CHECK(bench.ends[0].outcome.message.find("ipm") != std::string::npos);
}

TEST_CASE("twenty jobs that never fit do not stop the lane") {
  Lanes lanes = two_lanes();
  lanes.lanes[1].limits.windows.push_back(
      limit_of("ipm", Resource::images, 3, std::chrono::minutes{1}));
  Bench bench{4, std::move(lanes)};
  for (std::int64_t i = 1; i <= 20; ++i) bench.add(image, i, 0, {10, {}, 4, false});
  bench.run();
  CHECK(bench.ends.size() == 20);
  CHECK(bench.finished == action::FinishReason::complete);
}

TEST_CASE("an outage gives retries back to the jobs that opened the breaker") {
  for (const bool in_one_turn : {false, true}) {
    CAPTURE(in_one_turn);
    Bench bench{5, two_lanes()};
    for (std::int64_t i = 1; i <= 5; ++i) bench.add(text, i);
    bench.run();
    for (std::int64_t i = 1; i <= 5; ++i) {
      if (in_one_turn) bench.arrive(i, outcome_of(OutcomeClass::server_error, 500));
      if (!in_one_turn) bench.reply(i, outcome_of(OutcomeClass::server_error, 500));
    }
    bench.run();
    CHECK(bench.status(text).state == LaneState::tripped);
    bench.advance(std::chrono::seconds{31});
    REQUIRE(bench.in_flight.size() == 1);
    bench.reply_to_all(OutcomeClass::done);
    bench.advance(std::chrono::seconds{31});
    // Each of the four left has all its three retries.
    const std::size_t before = bench.ends.size();
    for (int round = 0; round < 3; ++round) {
      bench.reply_to_all(OutcomeClass::bad_reply);
      bench.advance(std::chrono::seconds{200});
      bench.reply_to_all(OutcomeClass::done);
    }
    for (std::size_t i = before; i < bench.ends.size(); ++i) {
      CHECK(bench.ends[i].retries_used <= 1);
    }
  }
}

TEST_CASE("a job on its last try does not fail by the failure that opens the breaker") {
  Bench bench{5, two_lanes()};
  for (std::int64_t i = 1; i <= 5; ++i) bench.add(text, i, 0, {}, 3);
  bench.run();
  for (std::int64_t i = 1; i <= 4; ++i) bench.reply(i, outcome_of(OutcomeClass::server_error, 500));
  bench.reply(5, outcome_of(OutcomeClass::server_error, 500));
  CHECK(bench.ends.back().to == JobState::pending);
}

TEST_CASE("an outage lowers no concurrency for good, in this run or across a restart") {
  for (const bool restart : {false, true}) {
    CAPTURE(restart);
    Lanes lanes = two_lanes();
    lanes.lanes[0].limits.concurrency = 6;
    Bench first{10, lanes};
    for (std::int64_t i = 1; i <= 40; ++i) first.add(text, i);
    first.run();
    CHECK(first.in_flight.size() == 6);
    for (int i = 0; i < 6; ++i) {
      first.reply(first.in_flight.begin()->first, outcome_of(OutcomeClass::overloaded, 503));
    }
    CHECK(first.status(text).state == LaneState::tripped);
    if (!restart) {
      first.advance(std::chrono::seconds{61});
      first.reply_to_all(OutcomeClass::done);
      CHECK(first.finished == action::FinishReason::complete);
      continue;
    }
    Bench next{10, lanes, {}, first.stored(), first.now()};
    for (std::int64_t i = 1; i <= 40; ++i) next.add(text, i);
    next.run();
    CHECK(next.in_flight.empty());
    CHECK(next.status(text).state == LaneState::tripped);
    next.advance(std::chrono::seconds{30});
    CHECK(next.in_flight.size() == 1);
    next.reply(next.in_flight.begin()->first, outcome_of(OutcomeClass::done, 200));
    CHECK(next.in_flight.size() <= 6);
    CHECK(next.in_flight.size() >= 1);
  }
}

TEST_CASE("two clocks that are read one after the other change no lane's state") {
  Bench bench{4, two_lanes()};
  for (std::int64_t i = 1; i <= 9; ++i) bench.add(text, i);
  bench.run();
  while (!bench.in_flight.empty()) {
    Outcome refused = refusal_of(OutcomeClass::rate_limited, LimitedBy::requests);
    refused.facts.wait = std::chrono::seconds{50};
    bench.reply(bench.in_flight.begin()->first, refused);
  }
  const std::int64_t before = bench.commits;
  for (int i = 0; i < 30; ++i) {
    bench.set_wall_clock(Duration{i % 2 == 0 ? 150 : -150});
    bench.advance(std::chrono::seconds{1});
  }
  CHECK(bench.commits == before);
}

TEST_CASE("a wait and what it counts are kept by the next run") {
  Bench first{4, two_lanes()};
  for (std::int64_t i = 1; i <= 9; ++i) first.add(text, i);
  first.run();
  Outcome refused = refusal_of(OutcomeClass::rate_limited, LimitedBy::requests);
  refused.facts.wait = std::chrono::seconds{50};
  first.reply(1, refused);
  Bench next{4, two_lanes(), {}, first.stored(), first.now()};
  for (std::int64_t i = 1; i <= 9; ++i) next.add(text, i);
  next.run();
  CHECK(next.in_flight.empty());
  CHECK(next.status(text).state == LaneState::waiting);
  next.advance(std::chrono::seconds{49});
  CHECK(next.in_flight.empty());
  next.advance(std::chrono::milliseconds{1200});
  CHECK(next.in_flight.size() == 1);
}

TEST_CASE("the quota ladder: 300 s doubling, one probe each, then a day, and a success ends it") {
  Bench bench{4, two_lanes()};
  for (std::int64_t i = 1; i <= 9; ++i) bench.add(text, i);
  bench.run();
  CHECK(bench.in_flight.size() == 4);
  const Outcome refused = refusal_of(OutcomeClass::quota_exhausted);
  for (int i = 0; i < 4; ++i) bench.reply(bench.in_flight.begin()->first, refused);
  for (const std::int64_t wait : {300, 600, 1200, 86'400, 86'400}) {
    CAPTURE(wait);
    CHECK(bench.in_flight.empty());
    CHECK(bench.status(text).state == LaneState::paused);
    bench.advance(std::chrono::seconds{wait - 1});
    CHECK(bench.in_flight.empty());
    bench.advance(std::chrono::milliseconds{1200});
    REQUIRE(bench.in_flight.size() == 1);
    bench.reply(bench.in_flight.begin()->first, refused);
  }
  bench.advance(std::chrono::hours{25});
  REQUIRE(bench.in_flight.size() == 1);
  bench.reply(bench.in_flight.begin()->first, OutcomeClass::done);
  CHECK(bench.in_flight.size() == 2);
  CHECK(bench.status(text).state != LaneState::paused);
}

TEST_CASE("without waiting for pauses the run ends once every lane with jobs is paused") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(rpd(2));
  SchedulerOptions options;
  options.wait_for_pauses = false;
  Bench bench{4, std::move(lanes), options};
  for (std::int64_t i = 1; i <= 3; ++i) bench.add(text, i);
  bench.add(image, 11);
  bench.run();
  bench.reply(1, OutcomeClass::done);
  CHECK_FALSE(bench.finished.has_value());
  bench.reply(11, outcome_of(OutcomeClass::server_error, 500));
  bench.advance(std::chrono::milliseconds{400});
  CHECK_FALSE(bench.finished.has_value());
  bench.advance(std::chrono::seconds{1});
  bench.reply(11, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::paused);
}

TEST_CASE("a run that waits goes on by itself a second after the reset") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(rpd(2));
  Bench bench{4, std::move(lanes)};
  for (std::int64_t i = 1; i <= 3; ++i) bench.add(text, i);
  bench.run();
  for (const std::int64_t seq : {1, 2}) {
    bench.reply(seq, OutcomeClass::done);
    REQUIRE(bench.wake());
    CHECK((bench.now().steady - at_ms(0).steady).count() % 86'400'000'000'000 ==
          18 * 3'600'000'000'000 + 1'000'000'000);
  }
  bench.reply(3, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::complete);
}

TEST_CASE("a wall clock that is set forward past the reset wakes a paused lane") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(rpd(1));
  Bench bench{4, std::move(lanes)};
  bench.add(text, 1);
  bench.add(text, 2);
  bench.run();
  bench.reply(1, OutcomeClass::done);
  CHECK(bench.in_flight.empty());
  bench.set_wall_clock(std::chrono::hours{19});
  bench.advance(std::chrono::milliseconds{10});
  CHECK(bench.order == Order{1, 2});
}

TEST_CASE("a run has as long as it may, and what is in flight its grace") {
  SchedulerOptions options;
  options.runtime_max = std::chrono::seconds{60};
  options.grace = std::chrono::seconds{10};
  Bench bench{1, two_lanes(), options};
  for (std::int64_t i = 1; i <= 3; ++i) bench.add(text, i);
  bench.run();
  bench.advance(std::chrono::seconds{59});
  bench.reply(1, OutcomeClass::done);
  CHECK(bench.order == Order{1, 2});
  CHECK(bench.scheduler().wake_at() == at_s(60).steady);
  bench.advance(std::chrono::seconds{1});
  bench.advance(std::chrono::milliseconds{9'999});
  CHECK(bench.cancelled.empty());
  bench.advance(std::chrono::milliseconds{1});
  CHECK(bench.cancelled == std::set<std::int64_t>{2});
  bench.reply(2, OutcomeClass::unknown);
  CHECK(bench.finished == action::FinishReason::out_of_time);
}

TEST_CASE("a spent budget ends the run, once nothing in flight can give any back") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].price = Price{0, 1000, 0, 0};
  SchedulerOptions options;
  options.quota.budget.total_max_pico_usd = 100'000;
  Bench bench{4, std::move(lanes), options};
  for (std::int64_t i = 1; i <= 3; ++i) bench.add(text, i, 0, {400, 100, 0, false});
  bench.run();
  CHECK(bench.order == Order{1});
  CHECK(bench.status(text).state == LaneState::paused);
  Outcome cheap = done(10, 0);
  cheap.usage.output_tokens = 1;
  bench.reply(1, cheap);
  CHECK(bench.ends.back().cost_pico_usd == 1000);
  CHECK(bench.finished == action::FinishReason::budget);
}

TEST_CASE("a budget of nothing ends the run at once, with or without prices") {
  for (const bool priced : {false, true}) {
    Lanes lanes = two_lanes();
    if (priced) lanes.lanes[0].price = Price{1000, 1000, 0, 0};
    SchedulerOptions options;
    options.quota.budget.total_max_pico_usd = 0;
    Bench bench{4, std::move(lanes), options};
    bench.add(text, 1);
    bench.run();
    CHECK(bench.order.empty());
    CHECK(bench.finished == action::FinishReason::budget);
  }
}

TEST_CASE("money that one provider gives back is spent at another") {
  Lanes lanes = two_lanes();
  lanes.pools.push_back({"together", {}, TokenRule::total});
  lanes.groups.push_back({"default", PoolId{1}});
  lanes.keys.push_back({"OTHER", GroupId{1}});
  lanes.lanes[1].pool = PoolId{1};
  lanes.lanes[0].price = lanes.lanes[1].price = Price{0, 1000, 0, 0};
  SchedulerOptions options;
  options.quota.budget.total_max_pico_usd = 100'000;
  Bench bench{4, std::move(lanes), options};
  bench.add(text, 1, 9, {400, 100, 0, false});
  bench.add(image, 11, 0, {400, 50, 0, false});
  bench.run();
  CHECK(bench.order == Order{1});
  Outcome cheap = done(10, 0);
  cheap.usage.output_tokens = 1;
  bench.reply(1, cheap);
  CHECK(bench.order == Order{1, 11});
}

TEST_CASE("a person resumes: an imposed pause is probed at once, by one request") {
  Bench first{4, two_lanes()};
  first.add(text, 1);
  first.run();
  Outcome refused = refusal_of(OutcomeClass::quota_exhausted);
  refused.facts.wait = std::chrono::hours{20};
  first.reply(1, refused);
  SchedulerOptions options;
  options.probe_pauses = true;
  Bench next{4, two_lanes(), options, first.stored(), first.now()};
  for (std::int64_t i = 1; i <= 9; ++i) next.add(text, i);
  next.run();
  CHECK(next.in_flight.size() == 1);
}

}  // namespace
}  // namespace ratebatch::scheduler_outcomes_test
