// Puts jobs that came to an end back in the queue.
#include "ratebatch/base/assert.hpp"
#include "store/sqlite_checkpoint_parts.hpp"

namespace ratebatch::store {
namespace {

constexpr const char* requeueing = "put jobs back in the queue";

Result<void> choose_by_state(Connection& connection, const RequeueFilter& filter) {
  return connection.run(
      requeueing,
      "INSERT OR IGNORE INTO temp.chosen SELECT seq FROM states WHERE"
      " (?1 AND state = 6) OR (?2 AND state IN (3, 4)) OR (?3 AND state = 5 AND truncated = 1)",
      filter.failed, filter.unknown, filter.truncated);
}

Result<void> choose_by_class(Connection& connection, const RequeueFilter& filter) {
  Statement choose(
      connection, requeueing,
      "INSERT OR IGNORE INTO temp.chosen SELECT results.seq FROM results"
      " JOIN attempts ON attempts.seq = results.seq AND attempts.number = results.attempt"
      " WHERE results.failed = 1 AND attempts.class = ?1");
  for (const std::string& name : filter.outcome_classes) {
    RB_TRY(chosen, choose.run(name));
  }
  return {};
}

Result<void> choose_by_recipe(Connection& connection, const RequeueFilter& filter) {
  Statement choose(
      connection, requeueing,
      "INSERT OR IGNORE INTO temp.chosen SELECT seq FROM states JOIN results USING (seq)"
      " JOIN recipes ON recipes.id = results.recipe_id"
      " WHERE states.route_id = ?1 AND states.state = 5 AND recipes.hash <> ?2");
  for (const Recipe& recipe : filter.changed) {
    RB_TRY(chosen, choose.run(recipe.route, recipe.hash));
  }
  return {};
}

Result<void> choose_by_id(Connection& connection, const RequeueFilter& filter,
                          RequeueSummary& summary) {
  Statement find(connection, requeueing,
                 "SELECT seq, state FROM jobs JOIN states USING (seq) WHERE id = ?1");
  Statement choose(connection, requeueing, "INSERT OR IGNORE INTO temp.chosen VALUES (?1)");
  const auto seq_and_state = [](const Statement& row) {
    return std::pair{row.id<JobSeq>(0), row.id<JobState>(1)};
  };
  for (const std::string& id : filter.ids) {
    RB_TRY(found, find.first(seq_and_state, id));
    if (!*found) {
      summary.ids_not_found.push_back(id);
      continue;
    }
    const auto [seq, state] = **found;
    if (is_legal(state, JobState::pending) && state != JobState::running) {
      RB_TRY(chosen, choose.run(seq));
    } else {
      summary.ids_open.push_back(id);
    }
  }
  return {};
}

// Counts the chosen jobs out of their states, before anything of them changes.
Result<void> count_chosen(Connection& connection, CounterLedger& ledger, RequeueSummary& summary) {
  const auto count = [&](const Statement& row) {
    const auto route = row.id<RouteId>(0);
    const auto state = row.id<JobState>(1);
    const std::int64_t jobs = row.integer(2);
    summary.requeued.by_state[static_cast<std::size_t>(state)] += jobs;
    if (state == JobState::unknown) return;
    RB_ASSERT(is_legal(state, JobState::pending));
    ledger.move_jobs(route, state, JobState::pending, jobs);
    ledger.add_truncated(route, -row.integer(3));
  };
  RB_TRY(counted, connection.rows(requeueing,
                                  "SELECT route_id, state, count(*), sum(truncated) FROM states"
                                  " WHERE seq IN temp.chosen GROUP BY 1, 2",
                                  count));
  return connection.rows(
      requeueing,
      "SELECT attempts.class, count(*) FROM results"
      " JOIN attempts ON attempts.seq = results.seq AND attempts.number = results.attempt"
      " WHERE results.failed = 1 AND results.seq IN temp.chosen GROUP BY 1",
      [&](const Statement& row) { ledger.add_failures(row.text(0), -row.integer(1)); });
}

Result<RequeueSummary> requeue_jobs(Connection& connection, CounterLedger& ledger,
                                    const RequeueFilter& filter) {
  RequeueSummary summary;
  RB_TRY(empty, connection.execute(requeueing,
                                   "CREATE TEMP TABLE IF NOT EXISTS chosen"
                                   " (seq INTEGER PRIMARY KEY); DELETE FROM temp.chosen"));
  RB_TRY(by_state, choose_by_state(connection, filter));
  RB_TRY(by_class, choose_by_class(connection, filter));
  RB_TRY(by_recipe, choose_by_recipe(connection, filter));
  RB_TRY(by_id, choose_by_id(connection, filter, summary));
  RB_TRY(counted, count_chosen(connection, ledger, summary));
  // Unknown jobs stay unknown: what they sent may have been paid. A failure without an answer
  // goes; one beside the answer of an earlier time leaves that answer.
  RB_TRY(requeued,
         connection.execute(
             requeueing,
             "DELETE FROM results WHERE record IS NULL AND seq IN temp.chosen;"
             "UPDATE results SET failed = 0, failure = NULL WHERE failed = 1"
             " AND seq IN temp.chosen;"
             "UPDATE states SET state = CASE state WHEN 3 THEN 3 ELSE 0 END, retries_used = 0,"
             " unknowns = 0, rejections = 0, truncated = 0, ready_at_ms = NULL,"
             " finished_at_ms = NULL WHERE seq IN temp.chosen;"
             "DELETE FROM temp.chosen"));
  return summary;
}

}  // namespace

Result<RequeueSummary> SqliteCheckpoint::requeue(const RequeueFilter& filter) {
  auto& database = *parts_->database;
  return database.store([&] { return requeue_jobs(database.connection, database.ledger, filter); });
}

}  // namespace ratebatch::store
