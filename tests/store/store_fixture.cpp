#include "store/store_fixture.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "store/sqlite_checkpoint_parts.hpp"

namespace ratebatch::store {

Connection& SqliteCheckpointProbe::connection(SqliteCheckpoint& checkpoint) {
  return checkpoint.parts_->database->connection;
}

}  // namespace ratebatch::store

namespace ratebatch::store_test {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "ratebatch-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = std::filesystem::canonical(name).string();
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TempDir::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  REQUIRE(stream.good());
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_file(const std::string& file, const std::string& bytes) {
  std::ofstream stream(file, std::ios::binary);
  stream << bytes;
  REQUIRE(stream.good());
}

void must(const Result<void>& result) {
  if (!result) FAIL(result.error().message);
}

namespace {

constexpr int failed_in_child = 125;

int wait_status(const std::function<int()>& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // What an assertion prints is expected here.
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDERR_FILENO);
    try {
      ::_exit(body());
    } catch (...) {
      // A failed requirement: it must not run the parent's other tests.
      ::_exit(failed_in_child);
    }
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

bool asserts(const std::function<void()>& body) {
  const int status = wait_status([&] {
    std::signal(SIGABRT, SIG_DFL);
    body();
    return 0;
  });
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

int in_child(const std::function<int()>& body) {
  const int status = wait_status(body);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

WallTime second(std::int64_t n) { return wall_from_ms(1'790'000'000'000 + n * 1000); }

store::NewJob new_job(const std::string& id, const std::string& type, std::int64_t priority) {
  store::NewJob job;
  job.id = id;
  job.type = type;
  job.priority = priority;
  job.line_json = R"({"id":")" + id + R"(","type":")" + type + R"("})";
  job.line = 1;
  return job;
}

store::RunStart run_start(UnknownPolicy policy) {
  store::RunStart start;
  start.pid = ::getpid();
  start.at = second(50);
  start.workers = 4;
  start.on_unknown = policy;
  start.lanes.pools.resize(1);
  start.lanes.pools[0].provider = "openai";
  start.lanes.groups = {{"default", PoolId{0}}};
  start.lanes.keys.resize(2);
  start.lanes.keys[0].name = "KEY_1";
  start.lanes.keys[1].name = "KEY_2";
  start.lanes.lanes.resize(2);
  start.lanes.lanes[0].model = "gpt-4o-mini";
  start.lanes.lanes[1].model = "gpt-4o";
  return start;
}

AttemptStart start_of(JobSeq job, std::int32_t attempt, JobState from, std::int64_t at_second) {
  return {.job = job, .from = from, .attempt = AttemptNumber{attempt}, .at = second(at_second)};
}

AttemptEnd end_of(JobSeq job, std::int32_t attempt, JobState to, OutcomeClass kind,
                  std::int64_t at_second) {
  AttemptEnd end;
  end.job = job;
  end.attempt = AttemptNumber{attempt};
  end.to = to;
  end.outcome.kind = kind;
  end.at = second(at_second);
  return end;
}

AttemptEnd answer_of(JobSeq job, std::int32_t attempt, const std::string& text,
                     std::int64_t at_second) {
  AttemptEnd end = end_of(job, attempt, JobState::done, OutcomeClass::done, at_second);
  end.outcome.answer.emplace();
  end.outcome.answer->text = text;
  end.outcome.answer->finish_reason = "stop";
  end.outcome.http_status = 200;
  return end;
}

AttemptEnd link_of(JobSeq job, std::int32_t attempt, const std::string& url,
                   std::int64_t at_second) {
  AttemptEnd end = end_of(job, attempt, JobState::fetching, OutcomeClass::done, at_second);
  end.outcome.answer.emplace();
  end.outcome.answer->links = {url};
  end.outcome.http_status = 200;
  return end;
}

FetchEnd fetch_end_of(JobSeq job, std::int32_t attempt, JobState to, std::int32_t tries,
                      std::int64_t at_second) {
  FetchEnd end;
  end.job = job;
  end.attempt = AttemptNumber{attempt};
  end.to = to;
  end.tries = tries;
  end.at = second(at_second);
  if (to == JobState::done) {
    end.outcome.kind = OutcomeClass::done;
    end.outcome.files = {"assets/a.png"};
  }
  if (to == JobState::fetching) end.ready_at = second(at_second + 5);
  if (to == JobState::failed) {
    end.outcome.kind = OutcomeClass::not_found;
    end.outcome.message = "HTTP 404";
  }
  return end;
}

Batch fetches(std::vector<FetchEnd> list) {
  Batch batch;
  batch.fetches = std::move(list);
  return batch;
}

Batch starts(std::vector<AttemptStart> list) {
  Batch batch;
  batch.starts = std::move(list);
  return batch;
}

Batch ends(std::vector<AttemptEnd> list) {
  Batch batch;
  batch.ends = std::move(list);
  return batch;
}

std::string field(store::Connection& connection, const std::string& line, const std::string& path) {
  std::string value;
  must(connection.rows(
      "read a field", "SELECT json_extract(?1, '$.' || ?2)",
      [&](const store::Statement& row) { value = row.text(0); }, line, path));
  return value;
}

std::vector<std::string> result_lines(store::CheckpointReader& reader, store::ResultOrder order,
                                      std::int64_t cursor) {
  std::vector<std::string> lines;
  must(reader.for_each_page(order, cursor, [&](const store::ResultPage& page) -> Result<void> {
    std::istringstream text(page.lines);
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return {};
  }));
  return lines;
}

std::int64_t query(store::Connection& connection, const std::string& sql) {
  return must(connection.integer("query", sql.c_str()));
}

store::Counts counted(store::Connection& connection) {
  store::Counts counts;
  const auto read = [&](const char* sql,
                        const std::function<void(const store::Statement&)>& on_row) {
    must(connection.rows("count", sql, on_row));
  };
  read("SELECT id FROM routes",
       [&](const store::Statement& row) { counts.routes[row.id<RouteId>(0)]; });
  read("SELECT route_id, state, count(*), sum(truncated) FROM states GROUP BY 1, 2",
       [&](const store::Statement& row) {
         store::JobCounts& jobs = counts.routes[row.id<RouteId>(0)];
         jobs.by_state[static_cast<std::size_t>(row.integer(1))] = row.integer(2);
         jobs.truncated += row.integer(3);
       });
  // `resent` is not to be seen in the rows: an attempt does not say what its job was before.
  read(
      "SELECT (SELECT sum(attempts) FROM states), (SELECT resent FROM call_counts),"
      " count(*) FILTER (WHERE class IN ('rate_limited', 'quota_exhausted')),"
      " coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), coalesce(sum(images), 0),"
      " coalesce(sum(cost_pico_usd), 0) FROM attempts",
      [&](const store::Statement& row) {
        counts.calls = {row.integer(0), row.integer(1), row.integer(2), row.integer(3),
                        row.integer(4), row.integer(5), row.integer(6)};
      });
  return counts;
}

void FakeStore::load(const std::vector<store::NewJob>& jobs) {
  for (const store::NewJob& job : jobs) data_.add(job);
}

store::Checkpoint& FakeStore::open() {
  die();
  life_ = std::make_unique<FakeCheckpoint>(data_);
  return *life_;
}

store::Checkpoint& FakeStore::run(UnknownPolicy policy) {
  open();
  must(life_->begin_run(run_start(policy)));
  return *life_;
}

void SqliteStore::load(const std::vector<store::NewJob>& jobs) {
  auto loader = must(open().begin_load(std::equal_to<std::string_view>{}));
  store::FileStamp stamp;
  stamp.path = "/jobs.jsonl";
  must(loader->begin_file(stamp));
  for (const store::NewJob& job : jobs) {
    const store::Added added = must(loader->add(job, false));
    REQUIRE(added.as == store::AddedAs::added);
  }
  must(loader->commit());
}

store::SqliteCheckpoint& SqliteStore::open() {
  die();
  life_ = must(store::SqliteCheckpoint::open(path(), store::OpenMode::create_or_open, {}));
  return *life_;
}

store::SqliteCheckpoint& SqliteStore::run(UnknownPolicy policy) {
  open();
  must(life_->begin_run(run_start(policy)));
  return *life_;
}

void SqliteStore::fill_disk() { must(connection().execute("fill", "PRAGMA max_page_count = 1")); }

void SqliteStore::free_disk() {
  must(connection().execute("free", "PRAGMA max_page_count = 1000000"));
}

JobState SqliteStore::state(JobSeq job) {
  return static_cast<JobState>(query(connection(), "SELECT state FROM states WHERE seq = " +
                                                       std::to_string(static_cast<int>(job))));
}

std::string SqliteStore::text(JobSeq job) {
  std::string text;
  must(connection().rows(
      "text", "SELECT record FROM results WHERE seq = ?1",
      [&](const store::Statement& row) { text = row.text(0); }, job));
  return text.empty() ? text : field(connection(), text, "text");
}

OutcomeClass SqliteStore::ended_as(JobSeq job, std::size_t n) {
  std::string name;
  must(connection().rows(
      "class", "SELECT class FROM attempts WHERE seq = ?1 ORDER BY number LIMIT 1 OFFSET ?2",
      [&](const store::Statement& row) { name = row.text(0); }, job,
      static_cast<std::int64_t>(n) - 1));
  const auto at = std::find(outcome_class_names.begin(), outcome_class_names.end(), name);
  REQUIRE(at != outcome_class_names.end());
  return static_cast<OutcomeClass>(at - outcome_class_names.begin());
}

std::size_t SqliteStore::ended_count(JobSeq job) {
  return static_cast<std::size_t>(query(connection(), "SELECT count(*) FROM attempts WHERE seq = " +
                                                          std::to_string(static_cast<int>(job))));
}

}  // namespace ratebatch::store_test
