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

// Whether a job has an answer from an earlier time, and by which recipe.
struct OldResult {
  bool exists = false;
  std::optional<std::int64_t> recipe;
};

class ResultWriter {
 public:
  ResultWriter(Connection& connection, CounterLedger& ledger)
      : connection_(connection), ledger_(ledger) {}
  Result<void> prepare();

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

 private:
  Connection& connection_;
  CounterLedger& ledger_;
  // Larger than any id in the database. Not given back by a rollback: ids only have to grow.
  std::int64_t next_id_ = 1;

  Statement add_answer_;
  Statement drop_answer_;
  Statement turn_to_failure_;
  Statement add_failure_;
};

}  // namespace ratebatch::store
