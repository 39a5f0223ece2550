// Jobs that come back into the queue, and what becomes of their results.
#include <doctest/doctest.h>

#include <algorithm>

#include "ratebatch/store/checkpoint_reader.hpp"
#include "store/store_fixture.hpp"

namespace ratebatch::store_test::requeue_test {

using namespace store;

namespace {

constexpr JobSeq unknown_job{2};
constexpr JobSeq held_job{3};
constexpr JobSeq done_job{4};
constexpr JobSeq cut_job{5};
constexpr JobSeq policy_job{6};
constexpr JobSeq timeout_job{7};

// A store with one job of each kind, named as above, and a new life without a run.
SqliteCheckpoint& fill(SqliteStore& store) {
  store.load({new_job("pending"), new_job("unknown"), new_job("held"), new_job("done"),
              new_job("cut"), new_job("policy"), new_job("timeout")});
  Checkpoint& checkpoint = store.run();
  Batch all;
  for (std::int64_t i = 2; i <= 7; ++i) all.starts.push_back(start_of(JobSeq{i}, 1));
  must(checkpoint.commit(all));
  AttemptEnd cut = answer_of(cut_job, 1, "once upon a");
  cut.outcome.answer->truncated = true;
  AttemptEnd timeout = end_of(timeout_job, 1, JobState::failed, OutcomeClass::timeout);
  timeout.retries_used = 3;
  must(checkpoint.commit(ends(
      {end_of(unknown_job, 1, JobState::unknown, OutcomeClass::unknown),
       end_of(held_job, 1, JobState::held, OutcomeClass::network), answer_of(done_job, 1, "text"),
       cut, end_of(policy_job, 1, JobState::failed, OutcomeClass::content_policy), timeout})));
  return store.open();
}

std::vector<std::int64_t> states(SqliteStore& store) {
  std::vector<std::int64_t> out;
  for (std::int64_t i = 1; i <= 7; ++i) {
    out.push_back(static_cast<std::int64_t>(store.state(JobSeq{i})));
  }
  return out;
}

std::int64_t failures(SqliteStore& store) {
  return query(store.connection(), "SELECT total(jobs) FROM failure_counts");
}

std::vector<std::pair<std::string, std::string>> results(SqliteStore& store) {
  std::vector<std::pair<std::string, std::string>> out;
  auto reader = must(CheckpointReader::open(store.path()));
  for (const std::string& line : result_lines(*reader, ResultOrder::finishing)) {
    const auto at = [&](const std::string& path) { return field(store.connection(), line, path); };
    out.emplace_back(at("id"), at("status") == "done" ? at("text") : at("error.class"));
  }
  return out;
}

}  // namespace

TEST_CASE("a filter puts back the jobs it names, and no others") {
  SqliteStore store;
  SqliteCheckpoint& checkpoint = fill(store);
  REQUIRE(states(store) == std::vector<std::int64_t>{0, 3, 4, 5, 5, 6, 6});
  RequeueFilter filter;
  std::vector<std::int64_t> after;
  std::int64_t total = 0;
  std::int64_t failures_left = 2;
  SUBCASE("none") { after = {0, 3, 4, 5, 5, 6, 6}; }
  SUBCASE("failed") {
    filter.failed = true;
    after = {0, 3, 4, 5, 5, 0, 0};
    total = 2;
    failures_left = 0;
  }
  SUBCASE("a class") {
    filter.outcome_classes = {"timeout", "no_such_class"};
    after = {0, 3, 4, 5, 5, 6, 0};
    total = 1;
    failures_left = 1;
  }
  SUBCASE("unknown and held") {
    filter.unknown = true;
    after = {0, 3, 0, 5, 5, 6, 6};
    total = 2;
  }
  SUBCASE("truncated") {
    filter.truncated = true;
    after = {0, 3, 4, 5, 0, 6, 6};
    total = 1;
  }
  SUBCASE("ids") {
    filter.ids = {"done", "policy", "done"};
    after = {0, 3, 4, 0, 5, 0, 6};
    total = 2;
    failures_left = 1;
  }
  SUBCASE("several at once count once") {
    filter.failed = true;
    filter.outcome_classes = {"timeout"};
    filter.ids = {"timeout", "cut"};
    after = {0, 3, 4, 5, 0, 0, 0};
    total = 3;
    failures_left = 0;
  }
  const RequeueSummary summary = must(checkpoint.requeue(filter));
  CHECK(states(store) == after);
  CHECK(summary.requeued.total() == total);
  CHECK(failures(store) == failures_left);
  CHECK(checkpoint.counts() == store.count_rows());
  CHECK(must(checkpoint.requeue({})).requeued.total() == 0);
}

TEST_CASE("the summary tells the states before, and which ids it could not put back") {
  SqliteStore store;
  RequeueFilter filter;
  filter.failed = true;
  filter.truncated = true;
  filter.ids = {"nobody", "pending", "held", "unknown"};
  const RequeueSummary summary = must(fill(store).requeue(filter));
  CHECK(summary.requeued.of(JobState::failed) == 2);
  CHECK(summary.requeued.of(JobState::done) == 1);
  CHECK(summary.requeued.of(JobState::held) == 1);
  CHECK(summary.requeued.total() == 4);
  CHECK(summary.ids_not_found == std::vector<std::string>{"nobody"});
  CHECK(summary.ids_open == std::vector<std::string>{"pending", "unknown"});
}

TEST_CASE("a job that was put back has all its tries again") {
  SqliteStore store;
  RequeueFilter filter;
  filter.failed = true;
  filter.unknown = true;
  must(fill(store).requeue(filter));
  for (const JobRef& job : must(store.run().load_page(RouteId{1}, {}, 10))) {
    CHECK(job.retries_used == 0);
  }
  CHECK(query(store.connection(), "SELECT sum(unknowns) FROM states") == 0);
}

TEST_CASE("an old answer stays until the new one replaces it") {
  SqliteStore store;
  RequeueFilter filter;
  filter.truncated = true;
  must(fill(store).requeue(filter));
  using Rows = std::vector<std::pair<std::string, std::string>>;
  const Rows before = {{"done", "text"},
                       {"cut", "once upon a"},
                       {"policy", "content_policy"},
                       {"timeout", "timeout"}};
  CHECK(results(store) == before);
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(cut_job, 2)})));
  CHECK(results(store) == before);
  must(checkpoint.commit(ends({answer_of(cut_job, 2, "once upon a time", 300)})));
  // At the end now, for those who follow the results.
  CHECK(results(store) == Rows{{"done", "text"},
                               {"policy", "content_policy"},
                               {"timeout", "timeout"},
                               {"cut", "once upon a time"}});
  CHECK(checkpoint.counts().jobs().truncated == 0);
  CHECK(checkpoint.counts() == store.count_rows());
}

TEST_CASE("an answer outlives a redo that fails") {
  SqliteStore store;
  RequeueFilter filter;
  filter.ids = {"done"};
  must(fill(store).requeue(filter));
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(done_job, 2)})));
  must(checkpoint.commit(
      ends({end_of(done_job, 2, JobState::failed, OutcomeClass::bad_reply, 300)})));
  CHECK(results(store).back() == std::pair<std::string, std::string>{"done", "bad_reply"});
  CHECK(store.text(done_job) == "text");
  CHECK(failures(store) == 3);

  // Put back once more, the answer is what there is.
  SqliteCheckpoint& again = store.open();
  must(again.requeue(filter));
  CHECK(results(store).back() == std::pair<std::string, std::string>{"done", "text"});
  CHECK(failures(store) == 2);
  CHECK(again.counts() == store.count_rows());
}

TEST_CASE("a result carries the metadata that its job had then") {
  SqliteStore store;
  RequeueFilter filter;
  filter.ids = {"done"};
  must(fill(store).requeue(filter));
  NewJob job = new_job("done");
  job.line_json = R"({"id":"done","metadata":{"v":2}})";
  job.metadata_json = R"({"v":2})";
  {
    auto loader = must(store.open().begin_load(std::equal_to<std::string_view>{}));
    must(loader->begin_file({.path = "/b.jsonl"}));
    REQUIRE(must(loader->add(job, true)).as == AddedAs::updated);
    must(loader->commit());
  }
  const auto version = [&] {
    auto reader = must(CheckpointReader::open(store.path()));
    const auto lines = result_lines(*reader, ResultOrder::input, 3);
    return field(store.connection(), lines.at(0), "metadata.v");
  };
  CHECK(version().empty());
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(done_job, 2)})));
  must(checkpoint.commit(
      ends({end_of(done_job, 2, JobState::failed, OutcomeClass::bad_reply, 300)})));
  CHECK(version() == "2");
}

TEST_CASE("recipes count the answers that were made with them") {
  SqliteStore store;
  store.load({new_job("a"), new_job("b")});
  const auto run_with = [&](const char* hash) -> Checkpoint& {
    RunStart start = run_start();
    start.recipes = {{RouteId{1}, hash, "{}"}};
    Checkpoint& checkpoint = store.open();
    must(checkpoint.begin_run(start));
    return checkpoint;
  };
  const auto count = [&](const std::string& hash) {
    return query(store.connection(), "SELECT results FROM recipes WHERE hash = '" + hash + "'");
  };
  Checkpoint& checkpoint = run_with("old");
  must(checkpoint.commit(starts({start_of(JobSeq{1}, 1), start_of(JobSeq{2}, 1)})));
  must(checkpoint.commit(ends({answer_of(JobSeq{1}, 1, "a"), answer_of(JobSeq{2}, 1, "b")})));
  CHECK(count("old") == 2);
  RequeueFilter filter;
  filter.ids = {"a"};
  must(store.open().requeue(filter));
  CHECK(count("old") == 2);
  Checkpoint& later = run_with("new");
  must(later.commit(starts({start_of(JobSeq{1}, 2)})));
  must(later.commit(ends({answer_of(JobSeq{1}, 2, "new a")})));
  CHECK(count("old") == 1);
  CHECK(count("new") == 1);
}

TEST_CASE("answers of an older recipe are counted, and can be redone without being lost") {
  SqliteStore store;
  store.load({new_job("a"), new_job("b"), new_job("x", "image")});
  const auto run_with = [&](const std::string& bio) -> Checkpoint& {
    RunStart start = run_start();
    start.recipes = {{RouteId{1}, bio, "{}"}, {RouteId{2}, "image", "{}"}};
    Checkpoint& checkpoint = store.open();
    must(checkpoint.begin_run(start));
    return checkpoint;
  };
  const auto changed = [&] {
    return must(must(CheckpointReader::open(store.path()))->status()).changed;
  };
  Checkpoint& first = run_with("old");
  must(first.commit(starts({start_of(JobSeq{1}, 1), start_of(JobSeq{3}, 1)})));
  must(first.commit(ends({answer_of(JobSeq{1}, 1, "a"), answer_of(JobSeq{3}, 1, "x")})));
  CHECK(changed() == 0);
  Checkpoint& second = run_with("new");
  must(second.commit(starts({start_of(JobSeq{2}, 1)})));
  must(second.commit(ends({answer_of(JobSeq{2}, 1, "b")})));
  CHECK(changed() == 1);

  RequeueFilter filter;
  filter.changed = {{RouteId{1}, "new", ""}, {RouteId{2}, "image", ""}};
  CHECK(must(store.open().requeue(filter)).requeued.total() == 1);
  CHECK(store.state(JobSeq{1}) == JobState::pending);
  CHECK(store.state(JobSeq{2}) == JobState::done);
  CHECK(store.text(JobSeq{1}) == "a");
  CHECK(changed() == 1);
  Checkpoint& third = run_with("new");
  must(third.commit(starts({start_of(JobSeq{1}, 2)})));
  must(third.commit(ends({answer_of(JobSeq{1}, 2, "new a")})));
  CHECK(store.text(JobSeq{1}) == "new a");
  CHECK(changed() == 0);
  CHECK(must(store.open().requeue(filter)).requeued.total() == 0);
}

}  // namespace ratebatch::store_test::requeue_test
