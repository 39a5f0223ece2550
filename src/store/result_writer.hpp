// Writes rows of `results`: answers, and failures beside the answers of earlier times.
//
// Called inside the transaction of a commit. Connection and ledger must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/job.hpp"
#include "store/counter_ledger.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// The metadata of a job, as a part of its line: from the columns line_json, metadata_at and
// metadata_bytes, of which the first is `column`.
std::string metadata_of(const Statement& row, int column);

// Whether a job has an answer from an earlier time, and by which recipe.
struct OldResult {
  bool exists = false;
  std::optional<std::int64_t> recipe;
};

class ResultWriter {
 public:
  ResultWriter(Connection& connection, CounterLedger& ledger)
      : connection_(connection), ledger_(ledger) {}

  // Of one result.
  struct Key {
    JobSeq job{};
    AttemptNumber attempt{};
    std::int64_t finished_ms = 0;
    std::int64_t latency_ms = 0;
  };

  // Puts the answer in the place of an older one, and counts their recipes.
  Result<void> write_answer(const Key& key, const OldResult& old,
                            std::optional<std::int64_t> recipe, const std::string& record);

  // The answer of an earlier time was paid for: it stays beside the failure.
  Result<void> write_failure(const Key& key, const std::string& failure);

  // The job goes back to the queue: what tells of its failure goes, and is counted out. The answer
  // of an earlier time stays.
  Result<void> forget_failure(JobSeq job);

 private:
  Result<std::int64_t> next_id();

  Connection& connection_;
  CounterLedger& ledger_;
  // The largest id in the database; 0: not read yet. Not given back by a rollback: ids only have to
  // grow.
  std::int64_t last_id_ = 0;

  StatementMaker prepare_{connection_, "store a result"};
  Statement add_answer_ = prepare_(
      "INSERT INTO results (id, seq, attempt, failed, recipe_id, finished_ms, latency_ms, record)"
      " VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7)");
  Statement drop_answer_ = prepare_("DELETE FROM results WHERE seq = ?1");
  Statement turn_to_failure_ = prepare_(
      "UPDATE results SET id = ?1, failed = 1, attempt = ?3, finished_ms = ?4, latency_ms = ?5,"
      " failure = ?6 WHERE seq = ?2");
  Statement add_failure_ = prepare_(
      "INSERT INTO results (id, seq, attempt, failed, finished_ms, latency_ms, failure)"
      " VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)");
  Statement find_failure_ = prepare_(
      "SELECT class FROM attempts WHERE seq = ?1"
      " AND number = (SELECT attempt FROM results WHERE seq = ?1)");
  Statement drop_failure_ = prepare_("DELETE FROM results WHERE seq = ?1 AND record IS NULL");
  Statement keep_answer_ = prepare_("UPDATE results SET failed = 0, failure = NULL WHERE seq = ?1");
};

}  // namespace ratebatch::store
