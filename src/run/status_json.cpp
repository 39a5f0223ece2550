#include "ratebatch/run/status_json.hpp"

#include "ratebatch/json/writer.hpp"

namespace ratebatch::run {
namespace {

using Json = json::OrderedJson;

Json message(std::string_view type) {
  return {{"schema_version", json_schema_version}, {"message_type", type}};
}

// Bytes that are not UTF-8 are replaced: a server may send anything.
std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json time_json(const std::optional<WallTime>& at) {
  return at ? Json(format_utc(*at)) : Json(nullptr);
}

Json text_json(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// Without prices nobody knows what calls cost.
Json cost_json(const store::CallCounts& calls) {
  if (calls.cost_pico_usd == 0 && calls.sent > 0) return nullptr;
  return static_cast<double>(calls.cost_pico_usd) / 1e12;
}

Json ratio_json(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return nullptr;
  return static_cast<double>(part) / static_cast<double>(whole);
}

Json jobs_json(const store::JobCounts& jobs) {
  Json json = {{"total", jobs.total()}};
  for (const JobState state : all_job_states) json[std::string{to_string(state)}] = jobs.of(state);
  json["truncated"] = jobs.truncated;
  return json;
}

Json lane_jobs_json(const store::JobCounts& jobs) {
  return {{"pending", jobs.of(JobState::pending)},
          {"running", jobs.of(JobState::running)},
          {"done", jobs.of(JobState::done)},
          {"failed", jobs.of(JobState::failed)}};
}

Json calls_json(const store::CallCounts& calls) {
  return {{"sent", calls.sent}, {"resent", calls.resent}, {"rate_limited", calls.rate_limited}};
}

Json tokens_json(const store::CallCounts& calls) {
  return {{"input", calls.input_tokens}, {"output", calls.output_tokens}};
}

Json eta_json(const std::optional<Duration>& eta, std::int64_t pauses,
              const std::optional<WallTime>& deadline, WallTime now) {
  if (!eta) return nullptr;
  return {{"finish_at", format_utc(now + *eta)},
          {"pauses", pauses},
          {"deadline_met", deadline ? Json(now + *eta <= *deadline) : Json(nullptr)}};
}

Json run_json(const std::optional<store::LiveRun>& run) {
  if (!run) return nullptr;
  return {{"pid", run->pid > 0 ? Json(run->pid) : Json(nullptr)},
          {"started_at", time_json(run->started)},
          {"workers", run->workers}};
}

Json last_run_json(const std::optional<store::PastRun>& run) {
  if (!run) return {{"ended_at", nullptr}, {"exit_code", nullptr}, {"reason", nullptr}};
  return {{"ended_at", time_json(run->ended)},
          {"exit_code", run->exit_code ? Json(*run->exit_code) : Json(nullptr)},
          {"reason", run->ended ? Json(run->reason) : Json("died")}};
}

Json limit_json(const LimitView& limit) {
  return {{"limit", limit.limit},
          {"used", limit.used},
          {"max", limit.max},
          {"threshold", limit.threshold},
          {"resets_at", time_json(limit.resets_at)}};
}

// One entry per key: those of a group share its limits.
void add_keys(Json& json, const KeyView& group) {
  Json limits = Json::array();
  for (const LimitView& limit : group.limits) limits.push_back(limit_json(limit));
  for (const std::string& key : group.keys) {
    json.push_back({{"key", key},
                    {"group", group.group},
                    {"state", to_string(group.status.state)},
                    {"reason", text_json(group.status.reason)},
                    {"until", time_json(group.status.until)},
                    {"limits", limits}});
  }
}

Json lane_json(const LaneReport& lane) {
  Json json = {{"model", lane.model},
               {"provider", lane.provider},
               {"state", to_string(lane.status.state)},
               {"reason", text_json(lane.status.reason)},
               {"until", time_json(lane.status.until)},
               {"critical", lane.critical},
               {"in_flight", lane.jobs ? Json(lane.jobs->of(JobState::running)) : Json(nullptr)}};
  json["concurrency"] = lane.concurrency ? Json(*lane.concurrency) : Json(nullptr);
  json["jobs"] = lane.jobs ? lane_jobs_json(*lane.jobs) : Json(nullptr);
  json["limits"] = Json::array();
  for (const ShownLimit& limit : lane.limits) json["limits"].push_back(limit_json(limit.view));
  json["keys"] = Json::array();
  for (const KeyView& group : lane.keys) add_keys(json["keys"], group);
  return json;
}

Json types_json(const store::StatusData& data) {
  Json json = Json::array();
  for (const store::TypeTotals& type : data.types) {
    json.push_back({{"type", text_json(type.type)},
                    {"done", type.done},
                    {"failed", type.failed},
                    {"avg_input_tokens", type.avg_input_tokens},
                    {"avg_output_tokens", type.avg_output_tokens}});
  }
  return json;
}

Json downloads_json(const std::optional<store::Downloads>& downloads) {
  if (!downloads) return nullptr;
  return {{"waiting", downloads->waiting},
          {"next_try_at", time_json(downloads->next_try)},
          {"message", text_json(downloads->failure)}};
}

Json failures_json(const store::StatusData& data) {
  Json json = Json::array();
  for (const store::FailureCount& failure : data.failures) {
    json.push_back({{"class", failure.outcome_class}, {"count", failure.jobs}});
  }
  return json;
}

Json bottleneck_json(const StatusReport& report) {
  if (report.bottleneck_model.empty()) return nullptr;
  return report.bottleneck.reason + " of " + report.bottleneck_model;
}

Json latency_json(const std::optional<store::Latency>& latency) {
  if (!latency) return nullptr;
  return {{"p50", latency->p50_ms}, {"p95", latency->p95_ms}};
}

Json waits_json(const RunSummary& summary) {
  Json json = Json::array();
  for (const TimeWaited& wait : summary.waits) {
    json.push_back({{"model", wait.model},
                    {"reason", text_json(wait.reason)},
                    {"seconds", static_cast<double>(to_ms(wait.total)) / 1000}});
  }
  return json;
}

store::CallCounts minus(const store::CallCounts& a, const store::CallCounts& b) {
  return {a.sent - b.sent,
          a.resent - b.resent,
          a.rate_limited - b.rate_limited,
          a.input_tokens - b.input_tokens,
          a.output_tokens - b.output_tokens,
          a.images - b.images,
          a.cost_pico_usd - b.cost_pico_usd};
}

}  // namespace

std::string status_json(const StatusReport& report) {
  const store::StatusData& data = report.data;
  Json json = message("status");
  json["db"] = report.db;
  json["sandbox"] = data.stamp.sandbox;
  json["state"] = to_string(report.state);
  json["reason"] = text_json(report.bottleneck.reason);
  json["until"] = time_json(report.bottleneck.until);
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
  json["jobs_per_minute"] = data.jobs_per_minute ? Json(*data.jobs_per_minute) : Json(nullptr);
  json["eta"] = eta_json(report.eta, report.eta_pauses, std::nullopt, report.now);
  json["types"] = types_json(data);
  json["lanes"] = Json::array();
  for (const LaneReport& lane : report.lanes) json["lanes"].push_back(lane_json(lane));
  json["failures"] = failures_json(data);
  json["downloads"] = downloads_json(data.downloads);
  return dumped(json);
}

std::string quota_json(const StatusReport& report) {
  Json json = message("quota");
  json["db"] = report.db;
  json["sandbox"] = report.data.stamp.sandbox;
  json["lanes"] = Json::array();
  for (const LaneReport& lane : report.lanes) json["lanes"].push_back(lane_json(lane));
  return dumped(json);
}

std::string progress_json(const Progress& progress, WallTime now) {
  Json json = message("progress");
  json["at"] = format_utc(now);
  json["sandbox"] = progress.sandbox;
  json["jobs"] = jobs_json(progress.jobs);
  json["jobs_per_minute"] = progress.per_minute;
  json["eta"] = eta_json(progress.eta, progress.eta_pauses, progress.deadline, now);
  json["workers"] = progress.workers;
  json["in_flight"] = progress.in_flight;
  json["lanes"] = Json::array();
  for (const LaneProgress& lane : progress.lanes) {
    json["lanes"].push_back({{"model", lane.model},
                             {"state", to_string(lane.status.state)},
                             {"reason", text_json(lane.status.reason)},
                             {"until", time_json(lane.status.until)},
                             {"in_flight", lane.in_flight},
                             {"jobs", lane_jobs_json(lane.jobs)},
                             {"jobs_per_minute", lane.per_minute}});
  }
  return dumped(json);
}

std::string summary_json(const RunSummary& summary) {
  const store::JobCounts before = summary.before.jobs();
  const store::JobCounts after = summary.after.jobs();
  const store::CallCounts calls = minus(summary.after.calls, summary.before.calls);
  const std::int64_t done = after.of(JobState::done) - before.of(JobState::done);
  const std::int64_t failed = after.of(JobState::failed) - before.of(JobState::failed);
  Json json = message("summary");
  json["db"] = summary.db;
  json["sandbox"] = summary.sandbox;
  json["reason"] = summary.reason;
  json["seconds"] = static_cast<double>(to_ms(summary.took)) / 1000;
  json["jobs"] = jobs_json(after);
  json["run"] = {
      {"done", done}, {"failed", failed}, {"success_rate", ratio_json(done, done + failed)}};
  json["calls"] = calls_json(calls);
  json["tokens"] = tokens_json(calls);
  json["cost_usd"] = cost_json(calls);
  json["words"] = text_json(summary.words);
  json["quota"] = {{"pauses", summary.pauses}, {"warnings", summary.warnings}};
  json["waits"] = waits_json(summary);
  json["longest_recovery_seconds"] =
      summary.longest_recovery ? Json(static_cast<double>(to_ms(*summary.longest_recovery)) / 1000)
                               : Json(nullptr);
  json["files_written"] = summary.files_written;
  json["output"] = summary.output ? Json(*summary.output) : Json(nullptr);
  json["exit_code"] = summary.exit_code;
  return dumped(json);
}

std::string error_json(std::string_view text, int exit_code) {
  Json json = message("error");
  json["message"] = text;
  json["exit_code"] = exit_code;
  return dumped(json);
}

std::string failed_job_json(const store::JobRow& job) {
  Json json = message("job");
  json["id"] = job.id;
  json["type"] = text_json(job.type);
  json["model"] = text_json(job.model);
  json["state"] = to_string(job.state);
  json["attempts"] = job.attempts;
  json["class"] = text_json(job.outcome_class);
  json["http_status"] = job.http_status == 0 ? Json(nullptr) : Json(job.http_status);
  json["message"] = text_json(job.message);
  json["file"] = job.file;
  json["line"] = job.line;
  return dumped(json);
}

}  // namespace ratebatch::run
