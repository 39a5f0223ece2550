#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "cli/plan_source.hpp"
#include "cli/process_rules.hpp"
#include "cli/watched_loader.hpp"
#include "ratebatch/base/system_clock.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/read_key.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/json_line.hpp"
#include "ratebatch/run/plan.hpp"

namespace ratebatch::cli {
namespace {

double seconds_of(Duration d) { return std::chrono::duration<double>(d).count(); }

run::JsonLine cost_json(std::int64_t pico_usd, bool has_price) {
  return has_price ? run::JsonLine(static_cast<double>(pico_usd) / 1e12) : run::JsonLine(nullptr);
}

run::JsonLine tokens_json(const Usage& usage) {
  return {{"input", usage.input_tokens}, {"output", usage.output_tokens}};
}

run::JsonLine deadline_json(const std::optional<run::DeadlineCheck>& check) {
  if (!check) return nullptr;
  run::JsonLine json = {{"met", check->met},
                        {"reachable", check->reachable},
                        {"workers", run::or_null(check->workers)}};
  json["limits"] = run::JsonLine::array();
  for (const run::LimitNeed& need : check->limits) {
    json["limits"].push_back(
        {{"limit", need.limit}, {"amount", need.amount}, {"needed", need.needed}});
  }
  return json;
}

run::JsonLine lane_json(const run::PlanLane& lane, const run::LaneAssumption& assumption) {
  run::JsonLine json = {{"model", lane.model},
                        {"jobs", lane.jobs},
                        {"done", lane.done},
                        {"failed", lane.failed},
                        {"finished_after_seconds", seconds_of(lane.finished_after)},
                        {"pauses", lane.pauses}};
  json["seconds"] = run::JsonLine::object();
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

// What was found out beside the plan itself.
struct PlanFindings {
  std::string variant;  // "--workers 8"; empty: as configured.
  std::optional<std::int32_t> workers_needed;
  std::optional<run::DeadlineCheck> deadline;
};

// One line without its newline.
std::string plan_json(const run::Plan& plan, const run::PlanInput& input,
                      const PlanFindings& findings) {
  run::JsonLine json = run::json_message("plan");
  json["variant"] = run::or_null(findings.variant);
  json["workers"] = plan.workers;
  json["jobs"] = plan.jobs;
  json["complete"] = plan.complete;
  json["finish_at"] =
      plan.complete ? run::JsonLine(format_utc(plan.finish_at)) : run::JsonLine(nullptr);
  json["seconds"] = seconds_of(plan.takes);
  json["pauses"] = plan.pauses;
  json["bottleneck"] = run::or_null(plan.bottleneck);
  json["failed"] = plan.failed;
  json["tokens"] = tokens_json(plan.usage);
  json["images"] = plan.usage.images;
  json["cost_usd"] = cost_json(plan.cost_pico_usd, plan.has_price);
  json["workers_needed"] = run::or_null(findings.workers_needed);
  json["deadline"] = deadline_json(findings.deadline);
  json["lanes"] = run::JsonLine::array();
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    if (plan.lanes[i].jobs == 0) continue;
    json["lanes"].push_back(lane_json(plan.lanes[i], input.assumptions[i]));
  }
  return json::written(json);
}

class Planner {
 public:
  Planner(PlanOptions options, const CommandContext& context)
      : options_(std::move(options)), context_(context) {}

  Result<ExitCode> work() {
    RB_TRY(gathered, options_.files.empty() ? from_checkpoint() : from_files());
    RB_TRY(checked, check_keys());
    input_.start = system_now();
    input_.assumptions =
        assumptions_for(catalog_, input_.jobs, data_ ? &*data_ : nullptr, options_.settings);
    if (data_) input_.stored = data_->states;
    input_.scheduler.quota.slow_at_per_mille = config_.slow_at_per_mille;
    input_.scheduler.quota.warn_at_per_mille = config_.warn_at_per_mille;
    input_.scheduler.workers = workers();
    const bool is_comparison =
        options_.settings.workers.size() > 1 || !options_.settings.waves.empty();
    return print(context_.console, is_comparison ? rows() : report());
  }

 private:
  // The rest of a checkpoint.
  Result<void> from_checkpoint() {
    RB_TRY(reader, store::CheckpointReader::open(options_.common.db));
    RB_TRY(data, (*reader)->status());
    data_ = std::move(*data);
    if (data_->stamp.sandbox) {
      RB_TRY(sandbox, sandbox::parse_sandbox_options(data_->stamp.sandbox_options));
      note_sandbox(*sandbox);
    }
    RB_TRY(found, client_settings(options_.common, data_->stamp));
    config_ = std::move(found->config);
    set_pause_at(config_, options_.pause_at_per_mille);
    std::vector<store::StoredRoute> routes = data_->routes;
    std::erase_if(routes, [&](const auto& route) { return data_->counts.open(route.id) == 0; });
    RB_TRY(catalog, run::catalog_without_keys(config_, std::move(routes), variable_names));
    catalog_ = std::move(*catalog);
    RB_TRY(jobs, open_jobs(**reader, catalog_.lanes, data_->counts));
    input_.jobs = std::move(*jobs);
    return {};
  }

  // All jobs of the files; nothing is loaded.
  Result<void> from_files() {
    RB_TRY(found, find_settings(options_.common, "", options_.files));
    set_pause_at(found->config, options_.pause_at_per_mille);
    if (options_.sandbox) {
      RB_TRY(sandbox, sandbox::parse_sandbox_options(*options_.sandbox));
      found->config = for_sandbox(std::move(found->config), *sandbox);
      note_sandbox(*sandbox);
    }
    WatchedLoader loader;
    RB_TRY(loaded, load_jobs(loader, *found, options_.files, {.csv = options_.csv}));
    config_ = std::move(found->config);
    RB_TRY(catalog, run::catalog_without_keys(config_, loader.routes(), variable_names));
    catalog_ = std::move(*catalog);
    input_.jobs = loader.jobs();
    // Of models that are switched off: their jobs wait.
    std::erase_if(input_.jobs, [&](const run::JobClass& jobs) {
      return std::ranges::count(catalog_.lanes.routes, jobs.route, &RouteSettings::route) == 0;
    });
    return {};
  }

  // How slow a stand-in is need not be assumed.
  void note_sandbox(const sandbox::SandboxOptions& sandbox) {
    is_sandbox_ = true;
    if (!options_.settings.latency && sandbox.latency > Duration{}) {
      options_.settings.latency = sandbox.latency;
    }
  }

  // A dry run fails where the run would, before it plans.
  Result<void> check_keys() const {
    if (!options_.check_keys || is_sandbox_) return {};
    hide_memory();
    for (const KeyPool& pool : catalog_.lanes.pools) {
      std::optional<Error> missing;
      const auto is_there = [&](const KeySource& source) {
        auto key = input::read_key(source, context_.environment);
        if (!key && !missing) missing = key.error();
        return key.has_value();
      };
      const bool found = std::ranges::any_of(
          run::key_sources(config_.providers.at(pool.provider), variable_names), is_there);
      if (found) continue;
      if (missing) return tl::unexpected<Error>(*missing);
      return fail(ErrorCode::no_key,
                  fmt::format("provider '{}' has no keys", escaped(pool.provider)));
    }
    return {};
  }

  [[nodiscard]] std::int32_t workers() const {
    if (options_.workers_auto && !input_.jobs.empty()) {
      return run::workers_needed(catalog_.lanes, input_, config_.workers_max,
                                 options_.settings.deadline);
    }
    return options_.settings.workers.empty() ? config_.workers : options_.settings.workers.front();
  }

  // The zone of the first reset at a time of day: there people count their days.
  [[nodiscard]] TimeZone zone_of_resets() const {
    for (const LaneSettings& lane : catalog_.lanes.lanes) {
      for (const Limit& limit : lane.limits.windows) {
        if (limit.is_long() && limit.reset.kind != Reset::Kind::rolling) return limit.reset.zone;
      }
    }
    return {};
  }

  [[nodiscard]] std::string rows() const {
    std::vector<run::PlanRow> rows;
    const auto add_workers = [&](const Lanes& lanes, const std::string& waves) {
      std::vector<std::int32_t> all = options_.settings.workers;
      if (all.empty()) all.push_back(input_.scheduler.workers);
      for (const std::int32_t workers : all) {
        run::PlanInput input = input_;
        input.scheduler.workers = workers;
        const bool named = options_.settings.workers.size() > 1;
        std::string variant = named ? fmt::format("--workers {}", workers) : "";
        if (!waves.empty()) variant += (named ? " --waves " : "--waves ") + waves;
        rows.push_back({std::move(variant), run::make_plan(lanes, input)});
      }
    };
    if (options_.settings.waves.empty()) add_workers(catalog_.lanes, "");
    for (const Waves& waves : options_.settings.waves) {
      add_workers(run::with_waves(catalog_.lanes, waves), run::waves_text(waves));
    }
    if (!options_.common.json) return run::plan_rows(rows, zone_of_resets());
    std::string text;
    for (const run::PlanRow& row : rows) {
      text += plan_json(row.plan, input_, {row.variant, {}, {}}) + "\n";
    }
    return text;
  }

  // Texts without output tokens cost too little in a plan.
  [[nodiscard]] std::string unknown_output() const {
    std::string text;
    for (std::size_t i = 0; i < input_.assumptions.size(); ++i) {
      const Usage& usage = input_.assumptions[i].usage;
      if (usage.images > 0 || usage.output_tokens > 0) continue;
      text += fmt::format(
          "assumed     {} answers without output tokens (none seen yet; --tokens "
          "says how many)\n",
          escaped(catalog_.lanes.lanes[i].model));
    }
    return text;
  }

  [[nodiscard]] std::string report() const {
    if (input_.jobs.empty() && !options_.common.json) return "nothing to do: no job is open\n";
    const Lanes& lanes = catalog_.lanes;
    const run::Plan plan = run::make_plan(lanes, input_);
    const std::int32_t most = std::max(config_.workers_max, input_.scheduler.workers);
    PlanFindings findings;
    if (plan.complete && !input_.jobs.empty()) {
      findings.workers_needed = run::workers_needed(lanes, input_, most);
    }
    const auto& deadline = options_.settings.deadline;
    if (deadline) findings.deadline = run::check_deadline(lanes, input_, plan, *deadline);
    if (options_.common.json) return plan_json(plan, input_, findings) + "\n";
    std::string text = is_sandbox_ ? "SANDBOX\n" : "";
    text += run::plan_report(plan, input_, zone_of_resets()) + unknown_output();
    if (findings.workers_needed) text += run::workers_text(*findings.workers_needed, most);
    if (findings.deadline) text += run::deadline_text(*findings.deadline, plan, *deadline);
    if (::isatty(STDOUT_FILENO) != 0) text += "\n" + run::plan_chart(plan);
    return text;
  }

  PlanOptions options_;
  const CommandContext& context_;
  Config config_;
  run::Catalog catalog_;
  std::optional<store::StatusData> data_;
  run::PlanInput input_;
  bool is_sandbox_ = false;
};

}  // namespace

Result<ExitCode> execute(const PlanOptions& options, const CommandContext& context) {
  return Planner{options, context}.work();
}

}  // namespace ratebatch::cli
