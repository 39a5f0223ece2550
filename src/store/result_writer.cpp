#include "store/result_writer.hpp"

namespace ratebatch::store {
namespace {

constexpr const char* result_storing = "store a result";

}  // namespace

Result<void> ResultWriter::prepare() {
  auto next =
      query_integer(connection_, "SELECT coalesce(max(id), 0) + 1 FROM results", "read results");
  if (!next) return pass(next);
  next_id_ = *next;
  return prepare_all(
      connection_,
      {{&add_answer_,
        "INSERT INTO results (id, seq, attempt, failed, recipe_id, finished_ms, latency_ms, record)"
        " VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7)",
        result_storing},
       {&drop_answer_, "DELETE FROM results WHERE seq = ?1", result_storing},
       {&turn_to_failure_,
        "UPDATE results SET id = ?1, failed = 1, attempt = ?3, finished_ms = ?4, latency_ms = ?5,"
        " failure = ?6 WHERE seq = ?2",
        result_storing},
       {&add_failure_,
        "INSERT INTO results (id, seq, attempt, failed, finished_ms, latency_ms, failure)"
        " VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)",
        result_storing}});
}

Result<void> ResultWriter::write_answer(const Key& key, const OldResult& old,
                                        std::optional<std::int64_t> recipe,
                                        const std::string& record) {
  Result<void> written;
  if (old.exists) written = drop_answer_.run(key.job);
  if (!written) return written;
  written = add_answer_.run(next_id_++, key.job, key.attempt, recipe, key.finished_ms,
                            key.latency_ms, record);
  if (!written) return written;
  if (old.recipe) ledger_.add_recipe_results(*old.recipe, -1);
  if (recipe) ledger_.add_recipe_results(*recipe, 1);
  return {};
}

Result<void> ResultWriter::write_failure(const Key& key, const std::string& failure) {
  auto written = turn_to_failure_.run(next_id_++, key.job, key.attempt, key.finished_ms,
                                      key.latency_ms, failure);
  if (!written || connection_.changes() == 1) return written;
  return add_failure_.run(next_id_++, key.job, key.attempt, key.finished_ms, key.latency_ms,
                          failure);
}

}  // namespace ratebatch::store
