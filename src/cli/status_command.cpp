#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "cli/process_rules.hpp"
#include "ratebatch/base/system_clock.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/status_report.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch::cli {
namespace {

// More than anybody reads, and little enough to hold.
constexpr std::int64_t listed_jobs_max = 100'000;

Result<ExitCode> list_failed(store::CheckpointReader& reader, Console& console) {
  store::JobFilter filter;
  filter.state = JobState::failed;
  RB_TRY(jobs, reader.jobs(filter, listed_jobs_max));
  std::string text;
  if (console.json()) {
    for (const store::JobRow& job : *jobs) text += run::failed_job_json(job) + "\n";
  } else {
    text = run::failed_jobs_text(*jobs);
  }
  RB_TRY(written, console.write(text));
  if (jobs->empty()) console.say("no job failed");
  if (static_cast<std::int64_t>(jobs->size()) == listed_jobs_max) {
    console.warn(fmt::format("only the first {} are listed", grouped(listed_jobs_max)));
  }
  return ExitCode::done;
}

// What a run that ended as the checkpoint stands would have ended with.
ExitCode code_of(const run::StatusReport& report) {
  const auto needs_person = [](const run::LaneReport& lane) {
    return lane.status.state == LaneState::stopped || lane.status.state == LaneState::no_key;
  };
  const auto& last = report.data.last_run;
  const bool stopped = !report.data.live_run && last &&
                       last->exit_code.value_or(0) == to_int(ExitCode::needs_person);
  if (report.jobs.open() > 0) {
    return stopped || std::ranges::any_of(report.lanes, needs_person) ? ExitCode::needs_person
                                                                      : ExitCode::not_finished;
  }
  const bool failed = report.jobs.of(JobState::failed) > 0 || report.jobs.of(JobState::held) > 0;
  return failed ? ExitCode::some_failed : ExitCode::done;
}

Result<void> keep_lane(run::StatusReport& report, const std::string& model) {
  std::vector<std::string> names;
  for (const run::LaneReport& lane : report.lanes) names.push_back(lane.model);
  std::erase_if(report.lanes, [&](const run::LaneReport& lane) { return lane.model != model; });
  if (!report.lanes.empty()) return {};
  return fail(ErrorCode::invalid_input, fmt::format("--lane {}: no model of this checkpoint{}",
                                                    escaped(model), did_you_mean(model, names)));
}

}  // namespace

Result<ExitCode> execute(const StatusOptions& options, const CommandContext& context) {
  RB_TRY(reader, store::CheckpointReader::open(options.common.db));
  if (options.failed) return list_failed(**reader, context.console);
  RB_TRY(data, (*reader)->status());
  // Without its configuration a checkpoint still says everything but limits and jobs per model.
  auto found = client_settings(options.common, data->stamp);
  std::optional<Config> config;
  std::optional<run::QuotaPicture> quota;
  const Now now = system_now();
  if (found) {
    config = std::move(found->config);
    // By the configuration as it is now: the last run may have had another, or nothing to do.
    RB_TRY(changed, (*reader)->results_of_others(run::known_recipes(*config, data->routes)));
    data->changed = *changed;
    auto picture = run::picture_of(*config, data->routes, variable_names, data->states, now);
    if (picture) quota = std::move(*picture);
    if (!picture) context.console.warn("limits are not known: " + picture.error().message);
  } else {
    context.console.warn("limits and jobs per model are not known: " + found.error().message);
  }
  run::StatusReport report = run::make_status_report(
      std::move(*data), config, quota ? &*quota : nullptr, options.common.db, now.wall);
  const ExitCode code = options.exit_code ? code_of(report) : ExitCode::done;
  if (options.lane) {
    RB_TRY(kept, keep_lane(report, *options.lane));
  }
  RB_TRY(written, context.console.write(
                      options.common.json ? run::status_json(report) + "\n"
                                          : run::status_text(report, command_end(options.common))));
  return code;
}

}  // namespace ratebatch::cli
