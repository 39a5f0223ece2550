// Options as they stand on the command line, and the checks that make plain data of them.
//
// Knows nothing of the library that reads the command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratebatch/cli/options.hpp"

namespace ratebatch::cli {

// Values as they stand on the command line, before they are checked.
struct RawCommon {
  std::string db;
  std::string config;
  std::string log_file;
  std::string color = "auto";
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool help = false;
  bool version = false;
};

struct RawRun {
  std::vector<std::string> files;
  std::string workers;
  std::string grace = "30s";
  std::string on_unknown = "retry";
  std::string sandbox;
  std::string output;
  std::string max_jobs;
  std::string max_runtime;
  std::string max_cost;
  std::string pause_at;
  std::string deadline;
  bool no_wait = false;
  bool dry_run = false;
};

struct RawResults {
  std::string output;
  std::string format = "jsonl";
  std::string columns;
  std::string errors;
};

struct RawQuota {
  std::vector<std::string> words;  // [set|reset MODEL [LIMIT=N]]
  std::string key;
};

struct RawPlan {
  std::string workers;
  std::string waves;
  std::string deadline;
  std::string latency;
  std::string tokens;
};

// What is wrong, as a text for the user.
struct UsageError {
  std::string message;
};

// Each fills in what it checked, and returns what is wrong, if anything is.
std::optional<UsageError> check_common(const RawCommon& raw,
                                       const input::EnvironmentLookup& environment,
                                       CommonOptions& common);
std::optional<UsageError> check_run(const RawRun& raw, RunOptions& options);
std::optional<UsageError> check_results(const RawResults& raw, ResultsOptions& options);
std::optional<UsageError> check_quota(const RawQuota& raw, QuotaCommandOptions& options);
std::optional<UsageError> check_plan(const RawPlan& raw, PlanOptions& options);
std::optional<UsageError> check_retry(const RetryOptions& options);

// --type and --id-column, which without a CSV file mean nothing. That a CSV file needs both is said
// where its columns are known.
std::optional<UsageError> check_csv(const std::vector<std::string>& files,
                                    const input::CsvColumns& columns);

}  // namespace ratebatch::cli
