#include "cli/plan_report.hpp"

#include "ratebatch/json/writer.hpp"
#include "ratebatch/run/status_json.hpp"

namespace ratebatch::cli {
namespace {

using Json = json::OrderedJson;

double seconds_of(Duration d) { return std::chrono::duration<double>(d).count(); }

Json cost_json(std::int64_t pico_usd, bool has_price) {
  return has_price ? Json(static_cast<double>(pico_usd) / 1e12) : Json(nullptr);
}

Json tokens_json(const Usage& usage) {
  return {{"input", usage.input_tokens}, {"output", usage.output_tokens}};
}

Json deadline_json(const std::optional<run::DeadlineCheck>& check) {
  if (!check) return nullptr;
  Json json = {{"met", check->met},
               {"reachable", check->reachable},
               {"workers", check->workers ? Json(*check->workers) : Json(nullptr)}};
  json["limits"] = Json::array();
  for (const run::LimitNeed& need : check->limits) {
    json["limits"].push_back(
        {{"limit", need.limit}, {"amount", need.amount}, {"needed", need.needed}});
  }
  return json;
}

Json lane_json(const run::PlanLane& lane, const run::LaneAssumption& assumption) {
  Json json = {{"model", lane.model},
               {"jobs", lane.jobs},
               {"done", lane.done},
               {"failed", lane.failed},
               {"finished_after_seconds", seconds_of(lane.finished_after)},
               {"pauses", lane.pauses}};
  json["seconds"] = Json::object();
  for (const run::Activity activity :
       {run::Activity::working, run::Activity::paced, run::Activity::paused, run::Activity::idle}) {
    json["seconds"][std::string{run::to_string(activity)}] = seconds_of(lane.time(activity));
  }
  json["tokens"] = tokens_json(lane.usage);
  json["images"] = lane.usage.images;
  json["cost_usd"] = cost_json(lane.cost_pico_usd, lane.has_price);
  json["latency_seconds"] = seconds_of(assumption.latency);
  json["assumed"] = assumption.is_assumed;
  return json;
}

}  // namespace

std::string plan_json(const run::Plan& plan, const run::PlanInput& input,
                      const PlanFindings& findings) {
  Json json = {{"schema_version", run::json_schema_version}, {"message_type", "plan"}};
  json["variant"] = findings.variant.empty() ? Json(nullptr) : Json(findings.variant);
  json["workers"] = plan.workers;
  json["jobs"] = plan.jobs;
  json["complete"] = plan.complete;
  json["finish_at"] = plan.complete ? Json(format_utc(plan.finish_at)) : Json(nullptr);
  json["seconds"] = seconds_of(plan.takes);
  json["pauses"] = plan.pauses;
  json["bottleneck"] = plan.bottleneck.empty() ? Json(nullptr) : Json(plan.bottleneck);
  json["failed"] = plan.failed;
  json["tokens"] = tokens_json(plan.usage);
  json["images"] = plan.usage.images;
  json["cost_usd"] = cost_json(plan.cost_pico_usd, plan.has_price);
  json["workers_needed"] = findings.workers_needed ? Json(*findings.workers_needed) : Json(nullptr);
  json["deadline"] = deadline_json(findings.deadline);
  json["lanes"] = Json::array();
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    if (plan.lanes[i].jobs == 0) continue;
    json["lanes"].push_back(lane_json(plan.lanes[i], input.assumptions[i]));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ratebatch::cli
