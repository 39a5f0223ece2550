// Jobs whose answer is stored and whose files are not here: they hold no worker and are not sent
// again.
#include "support/scheduler_bench.hpp"

namespace ratebatch::scheduler_fetch_test {

using namespace quota;
using namespace schedule;
using namespace scheduler_bench;

namespace {

Outcome with_link() {
  Outcome outcome = outcome_of(OutcomeClass::done, 200);
  outcome.answer->links = {"https://files.test/a.png"};
  return outcome;
}

TEST_CASE("an answer with links frees its worker and is fetched after its commit") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.add(text, 2);
  bench.run();
  CHECK(bench.order == Order{1});
  bench.arrive(1, with_link());
  CHECK(bench.fetching.empty());
  bench.run();
  CHECK(bench.fetching == std::set<std::int64_t>{1});
  CHECK(bench.order == Order{1, 2});
  CHECK(bench.ends.back().to == JobState::fetching);
  bench.reply(2, OutcomeClass::done);
  CHECK_FALSE(bench.finished.has_value());
  CHECK(bench.status(text).state == LaneState::running);
  CHECK(bench.scheduler().snapshot(bench.now()).downloads == 1);
  bench.fetched(1, OutcomeClass::done);
  REQUIRE(bench.fetch_ends.size() == 1);
  CHECK(bench.fetch_ends[0].to == JobState::done);
  CHECK(bench.finished == action::FinishReason::complete);
}

TEST_CASE("a download that fails is tried again, without a request") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.run();
  bench.reply(1, with_link());
  bench.fetched(1, OutcomeClass::server_error);
  CHECK(bench.fetching.empty());
  CHECK_FALSE(bench.finished.has_value());
  REQUIRE(bench.wake());
  CHECK(bench.fetching == std::set<std::int64_t>{1});
  bench.fetched(1, OutcomeClass::too_large);
  CHECK(bench.fetch_ends.back().to == JobState::failed);
  CHECK(bench.order == Order{1});
  CHECK(bench.finished == action::FinishReason::complete);
}

TEST_CASE("jobs of earlier runs go on from their links, a time far ahead does not count") {
  const std::vector<FetchingJob> stored = {
      {JobSeq{7}, text_route, AttemptNumber{2}, 3, std::nullopt},
      {JobSeq{8}, RouteId{99}, AttemptNumber{1}, 1, at_ms(86'400'000).wall}};
  Bench bench{2, two_lanes(), {}, {}, at_ms(0), stored};
  bench.run();
  CHECK(bench.fetching == std::set<std::int64_t>{7});
  bench.fetched(7, OutcomeClass::done);
  CHECK(bench.fetch_ends[0].tries == 4);
  CHECK(bench.fetch_ends[0].attempt == AttemptNumber{2});
  CHECK_FALSE(bench.finished.has_value());
  bench.advance(fetch_wait_max);
  CHECK(bench.fetching == std::set<std::int64_t>{8});
  bench.fetched(8, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::complete);
  CHECK(bench.order.empty());
}

TEST_CASE("a stop waits for downloads under way, not for those that wait") {
  const std::vector<FetchingJob> stored = {
      {JobSeq{7}, text_route, AttemptNumber{1}, 0, std::nullopt},
      {JobSeq{8}, text_route, AttemptNumber{1}, 1, at_ms(60'000).wall}};
  Bench bench{2, two_lanes(), {}, {}, at_ms(0), stored};
  bench.add(text, 1);
  bench.run();
  CHECK(bench.fetching == std::set<std::int64_t>{7});
  SUBCASE("they end") {
    bench.stop(std::chrono::seconds{30});
    // An answer that still comes is fetched in the same grace.
    bench.reply(1, with_link());
    CHECK(bench.fetching == std::set<std::int64_t>{1, 7});
    bench.fetched(1, OutcomeClass::done);
    CHECK_FALSE(bench.finished.has_value());
    bench.fetched(7, OutcomeClass::network);
    CHECK(bench.finished == action::FinishReason::stopped);
    CHECK(bench.cancelled_fetches.empty());
  }
  SUBCASE("they do not") {
    bench.reply(1, OutcomeClass::done);
    bench.stop(std::chrono::seconds{30});
    bench.advance(std::chrono::seconds{30});
    CHECK(bench.cancelled_fetches == std::set<std::int64_t>{7});
    CHECK(bench.finished == action::FinishReason::stopped);
    CHECK(bench.fetch_ends.empty());
  }
}

TEST_CASE("a run does not stay for links that reach nobody: the next one goes on with them") {
  const std::vector<FetchingJob> stored = {
      {JobSeq{7}, text_route, AttemptNumber{1}, 0, std::nullopt, at_ms(0).wall}};
  SchedulerOptions options;
  std::size_t tries = 0;
  SUBCASE("after some minutes") { tries = 12; }
  SUBCASE("at once where it was not to wait") {
    options.wait_for_pauses = false;
    tries = 9;
  }
  Bench bench{2, two_lanes(), options, {}, at_ms(0), stored};
  bench.run();
  while (!bench.finished) {
    bench.fetched(7, OutcomeClass::network);
    if (!bench.finished) REQUIRE(bench.wake());
  }
  CHECK(bench.finished == action::FinishReason::downloads);
  CHECK(bench.fetch_ends.size() == tries);
  CHECK(bench.fetch_ends.back().to == JobState::fetching);
}

TEST_CASE("what a download came to is kept while the disk is full") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.run();
  bench.reply(1, with_link());
  bench.no_room = true;
  bench.fetched(1, OutcomeClass::done);
  CHECK(bench.fetch_ends.empty());
  bench.no_room = false;
  bench.advance(no_room_wait);
  REQUIRE(bench.fetch_ends.size() == 1);
  CHECK(bench.fetch_ends[0].to == JobState::done);
  CHECK(bench.finished == action::FinishReason::complete);
}

TEST_CASE("a lane whose answers cannot be fetched buys no more of them, others go on") {
  std::vector<FetchingJob> stored;
  for (std::size_t i = 0; i < fetching_jobs_max; ++i) {
    stored.push_back({JobSeq{static_cast<std::int64_t>(1000 + i)}, text_route, AttemptNumber{1}, 1,
                      at_ms(60'000).wall});
  }
  Bench bench{2, two_lanes(), {}, {}, at_ms(0), stored};
  bench.add(text, 1);
  bench.add(image, 2);
  bench.run();
  CHECK(bench.order == Order{2});
  CHECK(bench.status(text).state == LaneState::waiting);
  CHECK(bench.status(text).reason == "downloads");
  bench.advance(std::chrono::minutes{1});
  REQUIRE(bench.fetching.size() == 2);
  bench.fetched(*bench.fetching.begin(), OutcomeClass::done);
  CHECK(bench.order == Order{2, 1});
}

TEST_CASE("a refused answer is asked for once more, at once, and then fails") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.run();
  Outcome refused = outcome_of(OutcomeClass::not_accepted, 200, "too short");
  refused.answer = Answer{};
  refused.answer->text = "Hi";
  bench.reply(1, refused);
  CHECK(bench.ends.back().to == JobState::pending);
  CHECK(bench.ends.back().rejections == 1);
  CHECK(bench.ends.back().retries_used == 0);
  CHECK(bench.order == Order{1, 1});
  bench.reply(1, refused);
  CHECK(bench.ends.back().to == JobState::failed);
  CHECK(bench.ends.back().rejections == 2);
  CHECK(bench.finished == action::FinishReason::complete);
}

}  // namespace
}  // namespace ratebatch::scheduler_fetch_test
