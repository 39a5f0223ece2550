#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "ratebatch/base/system_clock.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/run/status_json.hpp"
#include "ratebatch/run/status_report.hpp"
#include "ratebatch/run/status_text.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch {
namespace {

// More than anybody reads, and little enough to hold.
constexpr std::int64_t listed_jobs_max = 100'000;

Result<ExitCode> list_failed(CheckpointReader& reader, Console& console) {
  JobFilter filter;
  filter.state = JobState::failed;
  auto jobs = reader.jobs(filter, listed_jobs_max);
  if (!jobs) return pass(jobs);
  std::string text;
  if (console.json()) {
    for (const JobRow& job : *jobs) text += failed_job_json(job) + "\n";
  } else {
    text = failed_jobs_text(*jobs);
  }
  auto written = console.write(text);
  if (!written) return pass(written);
  if (jobs->empty()) console.say("no job failed");
  if (static_cast<std::int64_t>(jobs->size()) == listed_jobs_max) {
    console.warn(fmt::format("only the first {} are listed", grouped(listed_jobs_max)));
  }
  return ExitCode::done;
}

}  // namespace

Result<ExitCode> show_status(const StatusOptions& options, const CommandContext& context) {
  auto reader = CheckpointReader::open(options.common.db);
  if (!reader) return pass(reader);
  if (options.failed) return list_failed(**reader, context.console);
  auto data = (*reader)->status();
  if (!data) return pass(data);
  // Without its configuration a checkpoint still says everything but limits and jobs per model.
  auto found = find_settings(options.common, data->stamp.config_path, "");
  if (!found) {
    context.console.warn("limits and jobs per model are not known: " + found.error().message);
  }
  const std::optional<Config> config =
      found ? std::optional{std::move(found->config)} : std::nullopt;
  const StatusReport report =
      make_status_report(std::move(*data), config, options.common.db, system_now().wall);
  auto written =
      context.console.write(options.common.json ? status_json(report) + "\n"
                                                : status_text(report, command_end(options.common)));
  if (!written) return pass(written);
  return ExitCode::done;
}

}  // namespace ratebatch
