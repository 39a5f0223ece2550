#include "cli/option_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/option_values.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::cli {
namespace {

// CLI11 gives this to a flag without a value.
constexpr std::string_view flag_without_value = "true";

struct WorkersWord {
  std::string_view word;
  std::int32_t workers;
};

// Of the specification: what a shy, a usual and a bold account stand.
constexpr std::array<WorkersWord, 3> workers_words = {
    {{"conservative", 2}, {"moderate", 4}, {"aggressive", 8}}};

std::optional<UsageError> check_workers(const std::string& text, RunOptions& options) {
  if (text.empty()) return std::nullopt;
  if (text == "auto") {
    options.workers_auto = true;
    return std::nullopt;
  }
  for (const WorkersWord& known : workers_words) {
    if (text == known.word) options.workers = known.workers;
  }
  if (options.workers) return std::nullopt;
  const auto number = whole_number(text, 1, workers_max);
  if (number) options.workers = static_cast<std::int32_t>(*number);
  if (options.workers) return std::nullopt;
  return UsageError{
      fmt::format("--workers '{}': expected a whole number from 1 to {}, or conservative, "
                  "moderate, aggressive or auto",
                  escaped(text), workers_max)};
}

// A duration above zero, if the option was given.
std::optional<UsageError> check_length(std::string_view option, const std::string& text,
                                       std::optional<Duration>& length) {
  if (text.empty()) return std::nullopt;
  auto read = parse_duration(text);
  if (!read) return UsageError{fmt::format("{}: {}", option, read.error().message)};
  if (*read <= Duration{}) return UsageError{fmt::format("{}: expected more than 0", option)};
  length = *read;
  return std::nullopt;
}

// What bounds a run.
std::optional<UsageError> check_bounds(const RawRun& raw, RunOptions& options) {
  options.wait_for_pauses = !raw.no_wait;
  options.dry_run = raw.dry_run;
  if (auto error = check_length("--max-runtime", raw.max_runtime, options.runtime_max)) {
    return error;
  }
  if (auto error = check_length("--deadline", raw.deadline, options.deadline)) return error;
  if (!raw.pause_at.empty()) {
    options.pause_at_per_mille = share_per_mille(raw.pause_at);
    if (!options.pause_at_per_mille) {
      return UsageError{fmt::format("--pause-at '{}': expected a share such as 0.8 or 80%",
                                    escaped(raw.pause_at))};
    }
  }
  if (!raw.max_cost.empty()) {
    options.cost_max = cost_max(raw.max_cost);
    if (!options.cost_max) {
      return UsageError{fmt::format("--max-cost '{}': expected USD such as 12.50 or 5/day",
                                    escaped(raw.max_cost))};
    }
  }
  if (raw.max_jobs.empty()) return std::nullopt;
  constexpr std::int64_t most = 1'000'000'000'000;
  options.jobs_max = whole_number(raw.max_jobs, 0, most);
  if (options.jobs_max) return std::nullopt;
  return UsageError{fmt::format("--max-jobs '{}': expected a whole number, or 0 to load only",
                                escaped(raw.max_jobs))};
}

}  // namespace

std::optional<UsageError> check_common(const RawCommon& raw,
                                       const input::EnvironmentLookup& environment,
                                       CommonOptions& common) {
  common.db = environment("RATEBATCH_DB").value_or("");
  if (!raw.db.empty()) common.db = raw.db;
  if (common.db.empty()) common.db = CommonOptions{}.db;
  common.config_from_environment = environment("RATEBATCH_CONFIG").value_or("");
  if (!raw.config.empty()) common.config = raw.config;
  if (!raw.log_file.empty()) common.log_file = raw.log_file;
  common.json = raw.json;
  common.quiet = raw.quiet;
  common.verbose = raw.verbose;
  if (raw.quiet && raw.verbose) return UsageError{"--quiet and --verbose exclude each other"};
  if (raw.color == "always") {
    common.color = ColorMode::always;
  } else if (raw.color == "never") {
    common.color = ColorMode::never;
  } else if (raw.color != "auto") {
    return UsageError{fmt::format("--color '{}': expected auto, always or never{}",
                                  escaped(raw.color),
                                  did_you_mean(raw.color, {"auto", "always", "never"}))};
  }
  return std::nullopt;
}

std::optional<UsageError> check_run(const RawRun& raw, RunOptions& options) {
  options.files = raw.files;
  if (std::count(raw.files.begin(), raw.files.end(), "-") > 1) {
    return UsageError{"'-' (standard input) can be read only once"};
  }
  if (auto error = check_csv(raw.files, options.csv)) return error;
  if (auto error = check_workers(raw.workers, options)) return error;
  auto grace = parse_duration(raw.grace);
  if (!grace) return UsageError{"--grace: " + grace.error().message};
  options.grace = *grace;
  if (raw.on_unknown == "hold") {
    options.on_unknown = UnknownPolicy::hold;
  } else if (raw.on_unknown != "retry") {
    return UsageError{
        fmt::format("--on-unknown '{}': expected retry or hold", escaped(raw.on_unknown))};
  }
  if (auto error = check_bounds(raw, options)) return error;
  if (raw.output == "-") {
    return UsageError{"--output needs a file; 'ratebatch results' writes to standard output"};
  }
  if (!raw.output.empty()) options.output = raw.output;
  if (raw.sandbox.empty()) return std::nullopt;
  options.sandbox = raw.sandbox == flag_without_value ? "" : raw.sandbox;
  auto sandbox = sandbox::parse_sandbox_options(*options.sandbox);
  if (!sandbox) return UsageError{"--sandbox: " + sandbox.error().message};
  return std::nullopt;
}

std::optional<UsageError> check_csv(const std::vector<std::string>& files,
                                    const input::CsvColumns& columns) {
  if (std::any_of(files.begin(), files.end(), input::is_csv_file)) return std::nullopt;
  const auto needs_csv = [](std::string_view option) {
    return UsageError{fmt::format(
        "{} is for CSV files, and none is given; lines of JSON name it themselves", option)};
  };
  if (!columns.id_column.empty()) return needs_csv("--id-column");
  if (!columns.type.empty()) return needs_csv("--type");
  return std::nullopt;
}

std::optional<UsageError> check_results(const RawResults& raw, ResultsOptions& options) {
  if (raw.format == "batch") {
    options.format = ResultFormat::batch;
  } else if (raw.format == "csv") {
    options.format = ResultFormat::csv;
  } else if (raw.format != "jsonl") {
    return UsageError{fmt::format("--format '{}': expected jsonl, batch or csv{}",
                                  escaped(raw.format),
                                  did_you_mean(raw.format, {"jsonl", "batch", "csv"}))};
  }
  if (!raw.output.empty() && raw.output != "-") options.output = raw.output;
  if (!raw.columns.empty()) {
    if (options.format != ResultFormat::csv) return UsageError{"--columns needs --format csv"};
    for (const std::string_view part : parts_of(raw.columns)) options.columns.emplace_back(part);
    const auto empty = std::find(options.columns.begin(), options.columns.end(), "");
    if (empty != options.columns.end()) {
      return UsageError{fmt::format("--columns '{}': expected names such as id,text,artist",
                                    escaped(raw.columns))};
    }
  }
  if (!raw.errors.empty()) {
    if (options.format != ResultFormat::batch) return UsageError{"--errors needs --format batch"};
    if (raw.errors == "-" || raw.errors == raw.output) {
      return UsageError{"--errors needs a file of its own"};
    }
    options.errors = raw.errors;
  }
  if (!options.follow) return std::nullopt;
  if (options.format != ResultFormat::jsonl) return UsageError{"--follow needs --format jsonl"};
  if (options.in_order) {
    return UsageError{"--follow writes results as they come, and --in-order waits for the first"};
  }
  if (options.output) {
    return UsageError{"--follow writes to standard output only: a file is complete or not there"};
  }
  return std::nullopt;
}

std::optional<UsageError> check_quota(const RawQuota& raw, QuotaCommandOptions& options) {
  constexpr std::string_view usage =
      "expected 'quota', 'quota set MODEL LIMIT=N' or 'quota reset MODEL'";
  using What = QuotaCommandOptions::What;
  if (!raw.key.empty()) options.key = raw.key;
  const std::vector<std::string>& words = raw.words;
  if (words.empty()) return std::nullopt;
  if (words.front() == "reset" && words.size() == 2) {
    options.what = What::reset;
  } else if (words.front() == "set" && words.size() == 3) {
    options.what = What::set;
  } else {
    return UsageError{std::string{usage}};
  }
  options.model = words[1];
  if (options.what == What::reset) return std::nullopt;
  const std::size_t equals = words[2].rfind('=');
  const auto used = equals == std::string::npos
                        ? std::nullopt
                        : whole_number(words[2].substr(equals + 1), 0, 1'000'000'000'000);
  if (!used || equals == 0) {
    return UsageError{
        fmt::format("quota set '{}': expected a limit and a whole number, such as "
                    "rpd=3000",
                    escaped(words[2]))};
  }
  options.limit = words[2].substr(0, equals);
  options.used = *used;
  return std::nullopt;
}

std::optional<UsageError> check_plan(const RawPlan& raw, PlanOptions& options) {
  PlanWishes& wishes = options.wishes;
  if (!raw.workers.empty()) {
    for (const std::string_view part : parts_of(raw.workers)) {
      const auto number = whole_number(part, 1, workers_max);
      if (!number) {
        return UsageError{
            fmt::format("--workers '{}': expected whole numbers from 1 to {}, such "
                        "as 1,2,4,8",
                        escaped(raw.workers), workers_max)};
      }
      wishes.workers.push_back(static_cast<std::int32_t>(*number));
    }
  }
  if (!raw.waves.empty()) {
    for (const std::string_view part : parts_of(raw.waves)) {
      const auto waves = waves_of(part);
      if (!waves) {
        return UsageError{fmt::format("--waves '{}': expected sizes and pauses such as 2x20s,3x15s",
                                      escaped(raw.waves))};
      }
      wishes.waves.push_back(*waves);
    }
  }
  if (auto error = check_length("--deadline", raw.deadline, wishes.deadline)) return error;
  if (auto error = check_length("--latency", raw.latency, wishes.latency)) return error;
  if (raw.tokens.empty()) return std::nullopt;
  wishes.tokens = whole_number(raw.tokens, 1, 1'000'000'000);
  if (wishes.tokens) return std::nullopt;
  return UsageError{fmt::format(
      "--tokens '{}': expected a whole number, the output tokens of a job", escaped(raw.tokens))};
}

std::optional<UsageError> check_retry(const RetryOptions& options) {
  const bool named = options.failed || options.unknown || options.truncated || options.changed ||
                     !options.classes.empty() || !options.ids.empty();
  if (!named) {
    return UsageError{
        "say which jobs: --failed, --unknown, --truncated, --changed, --class C or --id ID"};
  }
  const std::vector<std::string> names{outcome_class_names.begin(), outcome_class_names.end()};
  for (const std::string& name : options.classes) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    return UsageError{
        fmt::format("--class '{}' is no class{}; 'ratebatch status' lists those of "
                    "the failed jobs",
                    escaped(name), did_you_mean(name, names))};
  }
  return std::nullopt;
}

}  // namespace ratebatch::cli
