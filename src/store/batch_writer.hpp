// Writes the batches of a run: guarded changes of job states, attempts, results, limits and lanes.
//
// Called inside the transaction of a commit. Counters are collected in the ledger, which the caller
// saves; both must outlive the writer, and so must the connection. `accept` follows a commit that
// succeeded, `discard` one that did not.
//
// What it must know of a job when its attempt ends, it keeps from the start: nobody else writes.
#pragma once

#include <cstdint>
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
#include "store/result_writer.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

class BatchWriter {
 public:
  BatchWriter(Connection& connection, CounterLedger& ledger)
      : connection_(connection),
        ledger_(ledger),
        results_(connection, ledger),
        fetches_(connection, ledger, results_) {}

  // Writes all of it. A change that is stored already changes nothing; one that fits neither the
  // state it names nor what is stored is our bug: assertion.
  Result<void> write(const Batch& batch, const RunRows& rows);
  // Writes what is to be remembered, without a run.
  Result<void> write_states(const std::vector<StoredState>& states);
  // What is to be fetched for a job. Precondition: it is fetching.
  Result<StoredFetch> fetch(JobSeq job) { return fetches_.read(job); }
  void accept();
  void discard();

  // The text of a job that the last accepted batch started; nullopt if it was taken already or
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

  Result<void> write_end(const AttemptEnd& end, const RunRows& rows);
  Result<void> write_reopened(JobSeq job);
  Result<void> write_start(const AttemptStart& start, const RunRows& rows);
  Result<RouteId> remember(const AttemptStart& start);
  Result<void> write_attempt(const AttemptEnd& end, const Running& job, const RunRows& rows);
  Result<void> write_result(const AttemptEnd& end, const Running& job, const RunRows& rows);
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

  StatementMaker prepare_{connection_, "store a batch"};
  Statement read_job_ = prepare_(
      "SELECT jobs.id, line_json, metadata_at, metadata_bytes, route_id, path"
      " FROM jobs JOIN states USING (seq) JOIN files ON files.id = file_id WHERE seq = ?1");
  Statement read_recipe_ = prepare_("SELECT recipe_id FROM results WHERE seq = ?1");
  Statement end_job_ = prepare_(
      "UPDATE states SET state = ?3, retries_used = ?4, unknowns = unknowns + ?5,"
      " ready_at_ms = ?6, truncated = ?7, finished_at_ms = ?8, rejections = ?9,"
      " started_at_ms = NULL, lane_id = NULL, key_id = NULL"
      " WHERE seq = ?1 AND state = 1 AND attempts = ?2");
  Statement start_job_ = prepare_(
      "UPDATE states SET state = 1, attempts = ?3, started_at_ms = ?4, lane_id = ?5, key_id = ?6,"
      " ready_at_ms = NULL WHERE seq = ?1 AND state = ?2 AND attempts = ?3 - 1");
  Statement find_end_ = prepare_(
      "SELECT 1 FROM attempts WHERE seq = ?1 AND number = ?2 AND class = ?3 AND ended_ms = ?4");
  Statement find_start_ = prepare_(
      "SELECT 1 FROM states WHERE seq = ?1 AND state = 1 AND attempts = ?2 AND started_at_ms = ?3"
      " UNION ALL SELECT 1 FROM attempts WHERE seq = ?1 AND number = ?2 AND started_ms = ?3");
  Statement add_attempt_ = prepare_(
      "INSERT INTO attempts (seq, number, lane_id, key_id, started_ms, ended_ms, class,"
      " http_status, sent, wait_ms, input_tokens, output_tokens, images, request_id, message,"
      " cost_pico_usd)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");
  Statement remember_ = prepare_(
      "INSERT INTO remembered VALUES (?1, ?2, ?3)"
      " ON CONFLICT DO UPDATE SET value = excluded.value");
  Statement forget_ = prepare_("DELETE FROM remembered WHERE scope = ?1 AND item = ?2");
  Statement reopen_job_ = prepare_(
      "UPDATE states SET state = 0, retries_used = 0, rejections = 0, finished_at_ms = NULL"
      " WHERE seq = ?1 AND state = 6 RETURNING route_id");
  Statement set_lane_ =
      prepare_("UPDATE lanes SET state = ?2, reason = ?3, until_ms = ?4 WHERE id = ?1");
};

}  // namespace ratebatch::store
