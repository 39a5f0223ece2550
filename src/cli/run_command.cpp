#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <utility>

#include "cli/commands.hpp"
#include "cli/event_log.hpp"
#include "cli/find_settings.hpp"
#include "cli/job_request.hpp"
#include "cli/output_guard.hpp"
#include "cli/plan_source.hpp"
#include "cli/process_rules.hpp"
#include "cli/run_observer.hpp"
#include "cli/run_setup.hpp"
#include "cli/watched_loader.hpp"
#include "ratebatch/base/system_clock.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/cli/signals.hpp"
#include "ratebatch/net/curl_transport.hpp"
#include "ratebatch/run/results.hpp"
#include "ratebatch/run/run_summary.hpp"

namespace ratebatch::cli {
namespace {

struct SystemClock final : run::Clock {
  Now now() override { return system_now(); }
};

// What a run ended with.
struct Ending {
  ExitCode code = ExitCode::done;
  std::string reason = "complete";
};

// One run over a checkpoint that is set up.
class Run {
 public:
  Run(const RunOptions& options, const CommandContext& context, RunSetup setup, EventLog log)
      : options_(options),
        context_(context),
        setup_(std::move(setup)),
        checkpoint_(*setup_.checkpoint),
        log_(std::move(log)),
        start_(system_now()) {
    summary_.db = options.common.db;
    summary_.command_end = command_end(options.common);
    summary_.sandbox = setup_.sandbox != nullptr;
    summary_.before = checkpoint_.counts();
    summary_.files_folder = assets_folder(setup_.found.config, options.common.db, summary_.sandbox);
  }

  Result<ExitCode> work() {
    RB_TRY(chosen, choose_workers());
    Ending ending = ending_of(action::FinishReason::complete, std::nullopt);
    if (!has_work()) {
      if (ending.reason == "complete") ending.reason = "nothing_to_do";
    } else if (options_.jobs_max == 0) {
      ending = ending_of(action::FinishReason::slice_done, std::nullopt);
    } else {
      RB_TRY(ended, drive_and_record());
      ending = std::move(*ended);
    }
    auto written = write_output();
    if (!written) {
      report_error(context_.console, written.error());
      ending.code = graver(ending.code, exit_code_of(written.error().code));
    }
    report_summary(ending);
    return ending.code;
  }

 private:
  [[nodiscard]] bool has_work() const {
    return checkpoint_.counts().jobs().open() > setup_.switched_off;
  }

  // Once, before anything starts: a plan of the open jobs takes a moment.
  Result<void> choose_workers() {
    workers_ = options_.workers.value_or(setup_.found.config.workers);
    if (!options_.workers_auto || !has_work() || options_.jobs_max == 0) return {};
    RB_TRY(reader, store::CheckpointReader::open(options_.common.db));
    RB_TRY(data, (*reader)->status());
    RB_TRY(jobs, open_jobs(**reader, setup_.catalog.lanes, data->counts));
    auto assumptions = assumptions_for(setup_.catalog, *jobs, &*data, {});
    const run::PlanInput input{
        std::move(*jobs), std::move(assumptions), {}, start_, std::move(data->states)};
    workers_ = run::workers_needed(setup_.catalog.lanes, input, setup_.found.config.workers_max,
                                   options_.deadline);
    return {};
  }

  Result<Ending> drive_and_record() {
    RB_TRY(signals, StopSignals::install(options_.grace));
    net::CurlTransportOptions connections{workers_, (*signals)->descriptor(), {}};
    // The stand-in announces files of its own.
    if (setup_.sandbox)
      connections.public_only_exception = run::origin_of(setup_.sandbox->base_url());
    RB_TRY(transport, net::open_curl_transport(connections));
    RB_TRY(begun, begin());
    auto finished = drive_to_end(**signals, **transport, *begun);
    Ending ending = finished ? ending_of(finished->reason, (*signals)->first_signal())
                             : Ending{exit_code_of(finished.error().code), "storage failed"};
    if (finished) summary_.words = finished->words;
    log_.write(system_now().wall, LogLevel::info, "run_ended",
               {{"reason", ending.reason}, {"exit_code", std::to_string(to_int(ending.code))}});
    auto recorded = checkpoint_.end_run({system_now().wall, to_int(ending.code), ending.reason});
    // What stopped the run says more than that its end could not be recorded either.
    if (!finished) return pass(finished);
    if (!recorded) return pass(recorded);
    return ending;
  }

  Result<store::RunBegun> begin() {
    raise_descriptor_limit(workers_);
    RB_TRY(begun, checkpoint_.begin_run({::getpid(), start_.wall, workers_, options_.on_unknown,
                                         setup_.catalog.lanes, setup_.catalog.recipes}));
    log_.write(start_.wall, LogLevel::info, "run_started",
               {{"db", checkpoint_.path()},
                {"workers", std::to_string(workers_)},
                {"jobs", std::to_string(checkpoint_.counts().jobs().open())},
                {"sandbox", setup_.sandbox ? setup_.sandbox->base_url() : "no"}});
    if (begun->found_unknown > 0) {
      context_.console.say(fmt::format(
          "{} under way when the last run died, and may have been paid for: {}",
          counted(begun->found_unknown, "request was", "requests were"),
          options_.on_unknown == UnknownPolicy::hold ? "held" : "sent again, unless too often"));
    }
    context_.console.say(fmt::format(
        "running {} with {}",
        counted(checkpoint_.counts().jobs().open() - setup_.switched_off, "job", "jobs"),
        counted(workers_, "worker", "workers")));
    return begun;
  }

  Result<action::Finished> drive_to_end(StopSignals& signals, net::Transport& transport,
                                        const store::RunBegun& begun) {
    SystemClock clock;
    const Config& config = setup_.found.config;
    RunObserver observer{context_.console, log_,   checkpoint_,           setup_.catalog.lanes,
                         summary_,         start_, config.log_usage_every};
    if (options_.deadline) observer.set_deadline(start_.wall + *options_.deadline);
    run::DriverOptions options;
    options.seed = static_cast<std::uint64_t>(start_.wall.ns);
    options.usage_every = config.log_usage_every;
    options.scheduler = {.workers = workers_,
                         .on_unknown = options_.on_unknown,
                         .jobs_max = options_.jobs_max,
                         .wait_for_pauses = options_.wait_for_pauses,
                         .runtime_max = options_.runtime_max,
                         .grace = options_.grace,
                         .probe_pauses = options_.probe_pauses,
                         .quota = quota_options()};
    if (setup_.sandbox) options.sandbox_origin = run::origin_of(setup_.sandbox->base_url());
    run::AssetsFolder files{summary_.files_folder, checkpoint_.path()};
    auto finished = run::drive(
        setup_.catalog, {clock, transport, checkpoint_, signals, observer, files}, options, begun);
    context_.console.erase();
    observer.finish(system_now());
    return finished;
  }

  [[nodiscard]] quota::QuotaOptions quota_options() const {
    const Config& config = setup_.found.config;
    quota::QuotaOptions quota{config.slow_at_per_mille, config.warn_at_per_mille, boot_name(), {}};
    quota.budget.spent_pico_usd = summary_.before.calls.cost_pico_usd;
    if (!options_.cost_max) return quota;
    const bool per_day = options_.cost_max->per_day;
    auto& max = per_day ? quota.budget.day_max_pico_usd : quota.budget.total_max_pico_usd;
    max = options_.cost_max->pico_usd;
    return quota;
  }

  [[nodiscard]] Ending ending_of(action::FinishReason reason, std::optional<int> signal) const {
    const store::JobCounts jobs = checkpoint_.counts().jobs();
    const bool failed = jobs.of(JobState::failed) > summary_.before.jobs().of(JobState::failed);
    switch (reason) {
      case action::FinishReason::complete:
        if (setup_.switched_off > 0) return {ExitCode::not_finished, "switched_off"};
        if (failed || jobs.of(JobState::held) > 0) return {ExitCode::some_failed, "complete"};
        return {ExitCode::done, "complete"};
      case action::FinishReason::slice_done:
        if (jobs.open() == 0) return ending_of(action::FinishReason::complete, signal);
        return {ExitCode::not_finished, "max_jobs"};
      case action::FinishReason::stopped:
        if (signal == SIGINT) return {ExitCode::interrupted, "interrupted"};
        return {ExitCode::terminated, "terminated"};
      case action::FinishReason::no_key:
        return {ExitCode::needs_person, "no_key"};
      case action::FinishReason::downloads:
        return {ExitCode::not_finished, "downloads"};
      case action::FinishReason::no_room:
        return {ExitCode::storage, "no_room"};
      case action::FinishReason::no_credit:
        return {ExitCode::needs_person, "no_credit"};
      case action::FinishReason::paused:
        return {ExitCode::not_finished, "paused"};
      case action::FinishReason::out_of_time:
        return {ExitCode::not_finished, "max_runtime"};
      case action::FinishReason::budget:
        return {ExitCode::not_finished, "max_cost"};
      case action::FinishReason::stopped_lane:
        return {ExitCode::needs_person, "stopped"};
    }
    return {ExitCode::bug, "unknown"};
  }

  Result<void> write_output() {
    if (!options_.output) return {};
    RB_TRY(reader, store::CheckpointReader::open(options_.common.db));
    RB_TRY(written,
           run::write_results_file(**reader, store::ResultOrder::finishing, *options_.output));
    summary_.output = options_.output;
    return {};
  }

  void report_summary(const Ending& ending) {
    summary_.exit_code = to_int(ending.code);
    summary_.reason = ending.reason;
    summary_.took = system_now().steady - start_.steady;
    summary_.after = checkpoint_.counts();
    if (context_.console.json()) context_.console.write_event(run::summary_json(summary_));
    // Even a quiet run says so where someone has to look after it.
    if (ending.code == ExitCode::some_failed || ending.code == ExitCode::needs_person ||
        ending.code == ExitCode::storage) {
      context_.console.error(run::summary_text(summary_));
    } else {
      context_.console.say(run::summary_text(summary_));
    }
  }

  const RunOptions& options_;
  const CommandContext& context_;
  RunSetup setup_;
  store::SqliteCheckpoint& checkpoint_;
  EventLog log_;
  Now start_;
  std::int32_t workers_ = 0;
  run::RunSummary summary_;
};

// A dry run refuses the jobs that the run would refuse. What can be read only once is left to the
// plan.
Result<void> check_jobs(const RunOptions& options, const CommandContext& context) {
  const auto is_read_once = [](const std::string& file) {
    std::error_code ignored;
    return file == "-" || !std::filesystem::is_regular_file(file, ignored);
  };
  const std::vector<std::string>& files = options.files;
  if (files.empty() || std::any_of(files.begin(), files.end(), is_read_once)) return {};
  RB_TRY(found, find_settings(options.common, "", files));
  WatchedLoader loader{[&](const auto&, const auto& first) {
    return check_sendable(found->config, first, options, context.console);
  }};
  RB_TRY(loaded, load_jobs(loader, *found, files, {.csv = options.csv}));
  return {};
}

// What a dry run asks a plan.
PlanOptions plan_of(const RunOptions& options) {
  PlanOptions plan{.common = options.common, .files = options.files, .csv = options.csv};
  plan.settings.deadline = options.deadline;
  if (options.workers) plan.settings.workers = {*options.workers};
  plan.workers_auto = options.workers_auto;
  plan.pause_at_per_mille = options.pause_at_per_mille;
  plan.sandbox = options.sandbox;
  plan.check_keys = true;
  return plan;
}

}  // namespace

Result<ExitCode> execute(const RunOptions& options, const CommandContext& context) {
  if (options.dry_run) {
    RB_TRY(checked, check_jobs(options, context));
    return execute(plan_of(options), context);
  }
  // Hours of work should not end with a file that cannot be written.
  RB_TRY(guarded, guard_outputs(outputs_of(options), options.common, options.files));
  RB_TRY(log, EventLog::open(options.common.log_file));
  RB_TRY(setup, set_up_run(options, context));
  return Run{options, context, std::move(*setup), std::move(*log)}.work();
}

}  // namespace ratebatch::cli
