// What every checkpoint promises; see checkpoint.hpp.
#include <doctest/doctest.h>

#include <limits>

#include "store/store_fixture.hpp"

namespace ratebatch::store_test::contract_test {

using namespace store;

namespace {

constexpr JobSeq job_1{1};
constexpr JobSeq job_2{2};
constexpr JobSeq job_3{3};
constexpr RouteId bio{1};

std::vector<std::int64_t> seqs(const std::vector<JobRef>& jobs) {
  std::vector<std::int64_t> out;
  for (const JobRef& job : jobs) out.push_back(static_cast<std::int64_t>(job.seq));
  return out;
}

JobCursor behind(const JobRef& job) { return {job.priority, job.seq}; }

using Seqs = std::vector<std::int64_t>;

}  // namespace

TEST_CASE_TEMPLATE("jobs come by priority, equal ones by sequence", Store, FakeStore, SqliteStore) {
  Store store;
  store.load({new_job("a", "bio", 0), new_job("b", "bio", 5), new_job("x", "image", 9),
              new_job("c", "bio", 0), new_job("d", "bio", 5),
              new_job("e", "bio", std::numeric_limits<std::int64_t>::min()),
              new_job("f", "bio", std::numeric_limits<std::int64_t>::max())});
  Checkpoint& checkpoint = store.run();
  const Seqs all = {7, 2, 5, 1, 4, 6};
  CHECK(seqs(must(checkpoint.load_page(bio, {}, 5))) == Seqs{7, 2, 5, 1, 4});
  CHECK(seqs(must(checkpoint.load_page(bio, {}, 6))) == all);
  CHECK(seqs(must(checkpoint.load_page(bio, {}, 7))) == all);
  CHECK(seqs(must(checkpoint.load_page(RouteId{2}, {}, 7))) == Seqs{3});

  for (std::size_t size = 1; size <= all.size(); ++size) {
    CAPTURE(size);
    Seqs paged;
    std::optional<JobCursor> cursor;
    while (true) {
      const auto page = must(checkpoint.load_page(bio, cursor, size));
      for (const std::int64_t seq : seqs(page)) paged.push_back(seq);
      if (page.size() < size) break;
      cursor = behind(page.back());
    }
    CHECK(paged == all);
  }
}

TEST_CASE_TEMPLATE("a page holds only jobs that may be started", Store, FakeStore, SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b"), new_job("c"), new_job("d")});
  store.run();
  must(store.run().commit(starts({start_of(job_1, 1), start_of(job_2, 1)})));
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(job_2, 2, JobState::unknown), start_of(job_3, 1)})));
  must(checkpoint.commit(ends({answer_of(job_3, 1, "text")})));
  const auto page = must(checkpoint.load_page(bio, {}, 10));
  REQUIRE(seqs(page) == Seqs{1, 4});
  CHECK(page[0].state == JobState::unknown);
  CHECK(page[0].attempts == AttemptNumber{1});
  CHECK(page[1].state == JobState::pending);
  CHECK(page[1].attempts == AttemptNumber{0});
}

TEST_CASE_TEMPLATE("the text of a job is as it was loaded", Store, FakeStore, SqliteStore) {
  Store store;
  NewJob job = new_job("caf\xC3\xA9");
  job.line_json = R"({"id":"x","prompt":"\u0000 '; DROP TABLE jobs"})";
  store.load({job});
  Checkpoint& checkpoint = store.run();
  const StoredJob stored = must(checkpoint.job(job_1));
  CHECK(stored.id == job.id);
  CHECK(stored.line_json == job.line_json);
}

TEST_CASE_TEMPLATE("routes are the pairs of type and explicit model", Store, FakeStore,
                   SqliteStore) {
  Store store;
  NewJob other = new_job("b");
  other.model = "gpt-4";
  store.load({new_job("a"), other, new_job("c"), new_job("d", "")});
  const auto routes = must(store.open().routes());
  REQUIRE(routes.size() == 3);
  CHECK((routes[0].id == RouteId{1} && routes[0].type == "bio" && routes[0].model.empty()));
  CHECK((routes[1].id == RouteId{2} && routes[1].type == "bio" && routes[1].model == "gpt-4"));
  CHECK((routes[2].id == RouteId{3} && routes[2].type.empty() && routes[2].model.empty()));
}

TEST_CASE_TEMPLATE("a job counts where it stands after each commit", Store, FakeStore,
                   SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b"), new_job("c", "image")});
  Checkpoint& checkpoint = store.run();
  CHECK(checkpoint.counts().jobs().of(JobState::pending) == 3);

  must(checkpoint.commit(starts({start_of(job_1, 1), start_of(job_3, 1)})));
  CHECK(checkpoint.counts().routes.at(bio).of(JobState::running) == 1);
  CHECK(checkpoint.counts().calls.sent == 2);

  AttemptEnd done = answer_of(job_1, 1, "text");
  done.outcome.usage = {41, 160, 0};
  done.outcome.answer->truncated = true;
  Batch batch = ends({done, end_of(job_3, 1, JobState::failed, OutcomeClass::content_policy)});
  batch.starts.push_back(start_of(job_2, 1));
  must(checkpoint.commit(batch));
  const JobCounts of_bio = checkpoint.counts().routes.at(bio);
  CHECK(of_bio.of(JobState::done) == 1);
  CHECK(of_bio.of(JobState::running) == 1);
  CHECK(of_bio.truncated == 1);
  CHECK(checkpoint.counts().routes.at(RouteId{2}).of(JobState::failed) == 1);
  CHECK(checkpoint.counts().calls == CallCounts{3, 0, 0, 41, 160, 0});
  CHECK(checkpoint.counts() == store.count_rows());
  CHECK(store.text(job_1) == "text");

  const Counts before = checkpoint.counts();
  CHECK(store.open().counts() == before);
}

TEST_CASE_TEMPLATE("a job that is retried keeps its tries and its time", Store, FakeStore,
                   SqliteStore) {
  Store store;
  store.load({new_job("a")});
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(job_1, 1)})));
  AttemptEnd end = end_of(job_1, 1, JobState::pending, OutcomeClass::server_error);
  end.retries_used = 2;
  end.ready_at = second(200);
  must(checkpoint.commit(ends({end})));
  auto page = must(store.run().load_page(bio, {}, 1));
  REQUIRE(page.size() == 1);
  CHECK(page[0].retries_used == 2);
  CHECK(page[0].attempts == AttemptNumber{1});
  REQUIRE(page[0].ready_at.has_value());
  CHECK(*page[0].ready_at == second(200));

  Checkpoint& later = store.run();
  must(later.commit(starts({start_of(job_1, 2)})));
  AttemptEnd refused = end_of(job_1, 2, JobState::pending, OutcomeClass::rate_limited);
  refused.retries_used = 2;
  must(later.commit(ends({refused})));
  page = must(later.load_page(bio, {}, 1));
  REQUIRE(page.size() == 1);
  CHECK_FALSE(page[0].ready_at.has_value());
  CHECK(later.counts().calls.rate_limited == 1);
}

TEST_CASE_TEMPLATE("a batch that is stored already changes nothing", Store, FakeStore,
                   SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b"), new_job("c")});
  Checkpoint& checkpoint = store.run();
  const Batch first = starts({start_of(job_1, 1), start_of(job_2, 1)});
  must(checkpoint.commit(first));
  must(checkpoint.commit(first));
  CHECK(checkpoint.counts().calls.sent == 2);

  Batch second_batch = ends(
      {answer_of(job_1, 1, "text"), end_of(job_2, 1, JobState::failed, OutcomeClass::not_found)});
  second_batch.starts.push_back(start_of(job_3, 1));
  must(checkpoint.commit(second_batch));
  const Counts counts = checkpoint.counts();
  must(checkpoint.commit(second_batch));
  // Of an older one, too: its starts have ended since.
  must(checkpoint.commit(first));
  CHECK(checkpoint.counts() == counts);
  CHECK(checkpoint.counts() == store.count_rows());
  CHECK(store.ended_count(job_1) == 1);
  CHECK(store.state(job_1) == JobState::done);
}

TEST_CASE_TEMPLATE("a change that fits nothing is a bug", Store, FakeStore, SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b"), new_job("c")});
  store.die();
  // Begins with job 1 done by attempt 1, job 2 running, job 3 pending.
  const auto dies_of = [&](const Batch& batch) {
    return asserts([&] {
      Checkpoint& checkpoint = store.run();
      must(checkpoint.commit(starts({start_of(job_1, 1), start_of(job_2, 1)})));
      must(checkpoint.commit(ends({answer_of(job_1, 1, "text")})));
      must(checkpoint.commit(batch));
    });
  };
  SUBCASE("nothing wrong") { CHECK_FALSE(dies_of({})); }
  SUBCASE("a done job starts") { CHECK(dies_of(starts({start_of(job_1, 2)}))); }
  SUBCASE("a start from a state that is none to start from") {
    CHECK(dies_of(starts({start_of(job_1, 2, JobState::done)})));
  }
  SUBCASE("a running job starts again") { CHECK(dies_of(starts({start_of(job_2, 2)}))); }
  SUBCASE("a start leaves out a number") { CHECK(dies_of(starts({start_of(job_3, 2)}))); }
  SUBCASE("an attempt ends that never started") {
    CHECK(dies_of(ends({answer_of(job_2, 2, "text")})));
  }
  SUBCASE("an attempt ends a second time otherwise") {
    CHECK(dies_of(ends({end_of(job_1, 1, JobState::failed, OutcomeClass::timeout)})));
  }
  SUBCASE("a done end without an answer") {
    CHECK(dies_of(ends({end_of(job_2, 1, JobState::done, OutcomeClass::done)})));
  }
  SUBCASE("a running job is cancelled") {
    CHECK(dies_of(ends({end_of(job_2, 1, JobState::cancelled, OutcomeClass::unknown)})));
  }
}

TEST_CASE_TEMPLATE("what a dead run left running is unknown", Store, FakeStore, SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b")});
  must(store.run().commit(starts({start_of(job_1, 1)})));
  Checkpoint& checkpoint = store.open();
  const RunBegun begun = must(checkpoint.begin_run(run_start()));
  CHECK(begun.found_unknown == 1);
  CHECK(store.state(job_1) == JobState::unknown);
  CHECK(store.ended_as(job_1, 1) == OutcomeClass::unknown);
  CHECK(store.state(job_2) == JobState::pending);
  CHECK(checkpoint.counts() == store.count_rows());

  must(checkpoint.commit(starts({start_of(job_1, 2, JobState::unknown)})));
  CHECK(checkpoint.counts().calls.resent == 1);
  must(checkpoint.commit(ends({answer_of(job_1, 2, "text")})));
  CHECK(must(store.open().begin_run(run_start())).found_unknown == 0);
  CHECK(store.state(job_1) == JobState::done);
}

TEST_CASE_TEMPLATE("a job is held when it is unknown for the third time", Store, FakeStore,
                   SqliteStore) {
  Store store;
  store.load({new_job("a")});
  const auto start_and_die = [&](std::int32_t attempt, JobState from) {
    must(store.run().commit(starts({start_of(job_1, attempt, from)})));
    store.run();
    return store.state(job_1);
  };
  CHECK(start_and_die(1, JobState::pending) == JobState::unknown);
  CHECK(start_and_die(2, JobState::unknown) == JobState::unknown);
  CHECK(start_and_die(3, JobState::unknown) == JobState::held);
  CHECK(must(store.run().load_page(bio, {}, 10)).empty());
}

TEST_CASE_TEMPLATE("a job given up for the third time is held by the next run", Store, FakeStore,
                   SqliteStore) {
  Store store;
  store.load({new_job("a")});
  JobState from = JobState::pending;
  for (std::int32_t attempt = 1; attempt <= 3; ++attempt) {
    Checkpoint& checkpoint = store.run();
    must(checkpoint.commit(starts({start_of(job_1, attempt, from)})));
    must(checkpoint.commit(
        ends({end_of(job_1, attempt, JobState::unknown, OutcomeClass::unknown)})));
    CHECK(store.state(job_1) == JobState::unknown);
    from = JobState::unknown;
  }
  store.run();
  CHECK(store.state(job_1) == JobState::held);
}

TEST_CASE_TEMPLATE("under hold nothing unknown is sent again", Store, FakeStore, SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b"), new_job("c")});
  must(store.run().commit(starts({start_of(job_1, 1)})));
  // Job 1 is unknown by an earlier run, job 2 running, job 3 sent without an answer.
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(job_2, 1), start_of(job_3, 1)})));
  must(checkpoint.commit(ends({end_of(job_3, 1, JobState::held, OutcomeClass::network)})));
  const RunBegun begun = must(store.open().begin_run(run_start(UnknownPolicy::hold)));
  CHECK(begun.found_unknown == 1);
  for (const JobSeq job : {job_1, job_2, job_3}) CHECK(store.state(job) == JobState::held);
  CHECK(store.open().counts().jobs().of(JobState::held) == 3);
  CHECK(store.open().counts() == store.count_rows());
}

TEST_CASE_TEMPLATE("what is remembered is handed on, replaced and forgotten", Store, FakeStore,
                   SqliteStore) {
  Store store;
  store.load({new_job("a")});
  const std::string lane = "lane gpt-4o-mini, keys default";
  const std::string odd = "429: \"x\" 'y' \xC3\xA4";
  Batch batch;
  batch.states = {{lane, "rpm", "1 2 3"}, {lane, "wait", odd}, {"budget", "day", "7"}};
  must(store.run().commit(batch));
  batch.states = {{lane, "rpm", "4"}, {lane, "nothing", ""}, {"budget", "day", ""}};
  must(store.run().commit(batch));
  const RunBegun begun = must(store.open().begin_run(run_start()));
  CHECK(begun.states == std::vector<StoredState>{{lane, "rpm", "4"}, {lane, "wait", odd}});
  // The last word of one batch counts.
  batch.states = {{lane, "rpm", ""}, {lane, "rpm", "5"}, {lane, "wait", "6"}, {lane, "wait", ""}};
  must(store.run().commit(batch));
  CHECK(must(store.open().begin_run(run_start())).states ==
        std::vector<StoredState>{{lane, "rpm", "5"}});
}

TEST_CASE_TEMPLATE("a job that failed is given back, once, and runs again", Store, FakeStore,
                   SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b"), new_job("c")});
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(job_1, 1), start_of(job_2, 1), start_of(job_3, 1)})));
  AttemptEnd failed = end_of(job_1, 1, JobState::failed, OutcomeClass::not_found);
  failed.retries_used = 2;
  must(checkpoint.commit(ends({failed, answer_of(job_2, 1, "x")})));
  Batch batch = ends({end_of(job_3, 1, JobState::failed, OutcomeClass::not_found)});
  // One failed earlier, one in this very batch; one is done, and stays so.
  batch.reopened = {job_1, job_3, job_2};
  must(checkpoint.commit(batch));
  for (const JobSeq job : {job_1, job_3}) CHECK(store.state(job) == JobState::pending);
  CHECK(store.state(job_2) == JobState::done);
  CHECK(store.text(job_2) == "x");
  CHECK(checkpoint.counts() == store.count_rows());
  CHECK(checkpoint.counts().jobs().of(JobState::failed) == 0);
  // A batch that is repeated after a crash changes nothing more.
  Batch again;
  again.reopened = {job_1, job_3};
  must(checkpoint.commit(again));
  CHECK(checkpoint.counts() == store.count_rows());
  const auto page = must(checkpoint.load_page(RouteId{1}, {}, 10));
  REQUIRE(page.size() == 2);
  CHECK(page[0].retries_used == 0);
  CHECK(page[0].attempts == AttemptNumber{1});
  must(checkpoint.commit(starts({start_of(job_1, 2), start_of(job_3, 2)})));
  must(checkpoint.commit(ends(
      {end_of(job_1, 2, JobState::failed, OutcomeClass::not_found), answer_of(job_3, 2, "y")})));
  again.reopened = {job_1, job_3};
  must(checkpoint.commit(again));
  CHECK(store.state(job_1) == JobState::pending);
  CHECK(store.text(job_3) == "y");
  CHECK(checkpoint.counts() == store.count_rows());
}

TEST_CASE_TEMPLATE("sizes of jobs come back with their page", Store, FakeStore, SqliteStore) {
  Store store;
  NewJob sized = new_job("a");
  sized.size = {1'234, 700, 4, true};
  store.load({sized, new_job("b")});
  const auto page = must(store.run().load_page(RouteId{1}, {}, 10));
  REQUIRE(page.size() == 2);
  CHECK(page[0].size == sized.size);
  CHECK(page[1].size == JobSize{});
}

TEST_CASE_TEMPLATE("what attempts cost adds up, over runs, refused ones included", Store, FakeStore,
                   SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b")});
  AttemptEnd refused = end_of(job_1, 1, JobState::pending, OutcomeClass::timeout);
  refused.cost_pico_usd = 5'000'000'000'000;
  AttemptEnd answered = answer_of(job_2, 1, "x");
  answered.cost_pico_usd = 1;
  must(store.run().commit(starts({start_of(job_1, 1), start_of(job_2, 1)})));
  must(store.open().begin_run(run_start()));
  CHECK(store.open().counts().calls.cost_pico_usd == 0);
  Checkpoint& checkpoint = store.run();
  const auto from = JobState::unknown;
  must(checkpoint.commit(starts({start_of(job_1, 2, from), start_of(job_2, 2, from)})));
  refused.attempt = answered.attempt = AttemptNumber{2};
  must(checkpoint.commit(ends({refused, answered})));
  CHECK(checkpoint.counts().calls.cost_pico_usd == 5'000'000'000'001);
  CHECK(store.open().counts().calls.cost_pico_usd == 5'000'000'000'001);
  CHECK(store.open().counts() == store.count_rows());
}

TEST_CASE("counters of what answers used stop at 2^61 instead of overflowing") {
  constexpr std::int64_t most = std::int64_t{1} << 61U;
  SqliteStore store;
  store.load({new_job("a"), new_job("b"), new_job("c")});
  Checkpoint& checkpoint = store.run();
  for (const std::int64_t n : {1, 2, 3}) {
    AttemptEnd end = answer_of(JobSeq{n}, 1, "x");
    // As much of all that the sum of two would not fit.
    const std::int64_t used = n == 3 ? 1 : std::numeric_limits<std::int64_t>::max() - n;
    end.outcome.usage = {.input_tokens = used, .output_tokens = used, .images = used};
    end.cost_pico_usd = used;
    must(checkpoint.commit(starts({start_of(JobSeq{n}, 1)})));
    must(checkpoint.commit(ends({end})));
    const CallCounts calls = checkpoint.counts().calls;
    CHECK(calls.input_tokens == most);
    CHECK(calls.output_tokens == most);
    CHECK(calls.images == most);
    CHECK(calls.cost_pico_usd == most);
  }
  const Counts counts = checkpoint.counts();
  CHECK(store.open().counts() == counts);
}

TEST_CASE_TEMPLATE("a batch that finds no room changes nothing and may be repeated", Store,
                   FakeStore, SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b"), new_job("c")});
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(job_1, 1), start_of(job_3, 1)})));
  const Counts before = checkpoint.counts();

  // The first end still finds room: what it counted must go with it.
  Batch batch = ends({answer_of(job_3, 1, "x"), answer_of(job_1, 1, std::string(100'000, 'x'))});
  batch.starts.push_back(start_of(job_2, 1));
  store.fill_disk();
  const auto refused = checkpoint.commit(batch);
  store.free_disk();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::disk_full);
  CHECK(checkpoint.counts() == before);
  CHECK(store.count_rows() == before);
  CHECK(store.state(job_1) == JobState::running);
  CHECK(store.ended_count(job_1) == 0);

  must(checkpoint.commit(batch));
  CHECK(store.state(job_1) == JobState::done);
  CHECK(store.state(job_2) == JobState::running);
  CHECK(checkpoint.counts() == store.count_rows());
}

TEST_CASE_TEMPLATE("an empty batch is accepted", Store, FakeStore, SqliteStore) {
  Store store;
  store.load({new_job("a")});
  CHECK(store.run().commit({}).has_value());
}

}  // namespace ratebatch::store_test::contract_test
