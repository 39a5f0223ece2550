// Writes and reads the table `fetches`: answers that are paid and stored, and announced files that
// are not all here.
//
// `add` and `write` are called inside the transaction of a commit. Connection, ledger and result
// writer must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "store/counter_ledger.hpp"
#include "store/result_writer.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

struct RunRows;

class FetchWriter {
 public:
  FetchWriter(Connection& connection, CounterLedger& ledger, ResultWriter& results)
      : connection_(connection), ledger_(ledger), results_(results) {}
  Result<void> prepare();

  // Keeps an answer until its files are here. Precondition: it has links.
  Result<void> add(const AttemptEnd& end, std::optional<std::int64_t> recipe,
                   std::int64_t latency_ms);

  // Writes the end of a try. One that is stored already changes nothing; one that fits nothing that
  // is stored is our bug: assertion.
  Result<void> write(const FetchEnd& end, const RunRows& rows);

  // What is to be fetched for a job. Precondition: it is fetching.
  Result<StoredFetch> read(JobSeq job);

 private:
  // The answer as `add` kept it, and what its result will say of the job.
  struct Kept {
    std::string id;
    RouteId route{};
    std::string model;
    std::string metadata_json;
    std::optional<std::int64_t> recipe;
    std::int64_t latency_ms = 0;
    bool truncated = false;
    std::string files_json;
    std::string content;
    OldResult old;
  };

  Result<void> write_retry(const FetchEnd& end);
  Result<std::optional<Kept>> find_kept(const FetchEnd& end);
  Result<void> check_stored(const FetchEnd& end);
  Result<void> write_result(const FetchEnd& end, const Kept& kept, const RunRows& rows);

  Connection& connection_;
  CounterLedger& ledger_;
  ResultWriter& results_;

  Statement add_;
  Statement find_kept_;
  Statement note_try_;
  Statement find_stored_;
  Statement finish_job_;
  Statement note_attempt_;
  Statement drop_;
  Statement read_job_;
  Statement read_links_;
};

// All jobs that are fetching, by sequence.
Result<std::vector<FetchingJob>> read_fetching_jobs(Connection& connection);

}  // namespace ratebatch::store
