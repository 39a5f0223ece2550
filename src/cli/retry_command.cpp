#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/json_line.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"

namespace ratebatch::cli {
namespace {

std::string listed(const std::vector<std::string>& ids) {
  constexpr std::size_t shown_max = 10;
  std::string text;
  for (std::size_t i = 0; i < ids.size() && i < shown_max; ++i) {
    add_to_list(text, escaped(ids[i]));
  }
  if (ids.size() > shown_max) text += fmt::format(" and {} more", ids.size() - shown_max);
  return text;
}

std::string summary_of(const store::RequeueSummary& summary) {
  std::string text = counted(summary.requeued.total(), "job is", "jobs are") + " back in the queue";
  std::string parts;
  for (const JobState state : all_job_states) {
    const std::int64_t count = summary.requeued.of(state);
    if (count == 0) continue;
    add_to_list(parts, fmt::format("{} {}", grouped(count), to_string(state)));
  }
  return parts.empty() ? text : text + " (" + parts + " before)";
}

std::string summary_json(const store::RequeueSummary& summary) {
  run::JsonLine json = run::json_message("retry");
  json["requeued"] = summary.requeued.total();
  json["before"] = run::JsonLine::object();
  json["ids_not_found"] = summary.ids_not_found;
  json["ids_open"] = summary.ids_open;
  for (const JobState state : all_job_states) {
    const std::int64_t count = summary.requeued.of(state);
    if (count > 0) json["before"][std::string{to_string(state)}] = count;
  }
  return json::written(json);
}

Result<store::RequeueFilter> filter_of(const RetryOptions& options,
                                       store::SqliteCheckpoint& checkpoint) {
  store::RequeueFilter filter;
  filter.failed = options.failed;
  filter.unknown = options.unknown;
  filter.truncated = options.truncated;
  filter.outcome_classes = options.classes;
  filter.ids = options.ids;
  if (!options.changed) return filter;
  RB_TRY(settings, client_settings(options.common, checkpoint.stamp()));
  RB_TRY(routes, checkpoint.routes());
  filter.changed = run::known_recipes(settings->config, *routes);
  return filter;
}

}  // namespace

Result<ExitCode> execute(const RetryOptions& options, const CommandContext& context) {
  RB_TRY(checkpoint,
         store::SqliteCheckpoint::open(options.common.db, store::OpenMode::must_exist, {}));
  RB_TRY(filter, filter_of(options, **checkpoint));
  RB_TRY(summary, (*checkpoint)->requeue(*filter));
  if (options.common.json) context.console.write_event(summary_json(*summary));
  if (!summary->ids_not_found.empty()) {
    const std::string message =
        fmt::format("no job with this id in {}: {}", escaped((*checkpoint)->path()),
                    listed(summary->ids_not_found));
    if (summary->requeued.total() == 0) return fail(ErrorCode::invalid_input, message);
    context.console.warn(message);
  }
  if (!summary->ids_open.empty()) {
    context.console.say("in the queue already: " + listed(summary->ids_open));
  }
  context.console.say(summary_of(*summary));
  if (summary->requeued.total() > 0) {
    context.console.say(
        fmt::format("ratebatch resume{}: works on them", command_end(options.common)));
  }
  return ExitCode::done;
}

}  // namespace ratebatch::cli
