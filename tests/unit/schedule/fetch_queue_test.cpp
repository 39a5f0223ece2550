#include "ratebatch/schedule/fetch_queue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <tuple>

#include "ratebatch/schedule/retry_policy.hpp"
#include "support/quota_support.hpp"

namespace ratebatch::fetch_queue_test {

using namespace quota;
using namespace schedule;
using namespace quota_support;

namespace {

constexpr JobSeq first{1};
constexpr JobSeq second{2};
constexpr AttemptNumber attempt{3};
constexpr LaneId lane{0};

FetchingJob job(JobSeq seq, std::int32_t tries = 0) {
  return {seq, RouteId{1}, attempt, tries, std::nullopt};
}

event::FetchEnded outcome(JobSeq seq, OutcomeClass kind) {
  event::FetchEnded ended{seq, attempt, {}};
  ended.outcome.kind = kind;
  return ended;
}

std::optional<FetchEnd> end(FetchQueue& queue, Now now, JobSeq seq, OutcomeClass kind) {
  Rng rng{1};
  auto ended = outcome(seq, kind);
  return queue.ended(now, ended, rng);
}

TEST_CASE("downloads start in the order of their time, at most so many at once") {
  FetchQueue queue{2};
  queue.add(job(JobSeq{9}), lane, at_ms(0).steady);
  queue.add(job(second), lane, at_ms(5).steady);
  queue.add(job(first), lane, at_ms(0).steady);
  CHECK(queue.next_ready() == at_ms(0).steady);
  const auto one = queue.take(at_ms(0).steady);
  REQUIRE(one.has_value());
  CHECK(one->job == first);
  CHECK(one->attempt == attempt);
  CHECK(queue.take(at_ms(0).steady)->job == JobSeq{9});
  CHECK(queue.under_way() == 2);
  // Two are under way: the third waits for one of them, not for time.
  CHECK_FALSE(queue.take(at_ms(9).steady).has_value());
  CHECK_FALSE(queue.next_ready().has_value());
  CHECK(end(queue, at_ms(6), first, OutcomeClass::done)->to == JobState::done);
  CHECK_FALSE(queue.take(at_ms(4).steady).has_value());
  CHECK(queue.take(at_ms(9).steady)->job == second);
}

TEST_CASE("what a download comes to decides on its job") {
  struct Row {
    OutcomeClass kind;
    JobState to;
  };
  constexpr Row rows[] = {
      {OutcomeClass::done, JobState::done},
      {OutcomeClass::network, JobState::fetching},
      {OutcomeClass::timeout, JobState::fetching},
      {OutcomeClass::server_error, JobState::fetching},
      {OutcomeClass::rate_limited, JobState::fetching},
      {OutcomeClass::bad_reply, JobState::fetching},
      {OutcomeClass::not_found, JobState::fetching},
      {OutcomeClass::content_policy, JobState::failed},
      {OutcomeClass::too_large, JobState::failed},
      {OutcomeClass::invalid_request, JobState::failed},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string{to_string(row.kind)});
    FetchQueue queue{1};
    queue.add(job(first), lane, at_ms(0).steady);
    REQUIRE(queue.take(at_ms(0).steady).has_value());
    const auto ended = end(queue, at_ms(10), first, row.kind);
    REQUIRE(ended.has_value());
    CHECK(ended->to == row.to);
    CHECK(ended->tries == 1);
    CHECK(ended->ready_at.has_value() == (row.to == JobState::fetching));
    // It counts until that is stored.
    CHECK(queue.jobs_of(lane) == 1);
    queue.stored(first);
    CHECK(queue.empty() == (row.to != JobState::fetching));
  }
}

TEST_CASE("a download is tried twelve times in about twelve minutes") {
  FetchQueue queue{1};
  queue.add(job(first), lane, at_ms(0).steady);
  Now now = at_ms(0);
  for (std::int32_t tries = 1; tries <= 12; ++tries) {
    const auto ready = queue.next_ready();
    REQUIRE(ready.has_value());
    const Duration wait = *ready - now.steady;
    now = {now.steady + wait, now.wall + wait};
    REQUIRE(queue.take(now.steady).has_value());
    const auto ended = end(queue, now, first, OutcomeClass::server_error);
    REQUIRE(ended.has_value());
    CHECK(ended->tries == tries);
    CHECK(ended->to == (tries < 12 ? JobState::fetching : JobState::failed));
    queue.stored(first);
  }
  CHECK(queue.empty());
  const Duration all = now.steady - at_ms(0).steady;
  CHECK(all > std::chrono::minutes{10});
  CHECK(all < std::chrono::minutes{13});
}

TEST_CASE("a server's own wait is a floor, within bounds") {
  Rng rng{1};
  for (const auto& [asked, least, most] :
       {std::tuple{std::chrono::seconds{30}, std::chrono::seconds{30}, std::chrono::seconds{30}},
        std::tuple{std::chrono::seconds{86'400}, std::chrono::seconds{300},
                   std::chrono::seconds{300}},
        std::tuple{std::chrono::seconds{0}, std::chrono::seconds{0}, std::chrono::seconds{1}}}) {
    FetchQueue queue{1};
    queue.add(job(first), lane, at_ms(0).steady);
    REQUIRE(queue.take(at_ms(0).steady).has_value());
    auto ended = outcome(first, OutcomeClass::rate_limited);
    ended.outcome.wait = asked;
    const auto kept = queue.ended(at_ms(0), ended, rng);
    REQUIRE(kept.has_value());
    CHECK(*kept->ready_at - at_ms(0).wall >= least);
    CHECK(*kept->ready_at - at_ms(0).wall <= most);
  }
}

// Tries a download until it is settled; how long that took.
Duration settle(FetchQueue& queue, const event::FetchEnded& each, Now& now, FetchEnd& last) {
  const Instant begin = now.steady;
  Rng rng{1};
  do {
    const Duration wait = *queue.next_ready() - now.steady;
    now = {now.steady + wait, now.wall + wait};
    REQUIRE(queue.take(now.steady).has_value());
    auto ended = each;
    auto end = queue.ended(now, ended, rng);
    REQUIRE(end.has_value());
    last = *end;
    queue.stored(first);
  } while (last.to == JobState::fetching && now.steady - begin < std::chrono::hours{30});
  return now.steady - begin;
}

TEST_CASE("tries that reach nobody are not counted until the answer is a day old") {
  for (const OutcomeClass kind : {OutcomeClass::network, OutcomeClass::timeout}) {
    FetchQueue queue{1};
    Now now = at_ms(0);
    FetchingJob young = job(first, 11);
    young.answered_at = now.wall - std::chrono::hours{20};
    queue.add(young, lane, now.steady);
    FetchEnd last;
    const Duration took = settle(queue, outcome(first, kind), now, last);
    CHECK(last.to == JobState::failed);
    CHECK(last.tries == 12);
    CHECK(took >= std::chrono::hours{4});
    CHECK(took < std::chrono::hours{4} + std::chrono::minutes{5});
  }
}

TEST_CASE("a try that reached nobody waits longer each time, and is stored with the same count") {
  FetchQueue queue{1};
  Now now = at_ms(0);
  FetchingJob young = job(first, 3);
  young.answered_at = now.wall;
  queue.add(young, lane, now.steady);
  Duration longest{};
  for (int i = 0; i < 20; ++i) {
    REQUIRE(queue.take(now.steady).has_value());
    const auto ended = end(queue, now, first, OutcomeClass::network);
    REQUIRE(ended.has_value());
    CHECK(ended->to == JobState::fetching);
    CHECK(ended->tries == 3);
    longest = std::max(longest, *ended->ready_at - now.wall);
    queue.stored(first);
    now = {*queue.next_ready(), *ended->ready_at};
  }
  CHECK(longest <= fetch_rule.max);
  CHECK(longest >= fetch_rule.max * 9 / 10);
  // A transfer that broke behind a status line is the host's doing.
  REQUIRE(queue.take(now.steady).has_value());
  auto broken = outcome(first, OutcomeClass::network);
  broken.outcome.answered = true;
  Rng rng{1};
  CHECK(queue.ended(now, broken, rng)->tries == 4);
}

TEST_CASE("a file that is refused or not there is asked for three times in about a minute") {
  FetchQueue queue{1};
  Now now = at_ms(0);
  queue.add(job(first), lane, now.steady);
  FetchEnd last;
  const Duration took = settle(queue, outcome(first, OutcomeClass::not_found), now, last);
  CHECK(last.to == JobState::failed);
  CHECK(last.tries == 3);
  CHECK(took >= std::chrono::seconds{54});
  CHECK(took <= std::chrono::seconds{60});
}

TEST_CASE("a disk that takes no files, full or not, uses no try, and nothing is stored of it") {
  FetchQueue queue{1};
  queue.add(job(first, 11), lane, at_ms(0).steady);
  REQUIRE(queue.take(at_ms(0).steady).has_value());
  auto unkept = outcome(first, OutcomeClass::network);
  SUBCASE("full") { unkept.outcome.no_room = true; }
  SUBCASE("not writable") { unkept.outcome.local = true; }
  Rng rng{1};
  CHECK_FALSE(queue.ended(at_ms(0), unkept, rng).has_value());
  CHECK(queue.under_way() == 0);
  CHECK(queue.next_ready() == at_ms(0).steady + no_room_wait);
  REQUIRE(queue.take(at_ms(5000).steady).has_value());
  CHECK(end(queue, at_ms(5000), first, OutcomeClass::done)->tries == 12);
}

TEST_CASE(
    "a run waits for downloads that come soon, and only the patient for those that reach nobody") {
  FetchQueue queue{1};
  Rng rng{1};
  CHECK_FALSE(queue.is_worth_waiting(at_ms(0).steady, true));
  Now now = at_ms(0);
  FetchingJob young = job(first);
  young.answered_at = now.wall;
  queue.add(young, lane, now.steady);
  int patient = 0;
  int impatient = 0;
  for (int i = 0; i < 30; ++i) {
    REQUIRE(queue.take(now.steady).has_value());
    CHECK(queue.is_worth_waiting(now.steady, false));
    auto failed = outcome(first, OutcomeClass::network);
    const auto end = queue.ended(now, failed, rng);
    REQUIRE(end.has_value());
    queue.stored(first);
    if (queue.is_worth_waiting(now.steady, true)) ++patient;
    if (queue.is_worth_waiting(now.steady, false)) ++impatient;
    // A minute before the next try it is near for everybody.
    const Instant ready = *queue.next_ready();
    CHECK(queue.is_worth_waiting(ready - std::chrono::seconds{59}, false));
    now = {ready, now.wall + (ready - now.steady)};
  }
  CHECK(patient == 11);
  CHECK(impatient >= 7);
  CHECK(impatient < patient);
}

TEST_CASE("paying again is advised only where no other try follows") {
  FetchQueue queue{1};
  Rng rng{1};
  queue.add(job(first), lane, at_ms(0).steady);
  auto next = outcome(first, OutcomeClass::server_error);
  next.outcome.message = "HTTP 503";
  next.outcome.advice = "; pay again";
  auto last = next;
  last.outcome.kind = OutcomeClass::too_large;
  REQUIRE(queue.take(at_ms(0).steady).has_value());
  CHECK(queue.ended(at_ms(0), next, rng)->outcome.message == "HTTP 503");
  queue.stored(first);
  const Instant ready = *queue.next_ready();
  REQUIRE(queue.take(ready).has_value());
  CHECK(queue.ended({ready, at_ms(0).wall}, last, rng)->outcome.message == "HTTP 503; pay again");
}

TEST_CASE("a lane is full with so many jobs, whatever they wait for") {
  FetchQueue queue{1};
  for (std::size_t i = 1; i < fetching_jobs_max; ++i) {
    queue.add(job(JobSeq{static_cast<std::int64_t>(i)}), lane, at_ms(0).steady);
  }
  CHECK_FALSE(queue.is_full(lane));
  queue.add(job(JobSeq{100'000}), lane, at_ms(0).steady);
  CHECK(queue.is_full(lane));
  CHECK_FALSE(queue.is_full(LaneId{1}));
  // A lane that is served no more counts for none.
  queue.add(job(JobSeq{100'001}), std::nullopt, at_ms(0).steady);
  CHECK(queue.jobs_of(LaneId{1}) == 0);
}

TEST_CASE("what is given up is forgotten, and its end is not heard of") {
  FetchQueue queue{2};
  queue.add(job(first), lane, at_ms(0).steady);
  queue.add(job(second), lane, at_ms(0).steady);
  queue.add(job(JobSeq{3}), lane, at_ms(9).steady);
  REQUIRE(queue.take(at_ms(0).steady).has_value());
  REQUIRE(queue.take(at_ms(0).steady).has_value());
  REQUIRE(end(queue, at_ms(1), second, OutcomeClass::done).has_value());
  const auto cancels = queue.cancel_all();
  REQUIRE(cancels.size() == 1);
  CHECK(cancels[0].job == first);
  CHECK(queue.under_way() == 0);
  CHECK_FALSE(end(queue, at_ms(2), first, OutcomeClass::done).has_value());
  queue.stored(second);
  CHECK(queue.jobs_of(lane) == 1);
}

}  // namespace
}  // namespace ratebatch::fetch_queue_test
