// The JSON lines of a status, of progress and of a summary.
#include "ratebatch/run/json_line.hpp"
#include "ratebatch/run/progress.hpp"
#include "ratebatch/run/run_summary.hpp"
#include "ratebatch/run/status_report.hpp"

namespace ratebatch::run {
namespace {

template <typename T, typename ToJson>
JsonLine list_json(const std::vector<T>& values, const ToJson& to_json) {
  JsonLine json = JsonLine::array();
  for (const T& value : values) json.push_back(to_json(value));
  return json;
}

// Without prices nobody knows what calls cost.
JsonLine cost_json(const store::CallCounts& calls) {
  if (calls.cost_pico_usd == 0 && calls.sent > 0) return nullptr;
  return static_cast<double>(calls.cost_pico_usd) / 1e12;
}

JsonLine ratio_json(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return nullptr;
  return static_cast<double>(part) / static_cast<double>(whole);
}

JsonLine jobs_json(const store::JobCounts& jobs) {
  JsonLine json = {{"total", jobs.total()}};
  for (const JobState state : all_job_states) json[std::string{to_string(state)}] = jobs.of(state);
  json["truncated"] = jobs.truncated;
  return json;
}

JsonLine lane_jobs_json(const store::JobCounts& jobs) {
  return {{"pending", jobs.of(JobState::pending)},
          {"running", jobs.of(JobState::running)},
          {"done", jobs.of(JobState::done)},
          {"failed", jobs.of(JobState::failed)}};
}

JsonLine calls_json(const store::CallCounts& calls) {
  return {{"sent", calls.sent}, {"resent", calls.resent}, {"rate_limited", calls.rate_limited}};
}

JsonLine tokens_json(const store::CallCounts& calls) {
  return {{"input", calls.input_tokens}, {"output", calls.output_tokens}};
}

JsonLine eta_json(const std::optional<Duration>& eta, std::int64_t pauses,
                  const std::optional<WallTime>& deadline, WallTime now) {
  if (!eta) return nullptr;
  return {{"finish_at", format_utc(now + *eta)},
          {"pauses", pauses},
          {"deadline_met", deadline ? JsonLine(now + *eta <= *deadline) : JsonLine(nullptr)}};
}

JsonLine run_json(const std::optional<store::LiveRun>& run) {
  if (!run) return nullptr;
  return {{"pid", run->pid > 0 ? JsonLine(run->pid) : JsonLine(nullptr)},
          {"started_at", or_null(run->started)},
          {"workers", run->workers}};
}

JsonLine last_run_json(const std::optional<store::PastRun>& run) {
  if (!run) return {{"ended_at", nullptr}, {"exit_code", nullptr}, {"reason", nullptr}};
  return {{"ended_at", or_null(run->ended)},
          {"exit_code", or_null(run->exit_code)},
          {"reason", run->ended ? JsonLine(run->reason) : JsonLine("died")}};
}

JsonLine limit_json(const LimitView& limit) {
  return {{"limit", limit.limit},
          {"used", limit.used},
          {"max", limit.max},
          {"threshold", limit.threshold},
          {"resets_at", or_null(limit.resets_at)}};
}

// One entry per key: those of a group share its limits.
void add_keys(JsonLine& json, const KeyView& group) {
  const JsonLine limits = list_json(group.limits, limit_json);
  for (const std::string& key : group.keys) {
    json.push_back({{"key", key},
                    {"group", group.group},
                    {"state", to_string(group.status.state)},
                    {"reason", or_null(group.status.reason)},
                    {"until", or_null(group.status.until)},
                    {"limits", limits}});
  }
}

JsonLine lane_json(const LaneReport& lane) {
  JsonLine json = {
      {"model", lane.model},
      {"provider", lane.provider},
      {"state", to_string(lane.status.state)},
      {"reason", or_null(lane.status.reason)},
      {"until", or_null(lane.status.until)},
      {"critical", lane.critical},
      {"in_flight", lane.jobs ? JsonLine(lane.jobs->of(JobState::running)) : JsonLine(nullptr)},
      {"concurrency", or_null(lane.concurrency)},
      {"jobs", lane.jobs ? lane_jobs_json(*lane.jobs) : JsonLine(nullptr)},
      {"limits",
       list_json(lane.limits, [](const ShownLimit& limit) { return limit_json(limit.view); })},
      {"keys", JsonLine::array()}};
  for (const KeyView& group : lane.keys) add_keys(json["keys"], group);
  return json;
}

JsonLine type_json(const store::TypeTotals& type) {
  return {{"type", or_null(type.type)},
          {"done", type.done},
          {"failed", type.failed},
          {"avg_input_tokens", type.avg_input_tokens},
          {"avg_output_tokens", type.avg_output_tokens}};
}

JsonLine failure_json(const store::FailureCount& failure) {
  return {{"class", failure.outcome_class}, {"count", failure.jobs}};
}

JsonLine wait_json(const TimeWaited& wait) {
  return {{"model", wait.model},
          {"reason", or_null(wait.reason)},
          {"seconds", json_seconds(wait.total)}};
}

JsonLine lane_progress_json(const LaneProgress& lane) {
  return {{"model", lane.model},
          {"state", to_string(lane.status.state)},
          {"reason", or_null(lane.status.reason)},
          {"until", or_null(lane.status.until)},
          {"in_flight", lane.in_flight},
          {"jobs", lane_jobs_json(lane.jobs)},
          {"jobs_per_minute", lane.per_minute}};
}

JsonLine downloads_json(const std::optional<store::Downloads>& downloads) {
  if (!downloads) return nullptr;
  return {{"waiting", downloads->waiting},
          {"next_try_at", or_null(downloads->next_try)},
          {"message", or_null(downloads->failure)}};
}

JsonLine bottleneck_json(const StatusReport& report) {
  if (report.bottleneck_model.empty()) return nullptr;
  return report.bottleneck.reason + " of " + report.bottleneck_model;
}

JsonLine latency_json(const std::optional<store::Latency>& latency) {
  if (!latency) return nullptr;
  return {{"p50", latency->p50_ms}, {"p95", latency->p95_ms}};
}

}  // namespace

std::string status_json(const StatusReport& report) {
  const store::StatusData& data = report.data;
  JsonLine json = json_message("status");
  json["db"] = report.db;
  json["sandbox"] = data.stamp.sandbox;
  json["state"] = to_string(report.state);
  json["reason"] = or_null(report.bottleneck.reason);
  json["until"] = or_null(report.bottleneck.until);
  json["bottleneck"] = bottleneck_json(report);
  json["run"] = run_json(data.live_run);
  json["last_run"] = last_run_json(data.last_run);
  json["jobs"] = jobs_json(report.jobs);
  json["jobs"]["changed"] = report.data.changed;
  json["calls"] = calls_json(data.counts.calls);
  json["success_rate"] = ratio_json(report.jobs.of(JobState::done), ended(report.jobs));
  json["latency_ms"] = latency_json(data.latency);
  json["tokens"] = tokens_json(data.counts.calls);
  json["cost_usd"] = cost_json(data.counts.calls);
  json["jobs_per_minute"] = or_null(data.jobs_per_minute);
  json["eta"] = eta_json(report.eta, report.eta_pauses, std::nullopt, report.now);
  json["types"] = list_json(data.types, type_json);
  json["lanes"] = list_json(report.lanes, lane_json);
  json["failures"] = list_json(data.failures, failure_json);
  json["downloads"] = downloads_json(data.downloads);
  return json::written(json);
}

std::string quota_json(const StatusReport& report) {
  JsonLine json = json_message("quota");
  json["db"] = report.db;
  json["sandbox"] = report.data.stamp.sandbox;
  json["lanes"] = list_json(report.lanes, lane_json);
  return json::written(json);
}

std::string progress_json(const Progress& progress, WallTime now) {
  JsonLine json = json_message("progress");
  json["at"] = format_utc(now);
  json["sandbox"] = progress.sandbox;
  json["jobs"] = jobs_json(progress.jobs);
  json["jobs_per_minute"] = progress.per_minute;
  json["eta"] = eta_json(progress.eta, progress.eta_pauses, progress.deadline, now);
  json["workers"] = progress.workers;
  json["in_flight"] = progress.in_flight;
  json["lanes"] = list_json(progress.lanes, lane_progress_json);
  return json::written(json);
}

std::string summary_json(const RunSummary& summary) {
  const store::JobCounts before = summary.before.jobs();
  const store::JobCounts after = summary.after.jobs();
  const store::CallCounts calls = summary.after.calls - summary.before.calls;
  const std::int64_t done = after.of(JobState::done) - before.of(JobState::done);
  const std::int64_t failed = after.of(JobState::failed) - before.of(JobState::failed);
  JsonLine json = json_message("summary");
  json["db"] = summary.db;
  json["sandbox"] = summary.sandbox;
  json["reason"] = summary.reason;
  json["seconds"] = json_seconds(summary.took);
  json["jobs"] = jobs_json(after);
  json["run"] = {
      {"done", done}, {"failed", failed}, {"success_rate", ratio_json(done, done + failed)}};
  json["calls"] = calls_json(calls);
  json["tokens"] = tokens_json(calls);
  json["cost_usd"] = cost_json(calls);
  json["words"] = or_null(summary.words);
  json["quota"] = {{"pauses", summary.pauses}, {"warnings", summary.warnings}};
  json["waits"] = list_json(summary.waits, wait_json);
  json["longest_recovery_seconds"] = summary.longest_recovery
                                         ? JsonLine(json_seconds(*summary.longest_recovery))
                                         : JsonLine(nullptr);
  json["files_written"] = summary.files_written;
  json["output"] = or_null(summary.output);
  json["exit_code"] = summary.exit_code;
  return json::written(json);
}

std::string failed_job_json(const store::JobRow& job) {
  JsonLine json = json_message("job");
  json["id"] = job.id;
  json["type"] = or_null(job.type);
  json["model"] = or_null(job.model);
  json["state"] = to_string(job.state);
  json["attempts"] = job.attempts;
  json["class"] = or_null(job.outcome_class);
  json["http_status"] = job.http_status == 0 ? JsonLine(nullptr) : JsonLine(job.http_status);
  json["message"] = or_null(job.message);
  json["file"] = job.file;
  json["line"] = job.line;
  return json::written(json);
}

}  // namespace ratebatch::run
