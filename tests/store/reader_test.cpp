// Reading beside a run.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "ratebatch/store/checkpoint_reader.hpp"
#include "store/store_fixture.hpp"

namespace ratebatch::store_test::reader_test {

using namespace store;

namespace {

std::unique_ptr<CheckpointReader> read(const SqliteStore& store) {
  return must(CheckpointReader::open(store.path()));
}

AttemptEnd priced(AttemptEnd end, std::int64_t input_tokens, std::int64_t output_tokens) {
  end.outcome.usage = {input_tokens, output_tokens, 0};
  return end;
}

// Finishes jobs 1 to `count`, one a second, each 250 ms after its start.
void finish_jobs(Checkpoint& checkpoint, std::int64_t count) {
  for (std::int64_t i = 1; i <= count; ++i) {
    AttemptStart start = start_of(JobSeq{i}, 1);
    start.at = second(i) - std::chrono::milliseconds{250};
    must(checkpoint.commit(starts({start})));
    must(checkpoint.commit(ends({answer_of(JobSeq{i}, 1, "text " + std::to_string(i), i)})));
  }
}

}  // namespace

TEST_CASE("there is nothing to read where no checkpoint is") {
  const TempDir folder;
  const auto missing = CheckpointReader::open(folder.file("x.db"));
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == ErrorCode::not_found);
  write_file(folder.file("x.db"), "");
  CHECK(CheckpointReader::open(folder.file("x.db")).error().code == ErrorCode::not_found);
}

TEST_CASE("status of a run that is going") {
  SqliteStore store;
  NewJob other = new_job("c");
  other.model = "gpt-4o";
  store.load({new_job("a"), new_job("b"), other, new_job("d", "image")});
  Checkpoint& checkpoint = store.run();
  Batch batch;
  for (std::int64_t i = 1; i <= 4; ++i) batch.starts.push_back(start_of(JobSeq{i}, 1));
  must(checkpoint.commit(batch));
  batch = ends({priced(answer_of(JobSeq{1}, 1, "x", 102), 10, 100),
                priced(answer_of(JobSeq{3}, 1, "y", 104), 30, 201),
                end_of(JobSeq{4}, 1, JobState::failed, OutcomeClass::content_policy, 110)});
  batch.lanes.push_back({LaneId{1}, {LaneState::paused, "quota", second(500)}});
  batch.states.push_back({"lane gpt-4o, keys default", "rpm", "1 2 3"});
  must(checkpoint.commit(batch));

  const StatusData status = must(read(store)->status());
  CHECK(status.counts == checkpoint.counts());
  CHECK(status.routes.size() == 3);
  REQUIRE(status.live_run.has_value());
  CHECK(status.live_run->pid == ::getpid());
  CHECK(status.live_run->started == second(50));
  CHECK(status.live_run->workers == 4);
  CHECK_FALSE(status.last_run.has_value());
  REQUIRE(status.lanes.size() == 2);
  CHECK(status.lanes[0].model == "gpt-4o-mini");
  CHECK(status.lanes[0].provider == "openai");
  CHECK(status.lanes[0].status == LaneStatus{});
  CHECK(status.lanes[1].status == LaneStatus{LaneState::paused, "quota", second(500)});
  REQUIRE(status.failures.size() == 1);
  CHECK(status.failures[0].outcome_class == "content_policy");
  CHECK(status.failures[0].jobs == 1);
  REQUIRE(status.types.size() == 2);
  CHECK(status.types[0].type == "bio");
  CHECK(status.types[0].done == 2);
  CHECK(status.types[0].avg_input_tokens == doctest::Approx(20.0));
  CHECK(status.types[0].avg_output_tokens == doctest::Approx(150.5));
  CHECK(status.types[1].failed == 1);
  CHECK(status.types[1].avg_input_tokens == doctest::Approx(0.0));
  REQUIRE(status.latency.has_value());
  CHECK(status.latency->p50_ms == 2000);
  CHECK(status.latency->p95_ms == 4000);
  CHECK(status.jobs_per_minute == doctest::Approx(2 * 60.0 / 8));
  CHECK(status.states == batch.states);
}

TEST_CASE("status after a run, of a run that died, and before the first") {
  SqliteStore store;
  store.load({new_job("a")});
  store.die();
  StatusData status = must(read(store)->status());
  CHECK_FALSE(status.live_run.has_value());
  CHECK_FALSE(status.last_run.has_value());
  CHECK_FALSE(status.latency.has_value());
  CHECK_FALSE(status.jobs_per_minute.has_value());
  CHECK(status.lanes.empty());

  must(store.run().end_run({second(90), 75, "no_key"}));
  store.die();
  status = must(read(store)->status());
  CHECK_FALSE(status.live_run.has_value());
  REQUIRE(status.last_run.has_value());
  CHECK(status.last_run->ended == second(90));
  CHECK(status.last_run->exit_code == 75);
  CHECK(status.last_run->reason == "no_key");

  store.run();
  // Held, but the one before has ended: that is the last run.
  CHECK(must(read(store)->status()).last_run->exit_code == 75);
  store.die();
  status = must(read(store)->status());
  REQUIRE(status.last_run.has_value());
  CHECK(status.last_run->started == second(50));
  CHECK_FALSE(status.last_run->ended.has_value());

  // Somebody holds the checkpoint without a run of its own.
  store.open();
  status = must(read(store)->status());
  REQUIRE(status.live_run.has_value());
  CHECK(status.live_run->pid == ::getpid());
}

TEST_CASE("only the lanes of the last run are shown") {
  SqliteStore store;
  store.load({new_job("a")});
  store.run();
  RunStart start = run_start();
  start.lanes.lanes.erase(start.lanes.lanes.begin());
  must(store.open().begin_run(start));
  const StatusData status = must(read(store)->status());
  REQUIRE(status.lanes.size() == 1);
  CHECK(status.lanes[0].model == "gpt-4o");
}

TEST_CASE("rate and latency look at the last results only") {
  SqliteStore store;
  std::vector<NewJob> jobs;
  for (int i = 1; i <= 400; ++i) jobs.push_back(new_job("job-" + std::to_string(i)));
  store.load(jobs);
  finish_jobs(store.run(), 400);
  const StatusData status = must(read(store)->status());
  // One a second, of which the window of five minutes holds 301.
  CHECK(status.jobs_per_minute == doctest::Approx(60.0));
  CHECK(status.latency->p50_ms == 250);
  CHECK(status.latency->p95_ms == 250);
}

TEST_CASE("results are lines that carry all that was stored") {
  SqliteStore store;
  NewJob job = new_job("img-7", "image");
  job.line_json = R"({"id":"img-7", "metadata" : {"lead": 42, "of":["a\u0062"]}})";
  job.metadata_json = R"({"lead": 42, "of":["a\u0062"]})";
  store.load({job, new_job("b"), new_job("c", "")});
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(
      starts({start_of(JobSeq{1}, 1), start_of(JobSeq{2}, 1), start_of(JobSeq{3}, 1)})));
  AttemptEnd end = priced(answer_of(JobSeq{1}, 1, "", 105), 1, 2);
  end.outcome.usage.images = 2;
  end.outcome.answer->files = {"assets/a \"1\".png", "b\\\n\x01.png"};
  end.outcome.answer->finish_reason = "length";
  AttemptEnd failed = end_of(JobSeq{2}, 1, JobState::failed, OutcomeClass::too_large, 106);
  failed.outcome.message = "the model's maximum context is \x1b[31m8192";
  AttemptEnd raw = answer_of(JobSeq{3}, 1, "left out", 107);
  raw.outcome.answer->body_json = R"({"data":[1]})";
  must(checkpoint.commit(ends({end, failed, raw})));

  const auto lines = result_lines(*read(store), ResultOrder::finishing);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] ==
        R"({"id":"img-7","type":"image","status":"done","model":"gpt-4o-mini",)"
        R"("files":["assets/a \"1\".png","b\\\n\u0001.png"],"finish_reason":"length",)"
        R"("usage":{"input_tokens":1,"output_tokens":2,"images":2},"attempts":1,)"
        R"("finished_at":"2026-09-21T14:15:05.000Z","metadata":{"lead": 42, "of":["a\u0062"]}})");
  CHECK(lines[1] ==
        R"({"id":"b","type":"bio","status":"failed","model":"gpt-4o-mini","attempts":1,)"
        R"("finished_at":"2026-09-21T14:15:06.000Z","error":{"class":"too_large",)"
        R"("message":"the model's maximum context is \u001b[31m8192"}})");
  CHECK(lines[2] ==
        R"({"id":"c","status":"done","model":"gpt-4o-mini","body":{"data":[1]},)"
        R"("finish_reason":"stop","attempts":1,"finished_at":"2026-09-21T14:15:07.000Z"})");
}

TEST_CASE("results come in order of finishing or of the input, on from a cursor") {
  SqliteStore store;
  store.load({new_job("a"), new_job("b"), new_job("c")});
  Checkpoint& checkpoint = store.run();
  for (const std::int64_t i : {2, 3, 1}) {
    must(checkpoint.commit(starts({start_of(JobSeq{i}, 1)})));
    must(checkpoint.commit(ends({answer_of(JobSeq{i}, 1, "text")})));
  }
  const auto reader = read(store);
  const auto ids = [&](ResultOrder order, std::int64_t cursor) {
    std::string all;
    for (const std::string& line : result_lines(*reader, order, cursor)) {
      all += field(store.connection(), line, "id");
    }
    return all;
  };
  CHECK(ids(ResultOrder::finishing, 0) == "bca");
  CHECK(ids(ResultOrder::input, 0) == "abc");
  std::int64_t cursor = 0;
  must(reader->for_each_page(ResultOrder::input, 1, [&](const ResultPage& page) -> Result<void> {
    cursor = page.cursor;
    return {};
  }));
  CHECK(ids(ResultOrder::input, 1) == "bc");
  CHECK(ids(ResultOrder::input, cursor).empty());
}

TEST_CASE("results are complete across pages of rows and of bytes") {
  SqliteStore store;
  std::vector<NewJob> jobs;
  for (int i = 1; i <= result_page_rows_max + 1; ++i) {
    jobs.push_back(new_job("job-" + std::to_string(i)));
  }
  store.load(jobs);
  finish_jobs(store.run(), result_page_rows_max + 1);
  CHECK(result_lines(*read(store), ResultOrder::input).size() == result_page_rows_max + 1);

  SqliteStore large;
  large.load({new_job("a"), new_job("b"), new_job("c")});
  Checkpoint& checkpoint = large.run();
  for (std::int64_t i = 1; i <= 3; ++i) {
    must(checkpoint.commit(starts({start_of(JobSeq{i}, 1)})));
    must(checkpoint.commit(
        ends({answer_of(JobSeq{i}, 1, std::string(result_page_bytes_max, 'x'))})));
  }
  CHECK(result_lines(*read(large), ResultOrder::finishing).size() == 3);
  must(read(large)->for_each_page(ResultOrder::finishing, 0,
                                  [](const ResultPage& page) -> Result<void> {
                                    CHECK(page.rows == 1);
                                    return {};
                                  }));
}

TEST_CASE("an error of the one who takes the results ends the reading") {
  SqliteStore store;
  store.load({new_job("a"), new_job("b")});
  finish_jobs(store.run(), 2);
  int taken = 0;
  const auto stopped =
      read(store)->for_each_page(ResultOrder::finishing, 0, [&](const ResultPage&) -> Result<void> {
        ++taken;
        return fail(ErrorCode::disk_full, "no room for results");
      });
  REQUIRE_FALSE(stopped.has_value());
  CHECK(stopped.error().message == "no room for results");
  CHECK(taken == 1);
}

TEST_CASE("a reader sees the last commit while a transaction is open, and holds up nobody") {
  SqliteStore store;
  store.load({new_job("a")});
  SqliteCheckpoint& checkpoint = store.open();
  const auto reader = read(store);
  auto loader = must(checkpoint.begin_load(std::equal_to<std::string_view>{}));
  must(loader->begin_file({.path = "/b.jsonl"}));
  must(loader->add(new_job("b"), false));
  CHECK(must(reader->status()).counts.jobs().total() == 1);
  must(loader->commit());
  CHECK(must(reader->status()).counts.jobs().total() == 2);

  // Between two pages of results the run goes on, and no read is left that pins the log.
  must(checkpoint.begin_run(run_start()));
  must(checkpoint.commit(starts({start_of(JobSeq{1}, 1)})));
  must(checkpoint.commit(ends({answer_of(JobSeq{1}, 1, "text")})));
  must(reader->for_each_page(ResultOrder::finishing, 0, [&](const ResultPage&) -> Result<void> {
    must(checkpoint.commit(starts({start_of(JobSeq{2}, 1)})));
    CHECK(query(store.connection(), "PRAGMA wal_checkpoint(TRUNCATE)") == 0);
    return {};
  }));
  CHECK(std::filesystem::file_size(store.path() + "-wal") == 0);
}

TEST_CASE("jobs are listed by state and class with their last attempt") {
  SqliteStore store;
  store.load({new_job("a"), new_job("b"), new_job("c"), new_job("d")});
  Checkpoint& checkpoint = store.run();
  Batch batch;
  for (std::int64_t i = 1; i <= 3; ++i) batch.starts.push_back(start_of(JobSeq{i}, 1));
  must(checkpoint.commit(batch));
  AttemptEnd timeout = end_of(JobSeq{1}, 1, JobState::failed, OutcomeClass::timeout);
  timeout.outcome.message = "no answer";
  AttemptEnd policy = end_of(JobSeq{3}, 1, JobState::failed, OutcomeClass::content_policy);
  policy.outcome.http_status = 400;
  must(checkpoint.commit(
      ends({timeout, policy, end_of(JobSeq{2}, 1, JobState::pending, OutcomeClass::network)})));
  must(checkpoint.commit(starts({start_of(JobSeq{2}, 2)})));

  const auto reader = read(store);
  const auto ids = [&](const JobFilter& filter, std::int64_t count_max) {
    std::string out;
    for (const JobRow& job : must(reader->jobs(filter, count_max))) out += job.id;
    return out;
  };
  CHECK(ids({}, 10) == "abcd");
  CHECK(ids({}, 3) == "abc");
  CHECK(ids({JobState::failed, ""}, 10) == "ac");
  CHECK(ids({JobState::failed, ""}, 1) == "a");
  CHECK(ids({JobState::failed, "content_policy"}, 10) == "c");
  CHECK(ids({std::nullopt, "network"}, 10) == "b");
  CHECK(ids({JobState::held, ""}, 10).empty());

  const auto found = must(reader->find_job("b"));
  REQUIRE(found.has_value());
  CHECK(found->line_json == new_job("b").line_json);
  CHECK_FALSE(must(reader->find_job("nobody")).has_value());
  CHECK(must(reader->job_files()) == std::vector<std::string>{"/jobs.jsonl"});

  const auto failed = must(reader->jobs({JobState::failed, ""}, 10));
  REQUIRE(failed.size() == 2);
  CHECK(failed[0].outcome_class == "timeout");
  CHECK(failed[0].message == "no answer");
  CHECK(failed[0].attempts == 1);
  CHECK(failed[0].type == "bio");
  CHECK(failed[0].file == "/jobs.jsonl");
  CHECK(failed[0].line == 1);
  CHECK(failed[1].http_status == 400);
}

TEST_CASE("a checkpoint on read-only media can be read if it was closed well") {
  SqliteStore store;
  store.load({new_job("a")});
  store.die();
  const auto read_as_nobody = [&] {
    return in_child([&] {
      // Root may write everywhere.
      if (::getuid() == 0 && ::setuid(65534) != 0) return 3;
      const auto reader = CheckpointReader::open(store.path());
      if (!reader) return reader.error().message.find("closed well") != std::string::npos ? 2 : 4;
      const auto status = (*reader)->status();
      return status && status->counts.jobs().total() == 1 ? 0 : 1;
    });
  };
  const auto protect = [&](mode_t folder, mode_t files) {
    for (const std::string& name : store.folder().names()) {
      REQUIRE(::chmod(store.folder().file(name).c_str(), files) == 0);
    }
    REQUIRE(::chmod(store.folder().path().c_str(), folder) == 0);
  };
  protect(0555, 0444);
  CHECK(read_as_nobody() == 0);
  protect(0755, 0644);
  write_file(store.path() + "-wal", "left behind by a crash");
  protect(0555, 0444);
  CHECK(read_as_nobody() == 2);
  protect(0755, 0644);
}

}  // namespace ratebatch::store_test::reader_test
