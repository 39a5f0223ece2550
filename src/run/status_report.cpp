#include "ratebatch/run/status_report.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace ratebatch {
namespace {

// Exit codes of a run that was stopped from outside (128 + SIGINT, 128 + SIGTERM).
constexpr std::int32_t exit_interrupted = 130;
constexpr std::int32_t exit_terminated = 143;

// A job that a dead run left running was sent, and nobody knows what became of it.
JobCounts corrected(JobCounts jobs, bool alive) {
  if (alive) return jobs;
  auto& running = jobs.by_state[static_cast<std::size_t>(JobState::running)];
  jobs.by_state[static_cast<std::size_t>(JobState::unknown)] += std::exchange(running, 0);
  return jobs;
}

void add(JobCounts& sum, const JobCounts& counts) {
  for (std::size_t i = 0; i < job_state_count; ++i) sum.by_state[i] += counts.by_state[i];
  sum.truncated += counts.truncated;
}

std::map<std::string, JobCounts> jobs_by_model(const StatusData& data, const Config& config,
                                               bool alive) {
  std::map<std::string, JobCounts> by_model;
  for (const StoredRoute& route : data.routes) {
    const auto counts = data.counts.routes.find(route.id);
    auto model = find_job_model(config, route.type, route.model);
    if (model && counts != data.counts.routes.end()) {
      add(by_model[model->name], corrected(counts->second, alive));
    }
  }
  return by_model;
}

// What is stored was true when the run wrote it: waits run out, and nobody works without a run.
// The next run does not wait for what the last one waited for: it starts afresh.
LaneStatus status_now(const LaneStatus& stored, bool alive, WallTime now) {
  if (!alive) return {};
  const bool over = stored.until && *stored.until <= now;
  switch (stored.state) {
    case LaneState::idle:
      return {};
    case LaneState::running:
    case LaneState::tripped:
    case LaneState::no_key:
      return stored;
    case LaneState::waiting:
    case LaneState::paused:
      return over ? LaneStatus{LaneState::running, "", std::nullopt} : stored;
  }
  return stored;
}

void add_settings(LaneReport& lane, const Config& config) {
  const auto model = config.models.find(lane.model);
  if (model != config.models.end()) lane.limits = model->second.limits;
  const auto provider = config.providers.find(lane.provider);
  if (provider == config.providers.end()) return;
  for (const KeySource& key : provider->second.keys) lane.keys.push_back(key.name);
}

bool has_work(const LaneReport& lane) { return !lane.jobs || lane.jobs->open() > 0; }

bool all_with_work(const std::vector<LaneReport>& lanes, const auto& condition) {
  bool any = false;
  for (const LaneReport& lane : lanes) {
    if (!has_work(lane) || lane.status.state == LaneState::idle) continue;
    if (!condition(lane.status.state)) return false;
    any = true;
  }
  return any;
}

OverallState state_of(const StatusReport& report) {
  if (report.jobs.total() == 0) return OverallState::idle;
  if (report.jobs.open() == 0) {
    return report.jobs.of(JobState::held) > 0 ? OverallState::idle : OverallState::complete;
  }
  const auto is_paused = [](LaneState s) { return s == LaneState::paused; };
  const auto stands_still = [](LaneState s) { return s != LaneState::running; };
  if (report.data.live_run) {
    if (report.jobs.of(JobState::running) > 0) return OverallState::running;
    if (all_with_work(report.lanes, is_paused)) return OverallState::paused;
    return all_with_work(report.lanes, stands_still) ? OverallState::waiting
                                                     : OverallState::running;
  }
  if (report.data.last_run) {
    const PastRun& last = *report.data.last_run;
    const std::int32_t code = last.exit_code.value_or(0);
    if (!last.ended || code == exit_interrupted || code == exit_terminated) {
      return OverallState::interrupted;
    }
  }
  return OverallState::idle;
}

// The lane that goes on last among those with work that wait for a known moment.
void find_bottleneck(StatusReport& report) {
  for (const LaneReport& lane : report.lanes) {
    if (!has_work(lane) || !lane.status.until) continue;
    if (report.bottleneck.until && *report.bottleneck.until >= *lane.status.until) continue;
    report.bottleneck = lane.status;
    report.bottleneck_model = lane.model;
  }
}

}  // namespace

std::string_view to_string(OverallState state) {
  constexpr std::array<std::string_view, 6> names = {"running", "waiting",  "paused",
                                                     "idle",    "complete", "interrupted"};
  return names[static_cast<std::size_t>(state)];
}

StatusReport make_status_report(StatusData data, const std::optional<Config>& config,
                                std::string db, WallTime now) {
  StatusReport report;
  const bool alive = data.live_run.has_value();
  report.db = std::move(db);
  report.now = now;
  report.jobs = corrected(data.counts.jobs(), alive);
  std::map<std::string, JobCounts> by_model;
  if (config) by_model = jobs_by_model(data, *config, alive);
  for (const StoredLane& stored : data.lanes) {
    LaneReport lane{
        stored.model, stored.provider, status_now(stored.status, alive, now), std::nullopt, {}, {}};
    if (config) lane.jobs = by_model[stored.model];
    if (config) add_settings(lane, *config);
    report.lanes.push_back(std::move(lane));
  }
  report.data = std::move(data);
  report.state = state_of(report);
  find_bottleneck(report);
  if (alive && report.data.jobs_per_minute) {
    report.eta = eta_of(report.jobs, *report.data.jobs_per_minute, report.bottleneck, now);
  }
  return report;
}

}  // namespace ratebatch
