// What the tests of the store share: a folder of their own, short ways to make jobs and batches,
// and two stores with the same face, so that one suite runs on both.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"
#include "store/sqlite.hpp"
#include "support/fake_checkpoint.hpp"

namespace ratebatch::store {

// The one who may look inside; see sqlite_checkpoint.hpp.
struct SqliteCheckpointProbe {
  static Connection& connection(SqliteCheckpoint& checkpoint);
};

}  // namespace ratebatch::store

namespace ratebatch::store_test {

using namespace store;

// A new folder, removed with everything in it by destruction.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::vector<std::string> names() const;  // Of the files in it, sorted.

 private:
  std::string path_;
};

std::string bytes_of(const std::string& file);
void write_file(const std::string& file, const std::string& bytes);

// The value, or the test stops here with the error's message.
void must(const Result<void>& result);
template <typename T>
T must(Result<T> result) {
  must(result ? Result<void>{} : Result<void>{tl::unexpected<Error>(result.error())});
  return std::move(*result);
}

// Runs `body` in a child process; true if it died of an assertion. No checkpoint may be open.
bool asserts(const std::function<void()>& body);

// Runs `body` in a child process and returns what it returned (0 to 127). Likewise.
int in_child(const std::function<int()>& body);

// Second `n` of the tests' time.
WallTime second(std::int64_t n);

store::NewJob new_job(const std::string& id, const std::string& type = "bio",
                      std::int64_t priority = 0);
store::RunStart run_start(UnknownPolicy policy = UnknownPolicy::retry);  // Two lanes, two keys.

AttemptStart start_of(JobSeq job, std::int32_t attempt, JobState from = JobState::pending,
                      std::int64_t at_second = 100);
AttemptEnd end_of(JobSeq job, std::int32_t attempt, JobState to, OutcomeClass kind,
                  std::int64_t at_second = 101);
AttemptEnd answer_of(JobSeq job, std::int32_t attempt, const std::string& text,
                     std::int64_t at_second = 101);
// An answer that announces one file.
AttemptEnd link_of(JobSeq job, std::int32_t attempt, const std::string& url,
                   std::int64_t at_second = 101);
// The end of a try to fetch it; `tries` counts it.
FetchEnd fetch_end_of(JobSeq job, std::int32_t attempt, JobState to, std::int32_t tries,
                      std::int64_t at_second = 110);
Batch fetches(std::vector<FetchEnd> list);
Batch starts(std::vector<AttemptStart> list);
Batch ends(std::vector<AttemptEnd> list);

// A result line's field, as text; empty where it has none. Precondition: the line is JSON.
std::string field(store::Connection& connection, const std::string& line, const std::string& path);

// The first integer that a query returns.
std::int64_t query(store::Connection& connection, const std::string& sql);

// The lines of all results behind `cursor`.
std::vector<std::string> result_lines(store::CheckpointReader& reader, store::ResultOrder order,
                                      std::int64_t cursor = 0);

// Counts by counting rows, to compare with the counters.
store::Counts counted(store::Connection& connection);

// A checkpoint with the lives of a program over it. `open` begins a new life (the one before, if
// any, dies as by kill -9); `run` begins a run in it.
class FakeStore {
 public:
  void load(const std::vector<store::NewJob>& jobs);
  store::Checkpoint& open();
  store::Checkpoint& run(UnknownPolicy policy = UnknownPolicy::retry);
  void die() { life_.reset(); }
  // Makes the next commit find no room.
  void fill_disk() { life_->fail_commit(1); }
  void free_disk() {}
  JobState state(JobSeq job) { return data_.at(job).state; }
  std::string text(JobSeq job) { return data_.at(job).text; }
  // Of the nth attempt that ended, from 1.
  OutcomeClass ended_as(JobSeq job, std::size_t n) { return data_.at(job).ended.at(n - 1).kind; }
  std::size_t ended_count(JobSeq job) { return data_.at(job).ended.size(); }
  std::int32_t fetch_tries(JobSeq job) { return data_.at(job).fetch_tries; }
  store::Counts count_rows() { return data_.counts; }

 private:
  FakeCheckpointData data_;
  std::unique_ptr<FakeCheckpoint> life_;
};

class SqliteStore {
 public:
  void load(const std::vector<store::NewJob>& jobs);
  store::SqliteCheckpoint& open();
  store::SqliteCheckpoint& run(UnknownPolicy policy = UnknownPolicy::retry);
  void die() { life_.reset(); }
  void fill_disk();
  void free_disk();
  JobState state(JobSeq job);
  std::string text(JobSeq job);
  OutcomeClass ended_as(JobSeq job, std::size_t n);
  std::size_t ended_count(JobSeq job);
  store::Counts count_rows() { return counted(connection()); }

  store::Connection& connection() { return SqliteCheckpointProbe::connection(*life_); }
  [[nodiscard]] const TempDir& folder() const { return folder_; }
  [[nodiscard]] std::string path() const { return folder_.file("ratebatch.db"); }

 private:
  TempDir folder_;
  std::unique_ptr<store::SqliteCheckpoint> life_;
};

}  // namespace ratebatch::store_test

TYPE_TO_STRING(ratebatch::store_test::FakeStore);
TYPE_TO_STRING(ratebatch::store_test::SqliteStore);
