#include "cli/option_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "ratebatch/base/text.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch {
namespace {

// CLI11 gives this to a flag without a value.
constexpr std::string_view flag_without_value = "true";

template <typename Number>
std::optional<Number> whole_number(const std::string& text, Number low, Number high) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end || number < low || number > high) return {};
  return number;
}

}  // namespace

std::optional<UsageError> check_common(const RawCommon& raw, const EnvironmentLookup& environment,
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
  if (!raw.workers.empty()) {
    options.workers = whole_number(raw.workers, 1, workers_max);
    if (!options.workers) {
      return UsageError{fmt::format("--workers '{}': expected a whole number from 1 to {}",
                                    escaped(raw.workers), workers_max)};
    }
  }
  auto grace = parse_duration(raw.grace);
  if (!grace) return UsageError{"--grace: " + grace.error().message};
  options.grace = *grace;
  if (raw.on_unknown == "hold") {
    options.on_unknown = UnknownPolicy::hold;
  } else if (raw.on_unknown != "retry") {
    return UsageError{
        fmt::format("--on-unknown '{}': expected retry or hold", escaped(raw.on_unknown))};
  }
  if (!raw.max_jobs.empty()) {
    constexpr std::int64_t most = 1'000'000'000'000;
    options.jobs_max = whole_number<std::int64_t>(raw.max_jobs, 0, most);
    if (!options.jobs_max) {
      return UsageError{fmt::format("--max-jobs '{}': expected a whole number, or 0 to load only",
                                    escaped(raw.max_jobs))};
    }
  }
  if (raw.output == "-") {
    return UsageError{"--output needs a file; 'ratebatch results' writes to standard output"};
  }
  if (!raw.output.empty()) options.output = raw.output;
  if (raw.sandbox.empty()) return std::nullopt;
  options.sandbox = raw.sandbox == flag_without_value ? "" : raw.sandbox;
  auto sandbox = parse_sandbox_options(*options.sandbox);
  if (!sandbox) return UsageError{"--sandbox: " + sandbox.error().message};
  return std::nullopt;
}

std::optional<UsageError> check_retry(const RetryOptions& options) {
  if (!options.failed && !options.unknown && !options.truncated && options.classes.empty() &&
      options.ids.empty()) {
    return UsageError{"say which jobs: --failed, --unknown, --truncated, --class C or --id ID"};
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

}  // namespace ratebatch
