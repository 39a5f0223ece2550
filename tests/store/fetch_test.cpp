// Jobs whose answer is stored while its files are still to be downloaded, and answers that their
// type refuses.
#include <doctest/doctest.h>

#include "ratebatch/store/checkpoint_reader.hpp"
#include "store/store_fixture.hpp"

namespace ratebatch::store_test::fetch_test {

using namespace store;

namespace {

constexpr JobSeq job_1{1};
constexpr JobSeq job_2{2};
constexpr const char* url = "https://files.test/a?sig=\"x\"";

std::vector<std::string> lines_of(SqliteStore& store) {
  return result_lines(*must(CheckpointReader::open(store.path())), ResultOrder::finishing);
}

}  // namespace

TEST_CASE_TEMPLATE("an answer with links is paid, and its job is not startable", Store, FakeStore,
                   SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b")});
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(job_1, 1)})));
  AttemptEnd end = link_of(job_1, 1, url);
  end.outcome.usage.images = 1;
  end.cost_pico_usd = 7;
  must(checkpoint.commit(ends({end})));
  must(checkpoint.commit(ends({end})));
  CHECK(store.state(job_1) == JobState::fetching);
  CHECK(checkpoint.counts().calls.images == 1);
  CHECK(checkpoint.counts().calls.cost_pico_usd == 7);
  CHECK(checkpoint.counts() == store.count_rows());
  const auto page = must(checkpoint.load_page(RouteId{1}, {}, 10));
  REQUIRE(page.size() == 1);
  CHECK(page[0].seq == job_2);
  const StoredFetch fetch = must(checkpoint.fetch(job_1));
  CHECK(fetch.id == "a");
  CHECK(fetch.links == std::vector<std::string>{url});
  CHECK(fetch.files == 0);
}

TEST_CASE_TEMPLATE("the next run goes on from the links, tries and times", Store, FakeStore,
                   SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b")});
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(job_1, 1), start_of(job_2, 1)})));
  must(
      checkpoint.commit(ends({link_of(job_1, 1, url), link_of(job_2, 1, "https://files.test/b")})));
  const Batch tried = fetches({fetch_end_of(job_2, 1, JobState::fetching, 1)});
  must(checkpoint.commit(tried));
  must(checkpoint.commit(tried));
  must(checkpoint.commit(fetches({fetch_end_of(job_2, 1, JobState::fetching, 2, 115)})));
  // One that is not counted: only its time is new.
  must(checkpoint.commit(fetches({fetch_end_of(job_2, 1, JobState::fetching, 2, 120)})));

  Checkpoint& later = store.open();
  const RunBegun begun = must(later.begin_run(run_start(UnknownPolicy::hold)));
  CHECK(begun.found_unknown == 0);
  REQUIRE(begun.fetches.size() == 2);
  CHECK(begun.fetches[0].seq == job_1);
  CHECK(begun.fetches[0].route == RouteId{1});
  CHECK(begun.fetches[0].attempt == AttemptNumber{1});
  CHECK(begun.fetches[0].tries == 0);
  CHECK_FALSE(begun.fetches[0].ready_at.has_value());
  CHECK(begun.fetches[1].tries == 2);
  REQUIRE(begun.fetches[1].ready_at.has_value());
  CHECK(*begun.fetches[1].ready_at == second(125));
  CHECK(begun.fetches[0].answered_at == link_of(job_1, 1, url).at);

  const Batch done = fetches({fetch_end_of(job_1, 1, JobState::done, 1, 130),
                              fetch_end_of(job_2, 1, JobState::failed, 3, 130)});
  must(later.commit(done));
  must(later.commit(done));
  CHECK(store.state(job_1) == JobState::done);
  CHECK(store.state(job_2) == JobState::failed);
  CHECK(later.counts() == store.count_rows());
  CHECK(store.ended_as(job_1, 1) == OutcomeClass::done);
  CHECK(store.ended_as(job_2, 1) == OutcomeClass::not_found);
  CHECK(must(store.open().begin_run(run_start())).fetches.empty());
}

TEST_CASE_TEMPLATE("a download that fits nothing is a bug", Store, FakeStore, SqliteStore) {
  Store store;
  store.load({new_job("a"), new_job("b")});
  store.die();
  // Begins with job 1 fetching after two tries, job 2 done.
  const auto dies_of = [&](const Batch& batch) {
    return asserts([&] {
      Checkpoint& checkpoint = store.run();
      must(checkpoint.commit(starts({start_of(job_1, 1), start_of(job_2, 1)})));
      must(checkpoint.commit(ends({link_of(job_1, 1, url), answer_of(job_2, 1, "text")})));
      must(checkpoint.commit(fetches({fetch_end_of(job_1, 1, JobState::fetching, 1)})));
      must(checkpoint.commit(fetches({fetch_end_of(job_1, 1, JobState::fetching, 2)})));
      must(checkpoint.commit(batch));
    });
  };
  SUBCASE("nothing wrong") {
    CHECK_FALSE(dies_of(fetches({fetch_end_of(job_1, 1, JobState::done, 3)})));
  }
  SUBCASE("a try is left out") {
    CHECK(dies_of(fetches({fetch_end_of(job_1, 1, JobState::fetching, 4)})));
  }
  SUBCASE("another attempt") {
    CHECK(dies_of(fetches({fetch_end_of(job_1, 2, JobState::fetching, 3)})));
  }
  SUBCASE("a job that is done") {
    CHECK(dies_of(fetches({fetch_end_of(job_2, 1, JobState::done, 1)})));
  }
  SUBCASE("a job that starts while it is fetching") {
    CHECK(dies_of(starts({start_of(job_1, 2)})));
  }
}

TEST_CASE_TEMPLATE("refused answers are counted per job, until a person puts it back", Store,
                   FakeStore, SqliteStore) {
  Store store;
  store.load({new_job("a")});
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(job_1, 1)})));
  AttemptEnd refused = end_of(job_1, 1, JobState::pending, OutcomeClass::not_accepted);
  refused.rejections = 1;
  must(checkpoint.commit(ends({refused})));
  const auto page = must(store.run().load_page(RouteId{1}, {}, 10));
  REQUIRE(page.size() == 1);
  CHECK(page[0].rejections == 1);
}

TEST_CASE("a result with fetched files is a line like any other, made when they are here") {
  SqliteStore store;
  NewJob job = new_job("a");
  job.line_json = R"({"id":"a","metadata":{"lead":1}})";
  job.metadata_json = R"({"lead":1})";
  store.load({job});
  RunStart start = run_start();
  start.recipes = {{RouteId{1}, "hash", "{}"}};
  Checkpoint& checkpoint = store.open();
  must(checkpoint.begin_run(start));
  must(checkpoint.commit(starts({start_of(job_1, 1)})));
  AttemptEnd end = link_of(job_1, 1, url);
  end.outcome.answer->links.push_back("https://files.test/b");
  end.outcome.answer->files = {"assets/0.png"};
  end.outcome.answer->text = "two \"pictures\"";
  end.outcome.answer->finish_reason = "length";
  end.outcome.answer->truncated = true;
  end.outcome.usage = {3, 0, 2, 0};
  end.cost_pico_usd = pico_usd_per_usd / 2;
  must(checkpoint.commit(ends({end})));
  CHECK(lines_of(store).empty());
  CHECK(must(checkpoint.fetch(job_1)).files == 1);
  CHECK(checkpoint.counts().jobs().truncated == 0);
  CHECK(query(store.connection(), "SELECT results FROM recipes") == 0);
  CHECK(query(store.connection(), "SELECT answers FROM route_totals") == 1);

  // By another run, which knows another recipe.
  RunStart other = run_start();
  other.recipes = {{RouteId{1}, "other", "{}"}};
  Checkpoint& later = store.open();
  must(later.begin_run(other));
  FetchEnd fetched = fetch_end_of(job_1, 1, JobState::done, 1, 200);
  fetched.outcome.files = {"assets/1.png", "assets/2.png"};
  must(later.commit(fetches({fetched})));
  CHECK(lines_of(store) ==
        std::vector<std::string>{
            R"({"id":"a","type":"bio","status":"done","model":"gpt-4o-mini",)"
            R"("files":["assets/0.png","assets/1.png","assets/2.png"],"text":"two \"pictures\"",)"
            R"("finish_reason":"length","usage":{"input_tokens":3,"images":2},"cost_usd":0.5,)"
            R"("attempts":1,"finished_at":")" +
            format_utc_ms(second(200)) + R"(","metadata":{"lead":1}})"});
  CHECK(later.counts().jobs().truncated == 1);
  CHECK(later.counts() == store.count_rows());
  CHECK(query(store.connection(), "SELECT results FROM recipes WHERE hash = 'hash'") == 1);
  CHECK(query(store.connection(), "SELECT latency_ms FROM results") == 1000);
  CHECK(query(store.connection(), "SELECT count(*) FROM fetches") == 0);
}

TEST_CASE("the status says how many downloads wait, for when, and why") {
  SqliteStore store;
  store.load({new_job("a"), new_job("b")});
  Checkpoint& checkpoint = store.run();
  const auto downloads = [&] {
    return must(must(CheckpointReader::open(store.path()))->status()).downloads;
  };
  CHECK_FALSE(downloads());
  must(checkpoint.commit(starts({start_of(job_1, 1), start_of(job_2, 1)})));
  must(checkpoint.commit(ends({link_of(job_1, 1, url), link_of(job_2, 1, url)})));
  REQUIRE(downloads());
  CHECK(downloads()->waiting == 2);
  CHECK_FALSE(downloads()->next_try);
  CHECK(downloads()->failure.empty());
  // A try that reached nobody is not counted, and is shown before one that was never made.
  FetchEnd nobody = fetch_end_of(job_2, 1, JobState::fetching, 0);
  nobody.outcome.message = "cannot resolve files.test";
  must(checkpoint.commit(fetches({nobody})));
  CHECK(downloads()->failure == "cannot resolve files.test");
  FetchEnd tried = fetch_end_of(job_1, 1, JobState::fetching, 1);
  tried.outcome.message = "HTTP 503 from files.test";
  must(checkpoint.commit(fetches({tried, fetch_end_of(job_2, 1, JobState::fetching, 1)})));
  CHECK(downloads()->next_try == fetch_end_of(job_2, 1, JobState::fetching, 1).ready_at);
  tried.tries = 2;
  must(checkpoint.commit(fetches({tried})));
  CHECK(downloads()->failure == "HTTP 503 from files.test");
  CHECK(store.ended_as(job_1, 1) == OutcomeClass::done);
  must(checkpoint.commit(fetches(
      {fetch_end_of(job_1, 1, JobState::done, 3), fetch_end_of(job_2, 1, JobState::done, 2)})));
  CHECK_FALSE(downloads());
  CHECK(query(store.connection(), "SELECT count(*) FROM attempts WHERE message <> ''") == 0);
}

TEST_CASE("an older answer stays until the new one's files are here, or beside their failure") {
  SqliteStore store;
  store.load({new_job("a")});
  Checkpoint& first = store.run();
  must(first.commit(starts({start_of(job_1, 1)})));
  must(first.commit(ends({answer_of(job_1, 1, "old")})));
  RequeueFilter filter;
  filter.ids = {"a"};
  must(store.open().requeue(filter));
  Checkpoint& again = store.run();
  must(again.commit(starts({start_of(job_1, 2)})));
  must(again.commit(ends({link_of(job_1, 2, url)})));
  CHECK(store.text(job_1) == "old");
  // A job that is fetching is in the queue already.
  CHECK(must(store.open().requeue(filter)).ids_open == std::vector<std::string>{"a"});
  Checkpoint& last = store.run();
  SUBCASE("here") {
    must(last.commit(fetches({fetch_end_of(job_1, 2, JobState::done, 1)})));
    REQUIRE(lines_of(store).size() == 1);
    CHECK(field(store.connection(), lines_of(store)[0], "files[0]") == "assets/a.png");
    CHECK(field(store.connection(), lines_of(store)[0], "text").empty());
  }
  SUBCASE("not to be had") {
    must(last.commit(fetches({fetch_end_of(job_1, 2, JobState::failed, 1)})));
    REQUIRE(lines_of(store).size() == 1);
    CHECK(field(store.connection(), lines_of(store)[0], "error.class") == "not_found");
    CHECK(field(store.connection(), lines_of(store)[0], "error.message") == "HTTP 404");
    CHECK(store.text(job_1) == "old");
    const auto jobs =
        must(must(CheckpointReader::open(store.path()))->jobs({JobState::failed, ""}, 9));
    REQUIRE(jobs.size() == 1);
    CHECK(jobs[0].outcome_class == "not_found");
    CHECK(jobs[0].message == "HTTP 404");
    // `retry --class` finds it, and the counters forget it.
    RequeueFilter by_class;
    by_class.outcome_classes = {"not_found"};
    CHECK(must(store.open().requeue(by_class)).requeued.total() == 1);
    CHECK(query(store.connection(), "SELECT total(jobs) FROM failure_counts") == 0);
    CHECK(store.open().counts() == store.count_rows());
  }
}

TEST_CASE("the text of a refused answer stays in its failure") {
  SqliteStore store;
  store.load({new_job("a")});
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(job_1, 1)})));
  AttemptEnd refused = end_of(job_1, 1, JobState::failed, OutcomeClass::not_accepted);
  refused.outcome.message = "shorter than 200 characters";
  refused.outcome.answer.emplace();
  refused.outcome.answer->text = "Hi";
  refused.outcome.answer->finish_reason = "stop";
  refused.outcome.usage.output_tokens = 2;
  refused.rejections = 2;
  must(checkpoint.commit(ends({refused})));
  REQUIRE(lines_of(store).size() == 1);
  const auto at = [&](const std::string& path) {
    return field(store.connection(), lines_of(store)[0], path);
  };
  CHECK(at("status") == "failed");
  CHECK(at("text") == "Hi");
  CHECK(at("usage.output_tokens") == "2");
  CHECK(at("error.class") == "not_accepted");
  CHECK(at("error.message") == "shorter than 200 characters");
  RequeueFilter filter;
  filter.failed = true;
  must(store.open().requeue(filter));
  CHECK(query(store.connection(), "SELECT rejections FROM states") == 0);
}

TEST_CASE("a job knows the file it came from") {
  SqliteStore store;
  store.load({new_job("a")});
  Checkpoint& checkpoint = store.run();
  CHECK(must(checkpoint.job(job_1)).file == "/jobs.jsonl");
  must(checkpoint.commit(starts({start_of(job_1, 1)})));
  CHECK(must(checkpoint.job(job_1)).file == "/jobs.jsonl");
  const auto found = must(must(CheckpointReader::open(store.path()))->find_job("a"));
  REQUIRE(found.has_value());
  CHECK(found->file == "/jobs.jsonl");
}

}  // namespace ratebatch::store_test::fetch_test
