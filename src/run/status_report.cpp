#include "ratebatch/run/status_report.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "ratebatch/quota/quota_monitor.hpp"
#include "ratebatch/run/eta.hpp"

namespace ratebatch::run {
namespace {

// Exit codes of a run that was stopped from outside (128 + SIGINT, 128 + SIGTERM).
constexpr std::int32_t exit_interrupted = 130;
constexpr std::int32_t exit_terminated = 143;

// A job that a dead run left running was sent, and nobody knows what became of it.
store::JobCounts corrected(store::JobCounts jobs, bool alive) {
  if (alive) return jobs;
  auto& running = jobs.by_state[static_cast<std::size_t>(JobState::running)];
  jobs.by_state[static_cast<std::size_t>(JobState::unknown)] += std::exchange(running, 0);
  return jobs;
}

std::map<std::string, store::JobCounts> jobs_by_model(const store::StatusData& data,
                                                      const Config& config, bool alive) {
  std::map<std::string, store::JobCounts> by_model;
  for (const store::StoredRoute& route : data.routes) {
    const auto counts = data.counts.routes.find(route.id);
    auto model = find_job_model(config, route.type, route.model);
    if (model && counts != data.counts.routes.end()) {
      by_model[model->name] += corrected(counts->second, alive);
    }
  }
  return by_model;
}

// What is stored was true when the run wrote it: waits run out, and nobody works without a run.
// Then what limits and waits remember holds: the next run waits for it too.
LaneStatus status_now(const LaneStatus& stored, const LaneStatus& remembered, bool alive,
                      WallTime now) {
  const auto waits = [&](const LaneStatus& status) {
    const bool stands = status.state == LaneState::waiting || status.state == LaneState::paused;
    return stands && (!status.until || *status.until > now);
  };
  if (!alive && needs_person(stored.state)) return stored;
  if (!alive) return waits(remembered) ? remembered : LaneStatus{};
  const bool waited = stored.state == LaneState::waiting || stored.state == LaneState::paused;
  if (waited && !waits(stored)) return {LaneState::running, "", std::nullopt};
  return stored.state == LaneState::idle ? LaneStatus{} : stored;
}

// The lanes of the last run, and those that the next one will have besides.
std::vector<LaneReport> lane_reports(const StatusReport& report, const QuotaPicture* quota) {
  std::vector<store::StoredLane> stored = report.data.lanes;
  std::set<std::string> known;
  for (const store::StoredLane& lane : stored) known.insert(lane.model);
  if (quota != nullptr) {
    for (const LaneSettings& lane : quota->lanes.lanes) {
      if (!known.insert(lane.model).second) continue;
      stored.push_back({lane.model, quota->lanes.pools[index_of(lane.pool)].provider, {}});
    }
  }
  std::vector<LaneReport> lanes;
  for (const store::StoredLane& each : stored) {
    LaneReport lane;
    lane.model = each.model;
    lane.provider = each.provider;
    LaneStatus remembered;
    if (const auto id = quota == nullptr ? std::nullopt : quota->lane_of(each.model)) {
      const LaneQuota& view = quota->quotas[index_of(*id)];
      remembered = view.status;
      lane.critical = view.critical;
      lane.concurrency = view.concurrency;
      lane.limits = shown_limits(quota->lanes, *id, view.limits);
      lane.keys = view.keys;
    }
    lane.status = status_now(each.status, remembered, report.data.live_run.has_value(), report.now);
    lanes.push_back(std::move(lane));
  }
  return lanes;
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
  const bool alive = report.data.live_run.has_value();
  if (alive && report.jobs.of(JobState::running) > 0) return OverallState::running;
  if (all_with_work(report.lanes, is_paused)) return OverallState::paused;
  const bool waits = all_with_work(report.lanes, stands_still);
  if (alive) return waits ? OverallState::waiting : OverallState::running;
  if (report.data.last_run) {
    const store::PastRun& last = *report.data.last_run;
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

// When all will be done. Which lane had how much of the rate is not stored: each gets its share by
// what is left to do.
std::optional<Eta> forecast(const StatusReport& report, const QuotaPicture* quota) {
  const store::StatusData& data = report.data;
  if (!data.live_run || !data.jobs_per_minute) return std::nullopt;
  const bool has_lanes = quota != nullptr && !report.lanes.empty() &&
                         std::all_of(report.lanes.begin(), report.lanes.end(),
                                     [](const LaneReport& lane) { return lane.jobs.has_value(); });
  if (!has_lanes) {
    return eta_of({report.jobs.open(), *data.jobs_per_minute, report.bottleneck, {}}, report.now);
  }
  const UsePerJob use = use_per_job(data.counts.calls, ended(report.jobs));
  const auto all = static_cast<double>(std::max<std::int64_t>(report.jobs.open(), 1));
  std::optional<Eta> last = Eta{report.now, 0};
  for (const LaneReport& lane : report.lanes) {
    EtaLane each;
    each.open = lane.jobs->open();
    each.per_minute = *data.jobs_per_minute * static_cast<double>(each.open) / all;
    each.status = lane.status;
    if (const auto id = quota->lane_of(lane.model)) {
      each.windows = eta_windows(quota->lanes, *id, quota->quotas[index_of(*id)].limits, use);
    }
    last = later_of(last, eta_of(each, report.now));
  }
  return last;
}

}  // namespace

std::optional<LaneId> QuotaPicture::lane_of(std::string_view model) const {
  for (std::size_t i = 0; i < lanes.lanes.size(); ++i) {
    if (lanes.lanes[i].model == model) return LaneId{static_cast<std::int32_t>(i)};
  }
  return std::nullopt;
}

Result<QuotaPicture> picture_of(const Config& config, const std::vector<store::StoredRoute>& routes,
                                const VariableNames& variables,
                                const std::vector<StoredState>& states, Now now) {
  RB_TRY(catalog, catalog_without_keys(config, routes, variables));
  QuotaPicture picture;
  picture.lanes = std::move(catalog->lanes);
  quota::QuotaOptions options;
  options.slow_at_per_mille = config.slow_at_per_mille;
  options.warn_at_per_mille = config.warn_at_per_mille;
  const quota::QuotaMonitor monitor{picture.lanes, options, now, states};
  for (std::size_t i = 0; i < picture.lanes.lanes.size(); ++i) {
    picture.quotas.push_back(monitor.view(now, LaneId{static_cast<std::int32_t>(i)}));
  }
  return picture;
}

std::string_view to_string(OverallState state) {
  constexpr std::array<std::string_view, 6> names = {"running", "waiting",  "paused",
                                                     "idle",    "complete", "interrupted"};
  return names[static_cast<std::size_t>(state)];
}

StatusReport make_status_report(store::StatusData data, const std::optional<Config>& config,
                                const QuotaPicture* quota, std::string db, WallTime now) {
  StatusReport report;
  const bool alive = data.live_run.has_value();
  report.db = std::move(db);
  report.now = now;
  report.jobs = corrected(data.counts.jobs(), alive);
  report.data = std::move(data);
  report.lanes = lane_reports(report, quota);
  if (config) {
    const auto by_model = jobs_by_model(report.data, *config, alive);
    for (LaneReport& lane : report.lanes) {
      const auto jobs = by_model.find(lane.model);
      lane.jobs = jobs == by_model.end() ? store::JobCounts{} : jobs->second;
    }
  }
  report.state = state_of(report);
  find_bottleneck(report);
  if (const auto eta = forecast(report, quota)) {
    report.eta = std::max(eta->finish_at - now, Duration{});
    report.eta_pauses = eta->pauses;
  }
  return report;
}

}  // namespace ratebatch::run
