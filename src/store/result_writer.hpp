// Results: the line of JSON that `results` prints of each, made once, when it is stored; and the
// rows of the table, which hold answers, and failures beside the answers of earlier times.
//
// The fields of a line and their order are those of run/results.hpp. The writer is called inside
// the transaction of a commit; connection and ledger must outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "store/counter_ledger.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// What a record says beside the outcome.
struct RecordNames {
  std::string_view id;
  std::string_view type;  // Empty: none.
  std::string_view model;
  std::string_view metadata_json;  // Of the job, on one line; empty: none.
  bool sandbox = false;
};

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

  // For the record of a result.
  [[nodiscard]] RecordNames names(RouteId route, std::string_view id, std::string_view model,
                                  std::string_view metadata_json) const;
};

// Precondition: `end.to` is done, with an answer, or failed. A failure contains the answer that was
// refused, if it has one.
std::string result_record(const AttemptEnd& end, const RecordNames& names);

// What a record says of an answer but its files: fields in JSON, without braces. To be kept until
// the files are here.
std::string answer_content(const AttemptEnd& end);

// The record of an answer whose files were fetched. `files_json`: a JSON array of those it had
// before; `content`: as answer_content said. Precondition: `end.to` is done or failed.
std::string fetched_record(const FetchEnd& end, const RecordNames& names, std::string files_json,
                           std::string_view content);

// The JSON array `list` with these strings at its end.
std::string with_strings(std::string list, const std::vector<std::string>& strings);

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
