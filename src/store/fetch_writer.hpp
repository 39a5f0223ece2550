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

class FetchWriter {
 public:
  FetchWriter(Connection& connection, CounterLedger& ledger, ResultWriter& results)
      : connection_(connection), ledger_(ledger), results_(results) {}

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

  StatementMaker prepare_{connection_, "store a download"};
  StatementMaker prepare_read_{connection_, "read a download"};
  Statement add_ = prepare_(
      "INSERT INTO fetches (seq, attempt, tries, recipe_id, latency_ms, truncated, links, files,"
      " content) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8)");
  Statement find_kept_ = prepare_(
      "SELECT jobs.id, jobs.line_json, jobs.metadata_at, jobs.metadata_bytes, states.route_id,"
      " lanes.model, fetches.recipe_id, fetches.latency_ms, fetches.truncated, fetches.files,"
      " fetches.content, results.seq, results.recipe_id"
      " FROM fetches CROSS JOIN jobs ON jobs.seq = fetches.seq"
      " CROSS JOIN states ON states.seq = fetches.seq"
      " CROSS JOIN attempts ON attempts.seq = fetches.seq AND attempts.number = fetches.attempt"
      " CROSS JOIN lanes ON lanes.id = attempts.lane_id"
      " LEFT JOIN results ON results.seq = fetches.seq"
      " WHERE fetches.seq = ?1 AND fetches.attempt = ?2");
  Statement note_try_ = prepare_(
      "UPDATE fetches SET tries = ?3, ready_at_ms = ?4"
      " WHERE seq = ?1 AND attempt = ?2 AND tries IN (?3 - 1, ?3)");
  Statement find_stored_ = prepare_(
      "SELECT 1 FROM states LEFT JOIN fetches USING (seq) WHERE seq = ?1 AND attempts = ?2"
      " AND state = ?4 AND CASE state WHEN 2 THEN tries = ?3 ELSE finished_at_ms = ?5 END");
  Statement finish_job_ = prepare_(
      "UPDATE states SET state = ?3, truncated = ?4, finished_at_ms = ?5"
      " WHERE seq = ?1 AND state = 2 AND attempts = ?2");
  // What has become of the attempt: `status` and lists of failures look there.
  Statement note_attempt_ =
      prepare_("UPDATE attempts SET class = ?3, message = ?4 WHERE seq = ?1 AND number = ?2");
  Statement drop_ = prepare_("DELETE FROM fetches WHERE seq = ?1");
  Statement read_job_ = prepare_read_(
      "SELECT id, json_array_length(files) FROM fetches JOIN jobs USING (seq) WHERE seq = ?1");
  Statement read_links_ = prepare_read_(
      "SELECT value FROM fetches, json_each(fetches.links) WHERE seq = ?1 ORDER BY key");
};

// All jobs that are fetching, by sequence.
Result<std::vector<FetchingJob>> read_fetching_jobs(Connection& connection);

}  // namespace ratebatch::store
