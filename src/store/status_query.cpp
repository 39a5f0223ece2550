#include "store/status_query.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "store/counter_ledger.hpp"
#include "store/small_tables.hpp"

namespace ratebatch::store {
namespace {

constexpr const char* status_reading = "read the status";

template <typename T>
Result<void> read_into(T& member, Result<T> read) {
  if (!read) return pass(read);
  member = std::move(*read);
  return {};
}

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

Result<void> read_lanes(Connection& connection, StatusData& status) {
  auto lanes = connection.list(
      status_reading,
      "SELECT model, provider, state, reason, until_ms FROM lanes WHERE in_run = 1 ORDER BY id",
      [](const Statement& row) {
        return StoredLane{
            row.text(0), row.text(1), {lane_state(row.text(2)), row.text(3), row.maybe_time(4)}};
      });
  return read_into(status.lanes, std::move(lanes));
}

Result<void> read_downloads(Connection& connection, StatusData& status) {
  return connection.rows(status_reading,
                         "SELECT count(*) OVER (), min(coalesce(ready_at_ms, 0)) OVER (), message"
                         " FROM fetches LEFT JOIN attempts"
                         " ON attempts.seq = fetches.seq AND number = attempt"
                         " ORDER BY coalesce(message, '') = '', tries DESC LIMIT 1",
                         [&](const Statement& row) {
                           Downloads& downloads = status.downloads.emplace();
                           downloads.waiting = row.integer(0);
                           if (row.integer(1) > 0) downloads.next_try = row.time(1);
                           downloads.failure = row.text(2);
                         });
}

Result<void> read_failures(Connection& connection, StatusData& status) {
  return read_into(
      status.failures,
      connection.list(
          status_reading,
          "SELECT class, jobs FROM failure_counts WHERE jobs > 0 ORDER BY jobs DESC, class",
          [](const Statement& row) { return FailureCount{row.text(0), row.integer(1)}; }));
}

// Precondition: routes and counts are read.
Result<void> read_types(Connection& connection, StatusData& status) {
  struct Sums {
    std::int64_t answers = 0;
    std::int64_t input_tokens = 0;
    std::int64_t output_tokens = 0;
  };
  std::map<RouteId, Sums> by_route;
  auto read = connection.rows(
      status_reading, "SELECT route_id, answers, input_tokens, output_tokens FROM route_totals",
      [&](const Statement& row) {
        by_route[row.id<RouteId>(0)] = {row.integer(1), row.integer(2), row.integer(3)};
      });
  if (!read) return read;

  std::map<std::string, std::pair<JobCounts, Sums>> by_type;
  for (const StoredRoute& route : status.routes) {
    auto& [jobs, sums] = by_type[route.type];
    for (const JobState state : {JobState::done, JobState::failed}) {
      jobs.by_state[static_cast<std::size_t>(state)] += status.counts.routes[route.id].of(state);
    }
    const Sums& more = by_route[route.id];
    sums.answers += more.answers;
    sums.input_tokens += more.input_tokens;
    sums.output_tokens += more.output_tokens;
  }
  for (const auto& [type, totals] : by_type) {
    const auto& [jobs, sums] = totals;
    TypeTotals& entry = status.types.emplace_back();
    entry.type = type;
    entry.done = jobs.of(JobState::done);
    entry.failed = jobs.of(JobState::failed);
    if (sums.answers == 0) continue;
    const auto answers = static_cast<double>(sums.answers);
    entry.avg_input_tokens = static_cast<double>(sums.input_tokens) / answers;
    entry.avg_output_tokens = static_cast<double>(sums.output_tokens) / answers;
  }
  return {};
}

Result<void> read_recent(Connection& connection, StatusData& status) {
  std::vector<std::int64_t> latencies;
  std::vector<std::int64_t> finished;
  auto read = connection.rows(
      status_reading,
      "SELECT finished_ms, latency_ms, failed FROM results ORDER BY id DESC LIMIT ?1",
      [&](const Statement& row) {
        finished.push_back(row.integer(0));
        if (row.integer(2) == 0) latencies.push_back(row.integer(1));
      },
      recent_results_max);
  if (!read) return read;
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

Result<StatusData> read_status(Connection& connection, std::optional<std::int64_t> holder) {
  StatusData status;
  auto read = read_into(status.stamp, read_stamp(connection));
  if (read) read = read_into(status.counts, read_counts(connection));
  if (read) {
    read = read_into(
        status.changed,
        connection.integer(
            status_reading,
            "SELECT coalesce(sum(results), 0) FROM recipes"
            " WHERE id NOT IN (SELECT recipe_id FROM routes WHERE recipe_id IS NOT NULL)"));
  }
  if (read) read = read_into(status.routes, read_routes(connection));
  if (read) read = read_into(status.states, read_states(connection));
  if (read) read = read_runs(connection, holder, status);
  if (read) read = read_lanes(connection, status);
  if (read) read = read_downloads(connection, status);
  if (read) read = read_failures(connection, status);
  if (read) read = read_types(connection, status);
  if (read) read = read_recent(connection, status);
  if (!read) return pass(read);
  return status;
}

}  // namespace ratebatch::store
