#include "ratebatch/schedule/job_queue.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace ratebatch::job_queue_test {

using namespace schedule;

namespace {

constexpr RouteId bios{1};
constexpr RouteId mails{2};

Now at_ms(std::int64_t ms) { return {{ms * 1'000'000}, wall_from_ms(1'000'000 + ms)}; }

JobRef job(std::int64_t seq, RouteId route = bios, std::int64_t priority = 0) {
  JobRef ref;
  ref.seq = JobSeq{seq};
  ref.route = route;
  ref.priority = priority;
  return ref;
}

void load(JobQueue& queue, RouteId route, std::vector<JobRef> jobs, bool exhausted = true) {
  const auto asked = queue.take_load();
  REQUIRE(asked.has_value());
  REQUIRE(asked->route == route);
  queue.loaded(at_ms(0), {route, std::move(jobs), exhausted});
}

std::vector<std::int64_t> drain(JobQueue& queue, std::int64_t ms = 0) {
  std::vector<std::int64_t> order;
  while (queue.head(at_ms(ms).steady) != nullptr) {
    order.push_back(static_cast<std::int64_t>(queue.take_head(at_ms(ms).steady).seq));
  }
  return order;
}

TEST_CASE("jobs of all routes come in one order of priority and sequence") {
  JobQueue queue{{bios, mails}};
  load(queue, bios, {job(5, bios, 9), job(1), job(3)});
  load(queue, mails, {job(4, mails, 9), job(2, mails)});
  CHECK(drain(queue) == std::vector<std::int64_t>{4, 5, 1, 2, 3});
  CHECK(queue.drained());
}

TEST_CASE("nothing starts while the next job of a route is unread") {
  JobQueue queue{{bios, mails}};
  load(queue, bios, {job(1)});
  CHECK(queue.head(at_ms(0).steady) == nullptr);
  load(queue, mails, {});
  CHECK(queue.head(at_ms(0).steady) != nullptr);
}

TEST_CASE("a page is asked for once, from behind the last job seen") {
  JobQueue queue{{bios}};
  const auto first = queue.take_load();
  REQUIRE(first.has_value());
  CHECK_FALSE(first->after.has_value());
  CHECK_FALSE(queue.take_load().has_value());
  queue.loaded(at_ms(0), {bios, {job(7, bios, 3)}, false});
  CHECK_FALSE(queue.take_load().has_value());
  queue.take_head(at_ms(0).steady);
  const auto second = queue.take_load();
  REQUIRE(second.has_value());
  REQUIRE(second->after.has_value());
  CHECK(second->after->seq == JobSeq{7});
  CHECK(second->after->priority == 3);
}

TEST_CASE("a job that comes back keeps its place") {
  JobQueue queue{{bios}};
  load(queue, bios, {job(1), job(2), job(3)});
  const JobRef first = queue.take_head(at_ms(0).steady);
  queue.put_back(first, at_ms(0).steady);
  CHECK(drain(queue) == std::vector<std::int64_t>{1, 2, 3});
}

TEST_CASE("a delayed job lets others pass until it is ready") {
  JobQueue queue{{bios}};
  load(queue, bios, {job(1), job(2), job(3)});
  queue.put_back(queue.take_head(at_ms(0).steady), at_ms(100).steady);
  CHECK(queue.next_ready() == at_ms(100).steady);
  CHECK(queue.take_head(at_ms(99).steady).seq == JobSeq{2});
  CHECK(queue.take_head(at_ms(100).steady).seq == JobSeq{1});
  CHECK_FALSE(queue.drained());
  CHECK(drain(queue) == std::vector<std::int64_t>{3});
}

TEST_CASE("a stored retry time is kept, up to an hour where a clock was set back") {
  JobQueue queue{{bios}};
  JobRef soon = job(1);
  soon.ready_at = at_ms(500).wall;
  JobRef never = job(2);
  never.ready_at = at_ms(86'400'000).wall;
  JobRef past = job(3);
  past.ready_at = at_ms(-5).wall;
  load(queue, bios, {soon, never, past});
  CHECK(drain(queue, 0) == std::vector<std::int64_t>{3});
  CHECK(drain(queue, 500) == std::vector<std::int64_t>{1});
  CHECK(drain(queue, 3'599'999).empty());
  CHECK(drain(queue, 3'600'000) == std::vector<std::int64_t>{2});
}

TEST_CASE("too many delayed jobs stop the reading of new ones, not the return of old ones") {
  JobQueue queue{{bios}};
  std::vector<JobRef> page;
  for (std::int64_t i = 1; i <= 1025; ++i) page.push_back(job(i));
  load(queue, bios, page, false);
  for (std::size_t i = 0; i < delayed_jobs_max; ++i) {
    queue.put_back(queue.take_head(at_ms(0).steady), at_ms(10).steady);
  }
  CHECK(queue.head(at_ms(0).steady) == nullptr);
  CHECK_FALSE(queue.take_load().has_value());
  CHECK(queue.take_head(at_ms(10).steady).seq == JobSeq{1});
}

TEST_CASE("a retry is given back to a job that waits or is ready, and to no other") {
  JobQueue queue{{bios}};
  JobRef first = job(1);
  JobRef second = job(2);
  JobRef third = job(3);
  first.retries_used = second.retries_used = 2;
  load(queue, bios, {first, second, third});
  const JobRef taken = queue.take_head(at_ms(0).steady);
  queue.put_back(taken, at_ms(100).steady);
  queue.put_back(queue.take_head(at_ms(0).steady), at_ms(5).steady);
  REQUIRE(queue.head(at_ms(5).steady)->seq == JobSeq{2});
  for (const std::int64_t seq : {1, 2, 3, 9}) queue.give_back_retry(JobSeq{seq});
  CHECK(queue.take_head(at_ms(5).steady).retries_used == 1);
  CHECK(queue.take_head(at_ms(5).steady).retries_used == 0);
  CHECK(queue.take_head(at_ms(100).steady).retries_used == 1);
  CHECK(queue.drained());
}

}  // namespace
}  // namespace ratebatch::job_queue_test
