// Writes the batches of a run: guarded changes of job states, attempts, results, limits and lanes.
//
// Called inside the transaction of a commit. Counters are collected in the ledger, which the caller
// saves; both must outlive the writer, and so must the connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "store/counter_ledger.hpp"
#include "store/sqlite.hpp"

namespace ratebatch {

// The rows behind the ids of a run.
struct RunRows {
  std::int64_t run = 0;
  std::vector<std::int64_t> lanes;  // By LaneId.
  std::vector<std::int64_t> keys;   // By KeyId.
  std::map<RouteId, std::int64_t> recipes;
};

class BatchWriter {
 public:
  static Result<std::unique_ptr<BatchWriter>> make(Connection& connection, CounterLedger& ledger);

  // Writes all of it. A change that is stored already changes nothing; one that fits neither the
  // state it names nor what is stored is our bug: assertion.
  Result<void> write(const Batch& batch, const RunRows& rows);

 private:
  // A job, before a change of it.
  struct Before {
    RouteId route{};
    JobState state{};
    std::int64_t attempts = 0;
    std::int64_t started_ms = 0;
    std::int64_t lane = 0;
    std::int64_t key = 0;
    std::optional<std::int64_t> old_recipe;  // Of the answer that is stored, if one is.
  };

  BatchWriter(Connection& connection, CounterLedger& ledger)
      : connection_(connection), ledger_(ledger) {}
  Result<void> prepare();

  Result<void> write_end(const AttemptEnd& end, const RunRows& rows);
  Result<void> write_start(const AttemptStart& start, const RunRows& rows);
  Result<Before> read_before(JobSeq job);
  Result<bool> is_end_stored(const AttemptEnd& end);
  Result<bool> is_start_stored(const AttemptStart& start);
  Result<void> write_attempt(const AttemptEnd& end, const Before& before);
  Result<void> write_answer(const AttemptEnd& end, const Before& before, const RunRows& rows);
  Result<void> write_failure(const AttemptEnd& end, const Before& before);
  void count_end(const AttemptEnd& end, RouteId route);

  Connection& connection_;
  CounterLedger& ledger_;
  // Larger than any id in the database. Not given back by a rollback: ids only have to grow.
  std::int64_t next_result_ = 1;

  Statement read_before_;
  Statement end_job_;
  Statement start_job_;
  Statement find_end_;
  Statement find_start_;
  Statement add_attempt_;
  Statement add_answer_;
  Statement turn_to_failure_;
  Statement add_failure_;
  Statement set_limit_;
  Statement set_lane_;
};

}  // namespace ratebatch
