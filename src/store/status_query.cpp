// What `status` shows, read from the tables: a handful of rows, and at most recent_results_max
// results.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/store/checkpoint_reader.hpp"
#include "store/counter_ledger.hpp"
#include "store/run_lock.hpp"
#include "store/small_tables.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {
namespace {

constexpr const char* status_reading = "read the status";

// The value at `per_mille` of the sorted values, by nearest rank. Precondition: not empty.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, std::size_t per_mille) {
  const std::size_t rank = (sorted.size() * per_mille + 999) / 1000;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

Result<void> read_runs(Connection& connection, std::optional<std::int64_t> holder,
                       StatusData& status) {
  if (holder) status.live_run.emplace().pid = *holder;
  bool is_latest = true;
  return connection.rows(status_reading,
                         "SELECT pid, started_ms, workers, ended_ms, exit_code, reason FROM runs"
                         " ORDER BY id DESC LIMIT 2",
                         [&](const Statement& row) {
                           PastRun run{.pid = row.integer(0),
                                       .started = row.time(1),
                                       .workers = static_cast<std::int32_t>(row.integer(2)),
                                       .ended = row.maybe_time(3),
                                       .exit_code = std::nullopt,
                                       .reason = row.text(5)};
                           if (run.ended) run.exit_code = static_cast<std::int32_t>(row.integer(4));
                           const bool is_alive = std::exchange(is_latest, false) && holder &&
                                                 !run.ended && (*holder == run.pid || *holder == 0);
                           if (is_alive) {
                             status.live_run->started = run.started;
                             status.live_run->workers = run.workers;
                           } else if (!status.last_run) {
                             status.last_run = std::move(run);
                           }
                         });
}

LaneState lane_state(const std::string& name) {
  for (const LaneState state :
       {LaneState::running, LaneState::waiting, LaneState::paused, LaneState::tripped,
        LaneState::no_key, LaneState::slowed, LaneState::stopped}) {
    if (to_string(state) == name) return state;
  }
  return LaneState::idle;
}

StoredLane stored_lane(const Statement& row) {
  return {row.text(0), row.text(1), {lane_state(row.text(2)), row.text(3), row.maybe_time(4)}};
}

Downloads stored_downloads(const Statement& row) {
  Downloads downloads{.waiting = row.integer(0), .next_try = {}, .failure = row.text(2)};
  if (row.integer(1) > 0) downloads.next_try = row.time(1);
  return downloads;
}

TypeTotals type_totals(const Statement& row) {
  TypeTotals totals{.type = row.text(0), .done = row.integer(1), .failed = row.integer(2)};
  const auto answers = static_cast<double>(row.integer(3));
  if (answers == 0) return totals;
  totals.avg_input_tokens = row.real(4) / answers;
  totals.avg_output_tokens = row.real(5) / answers;
  return totals;
}

Result<void> read_recent(Connection& connection, StatusData& status) {
  std::vector<std::int64_t> latencies;
  std::vector<std::int64_t> finished;
  const auto take = [&](const Statement& row) {
    finished.push_back(row.integer(0));
    if (row.integer(2) == 0) latencies.push_back(row.integer(1));
  };
  RB_TRY(read, connection.rows(status_reading,
                               "SELECT finished_ms, latency_ms, failed FROM results"
                               " ORDER BY id DESC LIMIT ?1",
                               take, recent_results_max));
  if (!latencies.empty()) {
    std::sort(latencies.begin(), latencies.end());
    status.latency = Latency{percentile(latencies, 500), percentile(latencies, 950)};
  }
  // Sorted, because the wall clock may have been set back.
  std::sort(finished.begin(), finished.end());
  if (finished.empty()) return {};
  const std::int64_t from_ms = finished.back() - to_ms(recent_rate_window);
  const auto first = std::lower_bound(finished.begin(), finished.end(), from_ms);
  const std::int64_t span_ms = finished.back() - *first;
  if (span_ms == 0) return {};
  const auto intervals = static_cast<double>(finished.end() - first - 1);
  status.jobs_per_minute = intervals * 60'000.0 / static_cast<double>(span_ms);
  return {};
}

}  // namespace

Result<StatusData> CheckpointReader::status() {
  const std::optional<std::int64_t> holder = RunLock::holder(path_);
  Connection& connection = *connection_;
  RB_TRY(transaction, Transaction::begin_read(connection));
  StatusData status;
  RB_TRY(stamp, read_stamp(connection));
  RB_TRY(counts, read_counts(connection));
  RB_TRY(changed,
         connection.integer(
             status_reading,
             "SELECT coalesce(sum(results), 0) FROM recipes"
             " WHERE id NOT IN (SELECT recipe_id FROM routes WHERE recipe_id IS NOT NULL)"));
  RB_TRY(routes, read_routes(connection));
  RB_TRY(states, read_states(connection));
  RB_TRY(runs, read_runs(connection, holder, status));
  RB_TRY(lanes, connection.list(status_reading,
                                "SELECT model, provider, state, reason, until_ms FROM lanes"
                                " WHERE in_run = 1 ORDER BY id",
                                stored_lane));
  RB_TRY(downloads,
         connection.first(status_reading,
                          "SELECT count(*) OVER (), min(coalesce(ready_at_ms, 0)) OVER (), message"
                          " FROM fetches LEFT JOIN attempts"
                          " ON attempts.seq = fetches.seq AND number = attempt"
                          " ORDER BY coalesce(message, '') = '', tries DESC LIMIT 1",
                          stored_downloads));
  RB_TRY(failures, connection.list(status_reading,
                                   "SELECT class, jobs FROM failure_counts WHERE jobs > 0"
                                   " ORDER BY jobs DESC, class",
                                   [](const Statement& row) {
                                     return FailureCount{row.text(0), row.integer(1)};
                                   }));
  RB_TRY(types, connection.list(
                    status_reading,
                    "SELECT type, total(done), total(failed), total(answers), total(input_tokens),"
                    " total(output_tokens) FROM routes"
                    " LEFT JOIN route_totals AS totals ON totals.route_id = routes.id"
                    " LEFT JOIN (SELECT route_id, sum(jobs) FILTER (WHERE state = 5) AS done,"
                    " sum(jobs) FILTER (WHERE state = 6) AS failed"
                    " FROM state_counts GROUP BY route_id) AS jobs"
                    " ON jobs.route_id = routes.id GROUP BY type ORDER BY type",
                    type_totals));
  RB_TRY(recent, read_recent(connection, status));
  status.stamp = std::move(*stamp);
  status.counts = std::move(*counts);
  status.changed = *changed;
  status.routes = std::move(*routes);
  status.states = std::move(*states);
  status.lanes = std::move(*lanes);
  status.downloads = std::move(*downloads);
  status.failures = std::move(*failures);
  status.types = std::move(*types);
  return status;
}

}  // namespace ratebatch::store
