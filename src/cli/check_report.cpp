#include "cli/check_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "ratebatch/base/integers.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/run/json_line.hpp"

namespace ratebatch::cli {
namespace {

run::JsonLine limits_json(const Limits& limits) {
  run::JsonLine json = run::JsonLine::object();
  for (const Limit& limit : limits.windows) json[limit.name] = limit.amount;
  if (limits.concurrency) json["concurrency"] = *limits.concurrency;
  return json;
}

std::string reset_text(const Reset& reset) {
  if (reset.kind == Reset::Kind::rolling) return "";
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(reset.time_of_day).count();
  const std::string day = reset.kind == Reset::Kind::monthly
                              ? fmt::format("day {} ", reset.day_of_month)
                              : std::string{};
  return fmt::format(" until {}{:02}:{:02} {}", day, minutes / 60, minutes % 60, reset.zone.name());
}

std::string limit_text(const Limit& limit) {
  std::string text = escaped(limit.name) + " " + grouped(limit.amount);
  if (!limit.is_long()) return text;
  const std::int64_t threshold = share_of(limit.amount, limit.pause_at_per_mille);
  return text + fmt::format(" (pauses at {}{})", grouped(std::max<std::int64_t>(threshold, 1)),
                            reset_text(limit.reset));
}

std::string limits_text(const Limits& limits) {
  std::string text;
  for (const Limit& limit : limits.windows) add_to_list(text, limit_text(limit));
  if (limits.concurrency)
    add_to_list(text, fmt::format("concurrency {}", grouped(*limits.concurrency)));
  if (!text.empty()) return text;
  return limits.stated ? "none: only the workers bound it"
                       : "not stated: it starts gently and learns them";
}

// What is allowed but seldom meant.
std::optional<std::string> warning_of(const ModelSettings& model) {
  constexpr std::int32_t size_usual = 6;
  constexpr Duration delay_min_usual = std::chrono::seconds{5};
  constexpr Duration delay_max_usual = std::chrono::seconds{60};
  if (!model.waves) return std::nullopt;
  const Waves& waves = *model.waves;
  const bool usual =
      waves.size <= size_usual && waves.delay >= delay_min_usual && waves.delay <= delay_max_usual;
  if (usual) return std::nullopt;
  return fmt::format("waves of {} every {} are unusual; 1 to 6 at once and 5s to 60s are sane",
                     waves.size, format_duration(waves.delay));
}

std::string key_text(const CheckedKey& key) {
  if (key.name == "none") return "none is asked for";
  return key.problem.empty() ? escaped(key.name) + " is there" : key.problem;
}

using FormCounts = std::array<std::int64_t, input::job_form_count>;

struct FormNames {
  const char* in_json;
  std::string_view one;
  std::string_view several;
};
constexpr std::array<FormNames, input::job_form_count> form_names = {
    {{"native", "job of our own form", "jobs of our own form"},
     {"batch", "OpenAI Batch", "OpenAI Batch"},
     {"script", "request of a parallel script", "requests of a parallel script"},
     {"csv", "row of CSV", "rows of CSV"}}};

// "1,200 lines: 1,000 OpenAI Batch, 200 requests of a parallel script"; empty where all are our
// own.
std::string forms_text(const FormCounts& forms) {
  std::int64_t all = 0;
  std::string parts;
  for (std::size_t i = 0; i < forms.size(); ++i) {
    all += forms[i];
    if (forms[i] == 0) continue;
    add_to_list(parts, counted(forms[i], form_names[i].one, form_names[i].several));
  }
  if (all == forms[static_cast<std::size_t>(input::JobForm::native)]) return "";
  return fmt::format("{}: {}\n", counted(all, "line", "lines"), parts);
}

run::JsonLine forms_json(const FormCounts& forms) {
  run::JsonLine json = run::JsonLine::object();
  for (std::size_t i = 0; i < forms.size(); ++i) {
    if (forms[i] > 0) json[form_names[i].in_json] = forms[i];
  }
  return json;
}

}  // namespace

std::string check_text(const CheckReport& report) {
  std::string text = fmt::format("configuration: {}\n", report.config_path.empty()
                                                            ? "none found, the built-in one holds"
                                                            : escaped(report.config_path));
  for (const std::string& note : report.loaded.notes) text += note + "\n";
  text += forms_text(report.loaded.forms);
  if (!report.files.empty())
    text += counted(report.loaded.added, "job", "jobs") + ", all lines right\n";
  for (const CheckedLane& lane : report.lanes) {
    const ModelSettings& model = lane.model;
    text += fmt::format("\n{}{}\n", escaped(model.name), model.enabled ? "" : " (switched off)");
    text += fmt::format("  goes to  {} ({}), {} model {}\n", escaped(lane.provider.base_url),
                        escaped(lane.provider.name), to_string(model.kind), escaped(model.id));
    for (const std::string& request : lane.requests) {
      text += fmt::format("  asks     {}\n", escaped(request));
    }
    text += fmt::format("  limits   {}{}\n", limits_text(model.limits),
                        model.tier == "auto" ? "" : " (" + escaped(model.tier) + ")");
    if (model.waves) {
      text += fmt::format("  waves    {} at once, the next ones {} after the last of them\n",
                          model.waves->size, format_duration(model.waves->delay));
    }
    if (const auto warning = warning_of(model)) text += fmt::format("  warning  {}\n", *warning);
    if (lane.provider.limits != Limits{}) {
      text += fmt::format("           {} over all models of {}\n",
                          limits_text(lane.provider.limits), escaped(lane.provider.name));
    }
    if (lane.keys.empty()) text += "  key      none configured\n";
    for (const CheckedKey& key : lane.keys) text += fmt::format("  key      {}\n", key_text(key));
  }
  return text;
}

std::string check_json(const CheckReport& report) {
  run::JsonLine json = run::json_message("check");
  json["config"] = run::or_null(report.config_path);
  json["files"] = report.files;
  json["jobs"] = report.loaded.added;
  json["forms"] = forms_json(report.loaded.forms);
  json["lanes"] = run::JsonLine::array();
  for (const CheckedLane& lane : report.lanes) {
    run::JsonLine keys = run::JsonLine::array();
    for (const CheckedKey& key : lane.keys) {
      keys.push_back({{"key", key.name}, {"present", key.problem.empty()}});
    }
    const auto warning = warning_of(lane.model);
    json["lanes"].push_back({{"model", lane.model.name},
                             {"provider", lane.provider.name},
                             {"id", lane.model.id},
                             {"kind", to_string(lane.model.kind)},
                             {"tier", lane.model.tier},
                             {"enabled", lane.model.enabled},
                             {"api", lane.provider.api},
                             {"base_url", lane.provider.base_url},
                             {"requests", lane.requests},
                             {"limits", limits_json(lane.model.limits)},
                             {"provider_limits", limits_json(lane.provider.limits)},
                             {"keys", std::move(keys)},
                             {"warning", run::or_null(warning)}});
  }
  return json::written(json);
}

}  // namespace ratebatch::cli
