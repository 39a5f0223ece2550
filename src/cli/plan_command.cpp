#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cli/checking_loader.hpp"
#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "cli/plan_report.hpp"
#include "cli/plan_source.hpp"
#include "cli/process_rules.hpp"
#include "ratebatch/base/system_clock.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/read_key.hpp"
#include "ratebatch/run/load.hpp"
#include "ratebatch/run/plan_text.hpp"
#include "ratebatch/run/quota_picture.hpp"

namespace ratebatch::cli {
namespace {

// What a plan is asked about, from either of its commands.
struct Question {
  CommonOptions common;
  std::vector<std::string> files;
  input::CsvColumns csv;
  PlanWishes wishes;
  std::optional<std::int32_t> pause_at_per_mille;
  std::optional<std::string> sandbox;  // The text behind --sandbox=.
  bool check_keys = false;
  bool workers_auto = false;
};

class Planner {
 public:
  Planner(Question question, const CommandContext& context)
      : question_(std::move(question)), context_(context) {}

  Result<ExitCode> work() {
    auto gathered = question_.files.empty() ? from_checkpoint() : from_files();
    if (!gathered) return pass(gathered);
    if (question_.check_keys) {
      auto checked = check_keys();
      if (!checked) return pass(checked);
    }
    input_.start = system_now();
    input_.assumptions =
        assumptions_for(catalog_, input_.jobs, data_ ? &*data_ : nullptr, question_.wishes);
    if (data_ && question_.files.empty()) input_.stored = data_->states;
    input_.scheduler.quota.slow_at_per_mille = config_.slow_at_per_mille;
    input_.scheduler.quota.warn_at_per_mille = config_.warn_at_per_mille;
    input_.scheduler.workers = workers();
    zone_ = zone_of_resets();
    auto written = context_.console.write(is_comparison() ? rows() : report());
    if (!written) return pass(written);
    return ExitCode::done;
  }

 private:
  // The rest of a checkpoint.
  Result<void> from_checkpoint() {
    auto reader = store::CheckpointReader::open(question_.common.db);
    if (!reader) return pass(reader);
    auto data = (*reader)->status();
    if (!data) return pass(data);
    data_ = std::move(*data);
    if (data_->stamp.sandbox) {
      auto sandbox = sandbox::parse_sandbox_options(data_->stamp.sandbox_options);
      if (!sandbox) return pass(sandbox);
      note_sandbox(*sandbox);
    }
    auto found = client_settings(question_.common, data_->stamp);
    if (!found) return pass(found);
    config_ = std::move(found->config);
    if (question_.pause_at_per_mille) set_pause_at(config_, *question_.pause_at_per_mille);
    std::vector<store::StoredRoute> routes = data_->routes;
    std::erase_if(routes, [&](const store::StoredRoute& route) {
      const auto counts = data_->counts.routes.find(route.id);
      return counts == data_->counts.routes.end() || counts->second.open() == 0;
    });
    auto catalog = run::catalog_without_keys(config_, std::move(routes), variable_names);
    if (!catalog) return pass(catalog);
    catalog_ = std::move(*catalog);
    auto jobs = open_jobs(**reader, catalog_.lanes, data_->counts);
    if (!jobs) return pass(jobs);
    input_.jobs = std::move(*jobs);
    return {};
  }

  // All jobs of the files; nothing is loaded.
  Result<void> from_files() {
    auto found = find_settings(question_.common, "", question_.files.front());
    if (!found) return pass(found);
    config_ = std::move(found->config);
    if (question_.pause_at_per_mille) set_pause_at(config_, *question_.pause_at_per_mille);
    if (question_.sandbox) {
      auto sandbox = sandbox::parse_sandbox_options(*question_.sandbox);
      if (!sandbox) return pass(sandbox);
      config_ = for_sandbox(std::move(config_), *sandbox);
      note_sandbox(*sandbox);
    }
    CheckingLoader loader{""};
    auto loaded = run::load_files(loader, config_, question_.files, {.csv = question_.csv});
    if (!loaded) return tl::unexpected<Error>(with_advice(std::move(loaded.error()), found->path));
    auto catalog = run::catalog_without_keys(config_, loader.routes(), variable_names);
    if (!catalog) return pass(catalog);
    catalog_ = std::move(*catalog);
    input_.jobs = loader.jobs();
    // Of models that are switched off: their jobs wait.
    std::erase_if(input_.jobs, [&](const run::JobClass& jobs) {
      return std::none_of(catalog_.lanes.routes.begin(), catalog_.lanes.routes.end(),
                          [&](const RouteSettings& route) { return route.route == jobs.route; });
    });
    return {};
  }

  // How slow a stand-in is need not be assumed.
  void note_sandbox(const sandbox::SandboxOptions& sandbox) {
    is_sandbox_ = true;
    if (!question_.wishes.latency && sandbox.latency > Duration{}) {
      question_.wishes.latency = sandbox.latency;
    }
  }

  // A dry run fails where the run would, before it plans.
  Result<void> check_keys() const {
    if (is_sandbox_) return {};
    hide_memory();
    for (const KeyPool& pool : catalog_.lanes.pools) {
      const ProviderSettings& provider = config_.providers.at(pool.provider);
      std::optional<Error> missing;
      bool found = false;
      for (const KeySource& pattern : provider.keys) {
        for (const KeySource& source : input::expanded(pattern, variable_names())) {
          auto key = input::read_key(source, context_.environment);
          found = found || key.has_value();
          if (!key && !missing) missing = key.error();
        }
      }
      if (found) continue;
      if (missing) return tl::unexpected<Error>(*missing);
      return fail(ErrorCode::no_key,
                  fmt::format("provider '{}' has no keys", escaped(pool.provider)));
    }
    return {};
  }

  [[nodiscard]] std::int32_t workers() const {
    if (question_.workers_auto && !input_.jobs.empty()) {
      return workers_for(catalog_.lanes, input_, config_.workers_max, question_.wishes.deadline);
    }
    return question_.wishes.workers.empty() ? config_.workers : question_.wishes.workers.front();
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

  [[nodiscard]] bool is_comparison() const {
    return question_.wishes.workers.size() > 1 || !question_.wishes.waves.empty();
  }

  [[nodiscard]] std::string rows() const {
    std::vector<run::PlanRow> rows;
    const auto add_workers = [&](const Lanes& lanes, const std::string& waves) {
      std::vector<std::int32_t> all = question_.wishes.workers;
      if (all.empty()) all.push_back(input_.scheduler.workers);
      for (const std::int32_t workers : all) {
        run::PlanInput input = input_;
        input.scheduler.workers = workers;
        const bool named = question_.wishes.workers.size() > 1;
        std::string variant = named ? fmt::format("--workers {}", workers) : "";
        if (!waves.empty()) variant += (named ? " --waves " : "--waves ") + waves;
        rows.push_back({std::move(variant), run::make_plan(lanes, input)});
      }
    };
    if (question_.wishes.waves.empty()) add_workers(catalog_.lanes, "");
    for (const Waves& waves : question_.wishes.waves) {
      add_workers(run::with_waves(catalog_.lanes, waves), run::waves_text(waves));
    }
    if (!question_.common.json) return run::plan_rows(rows, zone_);
    std::string text;
    for (const run::PlanRow& row : rows)
      text += plan_json(row.plan, input_, {row.variant, {}, {}}) + "\n";
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
    if (input_.jobs.empty() && !question_.common.json) return "nothing to do: no job is open\n";
    const Lanes& lanes = catalog_.lanes;
    const run::Plan plan = run::make_plan(lanes, input_);
    const std::int32_t most = std::max(config_.workers_max, input_.scheduler.workers);
    PlanFindings findings;
    if (plan.complete && !input_.jobs.empty()) {
      findings.workers_needed = run::workers_needed(lanes, input_, most);
    }
    const auto& deadline = question_.wishes.deadline;
    if (deadline) findings.deadline = run::check_deadline(lanes, input_, plan, *deadline);
    if (question_.common.json) return plan_json(plan, input_, findings) + "\n";
    std::string text = is_sandbox_ ? "SANDBOX\n" : "";
    text += run::plan_report(plan, input_, zone_) + unknown_output();
    if (findings.workers_needed)
      text += ratebatch::run::workers_text(*findings.workers_needed, most);
    if (findings.deadline) text += run::deadline_text(*findings.deadline, plan, *deadline);
    if (::isatty(STDOUT_FILENO) != 0) text += "\n" + run::plan_chart(plan);
    return text;
  }

  Question question_;
  const CommandContext& context_;
  Config config_;
  run::Catalog catalog_;
  std::optional<store::StatusData> data_;
  run::PlanInput input_;
  TimeZone zone_;
  bool is_sandbox_ = false;
};

}  // namespace

Result<ExitCode> plan_jobs(const PlanOptions& options, const CommandContext& context) {
  Question question;
  question.common = options.common;
  question.files = options.files;
  question.csv = options.csv;
  question.wishes = options.wishes;
  return Planner{std::move(question), context}.work();
}

Result<ExitCode> dry_run(const RunOptions& options, const CommandContext& context) {
  Question question;
  question.common = options.common;
  question.files = options.files;
  question.csv = options.csv;
  question.wishes.deadline = options.deadline;
  if (options.workers) question.wishes.workers = {*options.workers};
  question.workers_auto = options.workers_auto;
  question.pause_at_per_mille = options.pause_at_per_mille;
  question.sandbox = options.sandbox;
  question.check_keys = true;
  return Planner{std::move(question), context}.work();
}

}  // namespace ratebatch::cli
