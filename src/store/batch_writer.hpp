// Writes the batches of a run: guarded changes of job states, attempts, results, limits and lanes.
//
// Called inside the transaction of a commit. Counters are collected in the ledger, which the caller
// saves; both must outlive the writer, and so must the connection. `accept` follows a commit that
// succeeded, `discard` one that did not.
//
// What it must know of a job when its attempt ends, it keeps from the start: nobody else writes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "store/counter_ledger.hpp"
#include "store/fetch_writer.hpp"
#include "store/result_record.hpp"
#include "store/result_writer.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// The rows and names behind the ids of a run.
struct RunRows {
  struct LaneRow {
    std::int64_t row = 0;
    std::string model;
  };
  std::int64_t run = 0;
  std::vector<LaneRow> lanes;      // By LaneId.
  std::vector<std::int64_t> keys;  // By KeyId.
  std::map<RouteId, std::int64_t> recipes;
  std::map<RouteId, std::string> types;
  bool sandbox = false;
};

class BatchWriter {
 public:
  static Result<std::unique_ptr<BatchWriter>> make(Connection& connection, CounterLedger& ledger);

  // Writes all of it. A change that is stored already changes nothing; one that fits neither the
  // state it names nor what is stored is our bug: assertion.
  Result<void> write(const Batch& batch, const RunRows& rows);
  // Writes what is to be remembered, without a run.
  Result<void> write_states(const std::vector<StoredState>& states);
  // What is to be fetched for a job. Precondition: it is fetching.
  Result<StoredFetch> fetch(JobSeq job) { return fetches_.read(job); }
  void accept();
  void discard();

  // The text of a job that the last accepted batch started; nothing where it was taken already or
  // not started there.
  std::optional<StoredJob> take_text(JobSeq job);

 private:
  // A job whose attempt is under way.
  struct Running {
    RouteId route{};
    AttemptNumber attempt{};
    std::int64_t started_ms = 0;
    LaneId lane{};
    KeyId key{};
    std::string id;
    std::string metadata_json;
    OldResult old;
  };

  BatchWriter(Connection& connection, CounterLedger& ledger)
      : connection_(connection),
        ledger_(ledger),
        results_(connection, ledger),
        fetches_(connection, ledger, results_) {}
  Result<void> prepare();

  Result<void> write_end(const AttemptEnd& end, const RunRows& rows);
  Result<void> write_reopened(JobSeq job);
  Result<void> write_start(const AttemptStart& start, const RunRows& rows);
  Result<RouteId> remember(const AttemptStart& start);
  [[nodiscard]] const Running* running(const AttemptEnd& end) const;
  Result<bool> is_end_stored(const AttemptEnd& end);
  Result<bool> is_start_stored(const AttemptStart& start);
  Result<void> write_attempt(const AttemptEnd& end, const Running& job, const RunRows& rows);
  Result<void> write_result(const AttemptEnd& end, const Running& job, const RunRows& rows);
  static RecordNames names_of(const Running& job, const RunRows& rows);
  void count_end(const AttemptEnd& end, RouteId route);

  Connection& connection_;
  CounterLedger& ledger_;
  ResultWriter results_;
  FetchWriter fetches_;

  std::unordered_map<JobSeq, Running> running_;
  std::unordered_map<JobSeq, StoredJob> texts_;  // Of the jobs that the last batch started.
  // Of the open transaction.
  std::vector<std::pair<JobSeq, Running>> new_running_;
  std::unordered_map<JobSeq, StoredJob> new_texts_;
  std::vector<JobSeq> new_ended_;

  Statement read_job_;
  Statement read_recipe_;
  Statement end_job_;
  Statement start_job_;
  Statement find_end_;
  Statement find_start_;
  Statement add_attempt_;
  Statement remember_;
  Statement forget_;
  Statement reopen_job_;
  Statement find_failure_;
  Statement drop_failure_;
  Statement keep_answer_;
  Statement set_lane_;
};

}  // namespace ratebatch::store
