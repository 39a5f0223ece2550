#include "store/result_writer.hpp"

#include "ratebatch/base/assert.hpp"

namespace ratebatch::store {

std::string metadata_of(const Statement& row, int column) {
  const std::string_view line = row.text_view(column);
  const auto at = static_cast<std::size_t>(row.integer(column + 1));
  RB_ASSERT(at <= line.size());
  return std::string(line.substr(at, static_cast<std::size_t>(row.integer(column + 2))));
}

Result<std::int64_t> ResultWriter::next_id() {
  if (last_id_ == 0) {
    RB_TRY(last, connection_.integer("read results", "SELECT coalesce(max(id), 0) FROM results"));
    last_id_ = *last;
  }
  return ++last_id_;
}

Result<void> ResultWriter::write_answer(const Key& key, const OldResult& old,
                                        std::optional<std::int64_t> recipe,
                                        const std::string& record) {
  Result<void> written;
  if (old.exists) written = drop_answer_.run(key.job);
  if (!written) return written;
  RB_TRY(id, next_id());
  written =
      add_answer_.run(*id, key.job, key.attempt, recipe, key.finished_ms, key.latency_ms, record);
  if (!written) return written;
  if (old.recipe) ledger_.add_recipe_results(*old.recipe, -1);
  if (recipe) ledger_.add_recipe_results(*recipe, 1);
  return {};
}

Result<void> ResultWriter::write_failure(const Key& key, const std::string& failure) {
  RB_TRY(id, next_id());
  auto written =
      turn_to_failure_.run(*id, key.job, key.attempt, key.finished_ms, key.latency_ms, failure);
  if (!written || connection_.changes() == 1) return written;
  return add_failure_.run(*id, key.job, key.attempt, key.finished_ms, key.latency_ms, failure);
}

Result<void> ResultWriter::forget_failure(JobSeq job) {
  auto done =
      find_failure_.rows([&](const Statement& row) { ledger_.add_failures(row.text(0), -1); }, job);
  if (done) done = drop_failure_.run(job);
  if (done) done = keep_answer_.run(job);
  return done;
}

}  // namespace ratebatch::store
