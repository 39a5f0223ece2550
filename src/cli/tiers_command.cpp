#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/commands.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/quota/tiers.hpp"
#include "ratebatch/run/json_line.hpp"

namespace ratebatch::cli {
namespace {

std::string limits_text(const quota::TierRow& row) {
  std::string text;
  for (const quota::TierAmount& limit : row.amounts) {
    if (!limit.name.empty())
      add_to_list(text, fmt::format("{} {}", limit.name, grouped(limit.amount)));
  }
  if (row.concurrency > 0) add_to_list(text, fmt::format("concurrency {}", row.concurrency));
  if (row.waves) {
    add_to_list(text, fmt::format("waves of {} every {}", row.waves->size,
                                  format_duration(row.waves->delay)));
  }
  return text.empty() ? "none known" : text;
}

std::string models_text(const quota::TierRow& row) {
  return std::string{row.models} + (row.kind ? fmt::format(" ({})", to_string(*row.kind)) : "");
}

std::string table_text(const std::vector<const quota::TierRow*>& rows) {
  std::size_t models = 0;
  std::size_t tier = 0;
  for (const quota::TierRow* row : rows) {
    models = std::max(models, models_text(*row).size());
    tier = std::max(tier, row->tier.size());
  }
  std::string text;
  std::string_view provider;
  for (const quota::TierRow* row : rows) {
    if (row->provider != provider) {
      text += fmt::format("{}{}\n", text.empty() ? "" : "\n", row->provider);
      provider = row->provider;
    }
    text += fmt::format("  {:<{}}  {:<{}}  {}\n", models_text(*row), models, row->tier, tier,
                        limits_text(*row));
  }
  std::set<std::string> sources;
  for (const quota::TierRow* row : rows) {
    sources.insert(fmt::format("  {} ({})\n", row->source, row->date));
  }
  text += "\nread from\n";
  for (const std::string& source : sources) text += source;
  return text +
         "\nFigures that save typing, not facts about your account: what the configuration "
         "states\nreplaces them name by name.\n";
}

run::JsonLine row_json(const quota::TierRow& row) {
  run::JsonLine json = run::json_message("tier");
  json["provider"] = row.provider;
  json["models"] = row.models;
  json["tier"] = row.tier;
  json["limits"] = run::JsonLine::object();
  for (const quota::TierAmount& limit : row.amounts) {
    if (!limit.name.empty()) json["limits"][std::string{limit.name}] = limit.amount;
  }
  json["concurrency"] =
      row.concurrency > 0 ? run::JsonLine(row.concurrency) : run::JsonLine(nullptr);
  json["waves"] = nullptr;
  if (row.waves) {
    json["waves"] = {{"size", row.waves->size},
                     {"delay_seconds", run::json_seconds(row.waves->delay)}};
  }
  json["source"] = row.source;
  json["date"] = row.date;
  return json;
}

}  // namespace

Result<ExitCode> execute(const TiersOptions& options, const CommandContext& context) {
  std::vector<const quota::TierRow*> rows;
  std::vector<std::string> providers;
  for (const quota::TierRow& row : quota::tier_table()) {
    const std::string provider{row.provider};
    if (std::find(providers.begin(), providers.end(), provider) == providers.end()) {
      providers.push_back(provider);
    }
    if (!options.provider || *options.provider == provider) rows.push_back(&row);
  }
  if (rows.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("no tiers of '{}' are known{}; known are {}",
                            escaped(options.provider.value_or("")),
                            did_you_mean(options.provider.value_or(""), providers),
                            fmt::join(providers, ", ")));
  }
  std::string text;
  if (options.common.json) {
    for (const quota::TierRow* row : rows) text += json::written(row_json(*row)) + "\n";
  } else {
    text = table_text(rows);
  }
  return print(context.console, text);
}

}  // namespace ratebatch::cli
