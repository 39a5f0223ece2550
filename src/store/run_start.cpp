// The beginning of a run in the database: names become rows, and what a dead run left is settled.
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/model/job.hpp"
#include "store/fetch_writer.hpp"
#include "store/small_tables.hpp"
#include "store/sqlite_checkpoint_parts.hpp"

namespace ratebatch::store {
namespace {

constexpr const char* beginning = "begin a run";

// Executes `sql`, which returns one row with one integer.
template <typename... Values>
Result<std::int64_t> returned_row(Statement& statement, const Values&... values) {
  RB_TRY(id, statement.first([](const Statement& row) { return row.integer(0); }, values...));
  if (!*id) return fail(ErrorCode::io, "cannot begin a run: the database returned no row");
  return **id;
}

Result<void> add_names(Connection& connection, const RunStart& start, RunRows& rows) {
  RB_TRY(done, connection.execute(beginning, "UPDATE lanes SET in_run = 0"));
  Statement lane(
      connection, beginning,
      "INSERT INTO lanes (model, provider, in_run, state, reason) VALUES (?1, ?2, 1, ?3, '')"
      " ON CONFLICT (model, provider) DO UPDATE"
      " SET in_run = 1, state = excluded.state, reason = '', until_ms = NULL RETURNING id");
  // Updates the name to itself, because only a changed row is returned.
  Statement key(connection, beginning,
                "INSERT INTO keys (name) VALUES (?1)"
                " ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id");
  for (const LaneSettings& settings : start.lanes.lanes) {
    RB_ASSERT(index_of(settings.pool) < start.lanes.pools.size());
    RB_TRY(id,
           returned_row(lane, settings.model, start.lanes.pools[index_of(settings.pool)].provider,
                        to_string(LaneState::idle)));
    rows.lanes.push_back({*id, settings.model});
  }
  for (const KeyEntry& entry : start.lanes.keys) {
    RB_TRY(id, returned_row(key, entry.name));
    rows.keys.push_back(*id);
  }
  return {};
}

Result<void> add_recipes(Connection& connection, const RunStart& start, RunRows& rows) {
  Statement add(connection, beginning,
                "INSERT INTO recipes (hash, json, results) VALUES (?1, ?2, 0)"
                " ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash RETURNING id");
  Statement use(connection, beginning, "UPDATE routes SET recipe_id = ?2 WHERE id = ?1");
  for (const Recipe& recipe : start.recipes) {
    RB_TRY(id, returned_row(add, recipe.hash, recipe.json));
    RB_TRY(used, use.run(recipe.route, *id));
    rows.recipes[recipe.route] = *id;
  }
  return {};
}

// Jobs that a dead run left running, by what becomes of them. Returns how many there were.
Result<std::int64_t> settle_running(Connection& connection, CounterLedger& ledger,
                                    const RunStart& start) {
  const bool hold = start.on_unknown == UnknownPolicy::hold;
  std::int64_t found = 0;
  const auto count = [&](const Statement& row) {
    const JobState to = row.integer(1) != 0 ? JobState::held : JobState::unknown;
    ledger.move_jobs(row.id<RouteId>(0), JobState::running, to, row.integer(2));
    found += row.integer(2);
  };
  RB_TRY(counted, connection.rows(beginning,
                                  "SELECT route_id, ?1 OR unknowns + 1 >= ?2, count(*) FROM states"
                                  " WHERE state = 1 GROUP BY 1, 2",
                                  count, hold, unknown_times_max));
  RB_TRY(recorded,
         connection.run(
             beginning,
             "INSERT INTO attempts SELECT seq, attempts, lane_id, key_id, started_at_ms, ?1, ?2, 0,"
             " 1, 0, 0, 0, 0, '', 'the run ended before an answer was stored', 0 FROM states"
             " WHERE state = 1",
             to_ms(start.at), to_string(OutcomeClass::unknown)));
  RB_TRY(settled,
         connection.run(
             beginning,
             "UPDATE states SET state = CASE WHEN ?1 OR unknowns + 1 >= ?2 THEN 4 ELSE 3 END,"
             " unknowns = unknowns + 1, started_at_ms = NULL, lane_id = NULL, key_id = NULL"
             " WHERE state = 1",
             hold, unknown_times_max));
  return found;
}

// Jobs that are unknown since an earlier run and may not be tried again.
Result<void> hold_unknown(Connection& connection, CounterLedger& ledger, const RunStart& start) {
  const bool hold = start.on_unknown == UnknownPolicy::hold;
  const auto count = [&](const Statement& row) {
    ledger.move_jobs(row.id<RouteId>(0), JobState::unknown, JobState::held, row.integer(1));
  };
  RB_TRY(counted, connection.rows(beginning,
                                  "SELECT route_id, count(*) FROM states WHERE state = 3"
                                  " AND (?1 OR unknowns >= ?2) GROUP BY 1",
                                  count, hold, unknown_times_max));
  return connection.run(beginning,
                        "UPDATE states SET state = 4 WHERE state = 3 AND (?1 OR unknowns >= ?2)",
                        hold, unknown_times_max);
}

// Fills `rows` with what the run's ids mean.
Result<RunBegun> open_run(Connection& connection, CounterLedger& ledger, const RunStart& start,
                          RunRows& rows) {
  RunBegun begun;
  RB_TRY(named, add_names(connection, start, rows));
  RB_TRY(added, add_recipes(connection, start, rows));
  RB_TRY(routes, read_routes(connection));
  for (StoredRoute& route : *routes) rows.types[route.id] = std::move(route.type);

  // Without such jobs (the counters know) neither step reads a million rows.
  const JobCounts jobs = ledger.counts().jobs();
  if (jobs.of(JobState::unknown) > 0) {
    RB_TRY(held, hold_unknown(connection, ledger, start));
  }
  if (jobs.of(JobState::running) > 0) {
    RB_TRY(found, settle_running(connection, ledger, start));
    begun.found_unknown = *found;
  }
  if (jobs.of(JobState::fetching) > 0) {
    RB_TRY(fetches, read_fetching_jobs(connection));
    begun.fetches = std::move(*fetches);
  }
  RB_TRY(run, connection.run(beginning,
                             "INSERT INTO runs (pid, started_ms, workers) VALUES (?1, ?2, ?3)",
                             start.pid, to_ms(start.at), start.workers));
  rows.run = connection.last_row_id();
  RB_TRY(states, read_states(connection));
  begun.states = std::move(*states);
  return begun;
}

}  // namespace

Result<RunBegun> SqliteCheckpoint::begin_run(const RunStart& start) {
  RB_ASSERT(!parts_->run);
  auto& database = *parts_->database;
  RunRows rows;
  rows.sandbox = parts_->stamp.sandbox;
  auto begun =
      database.store([&] { return open_run(database.connection, database.ledger, start, rows); });
  if (begun) parts_->run = std::move(rows);
  return begun;
}

}  // namespace ratebatch::store
