#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "cli/process_rules.hpp"
#include "ratebatch/base/system_clock.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/quota/quota_monitor.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/progress.hpp"
#include "ratebatch/run/status_report.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"

namespace ratebatch::cli {
namespace {

using What = QuotaCommandOptions::What;

std::string usage_text(const run::StatusReport& report) {
  std::string text;
  for (const run::LaneReport& lane : report.lanes) {
    text += fmt::format("{} ({})", escaped(lane.model), escaped(lane.provider));
    const std::string wait = run::wait_text(lane.status, lane.limits, report.now);
    if (!wait.empty()) text += ": " + wait;
    text += "\n";
    for (const KeyView& key : lane.keys) {
      std::string names;
      for (const std::string& name : key.keys) add_to_list(names, escaped(name));
      text += fmt::format("  keys {} ({})\n", escaped(key.group), names);
      if (key.limits.empty()) text += "    no limit is known\n";
      for (const LimitView& view : key.limits) {
        const auto shown = std::ranges::find(
            lane.limits, view.limit, [](const run::ShownLimit& each) { return each.view.limit; });
        const TimeZone zone = shown == lane.limits.end() ? TimeZone{} : shown->zone;
        text += "    " + run::limit_text({view, zone}, report.now) + "\n";
      }
    }
  }
  return text.empty() ? "no model is used by the jobs of this checkpoint\n" : text;
}

Result<ExitCode> show_quota(const QuotaCommandOptions& options, const CommandContext& context) {
  RB_TRY(reader, store::CheckpointReader::open(options.common.db));
  RB_TRY(data, (*reader)->status());
  RB_TRY(found, client_settings(options.common, data->stamp));
  const Now now = system_now();
  RB_TRY(quota, run::picture_of(found->config, data->routes, variable_names, data->states, now));
  const run::StatusReport report = run::make_status_report(std::move(*data), found->config, &*quota,
                                                           options.common.db, now.wall);
  return print(context.console,
               options.common.json ? run::quota_json(report) + "\n" : usage_text(report));
}

// The key group that --key means: by the name of a key in it, or its own.
Result<std::optional<GroupId>> group_of(const Lanes& lanes, LaneId lane,
                                        const std::optional<std::string>& key) {
  if (!key) return std::nullopt;
  const PoolId pool = lanes.lanes[index_of(lane)].pool;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < lanes.groups.size(); ++i) {
    if (lanes.groups[i].pool != pool) continue;
    if (lanes.groups[i].name == *key) return GroupId{static_cast<std::int32_t>(i)};
    names.push_back(lanes.groups[i].name);
  }
  for (const KeyEntry& entry : lanes.keys) {
    if (lanes.groups[index_of(entry.group)].pool != pool) continue;
    if (entry.name == *key) return entry.group;
    names.push_back(entry.name);
  }
  return fail(ErrorCode::invalid_input, fmt::format("--key {}: no key or key group of this model{}",
                                                    escaped(*key), did_you_mean(*key, names)));
}

Result<LaneId> lane_named(const Lanes& lanes, const std::string& model) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < lanes.lanes.size(); ++i) {
    if (lanes.lanes[i].model == model) return LaneId{static_cast<std::int32_t>(i)};
    names.push_back(lanes.lanes[i].model);
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("no model '{}' is used by the jobs of this checkpoint{}", escaped(model),
                          did_you_mean(model, names)));
}

// Corrects under the run lock, as nobody else may count meanwhile.
Result<ExitCode> correct_quota(const QuotaCommandOptions& options, const CommandContext& context) {
  RB_TRY(checkpoint,
         store::SqliteCheckpoint::open(options.common.db, store::OpenMode::must_exist, {}));
  RB_TRY(reader, store::CheckpointReader::open(options.common.db));
  RB_TRY(data, (*reader)->status());
  RB_TRY(found, client_settings(options.common, data->stamp));
  RB_TRY(catalog, run::catalog_without_keys(found->config, data->routes, variable_names));
  const Lanes& lanes = catalog->lanes;
  RB_TRY(lane, lane_named(lanes, options.model));
  RB_TRY(group, group_of(lanes, *lane, options.key));
  const Now now = system_now();
  quota::QuotaMonitor monitor{lanes, {}, now, data->states};
  std::string done = "starts afresh";
  if (options.what == What::reset) {
    monitor.reset(now, *lane, *group);
  } else if (monitor.set_used(now, *lane, *group, options.limit, options.used)) {
    done = fmt::format("{} used of {}", grouped(options.used), escaped(options.limit));
  } else {
    std::vector<std::string> names;
    for (const Limit& limit : lanes.lanes[index_of(*lane)].limits.windows) {
      if (limit.is_long()) names.push_back(limit.name);
    }
    return fail(ErrorCode::invalid_input,
                fmt::format("model '{}' has no limit '{}' that is counted over a long time{}",
                            escaped(options.model), escaped(options.limit),
                            did_you_mean(options.limit, names)));
  }
  RB_TRY(remembered, (*checkpoint)->remember(monitor.take_changes(now)));
  context.console.say(fmt::format("{}: {}", escaped(options.model), done));
  return ExitCode::done;
}

}  // namespace

Result<ExitCode> execute(const QuotaCommandOptions& options, const CommandContext& context) {
  return options.what == What::show ? show_quota(options, context)
                                    : correct_quota(options, context);
}

}  // namespace ratebatch::cli
