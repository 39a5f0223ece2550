// The command line as plain data: one struct per command, checked as far as no file is needed.
//
// Reading it touches nothing: no file, no clock, no terminal. Environment variables come in through
// a lookup.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/cli/exit_code.hpp"
#include "ratebatch/input/csv_file.hpp"
#include "ratebatch/input/read_key.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"

namespace ratebatch::cli {

// A worker costs no thread, but a connection and a descriptor: this many fit a usual hard limit.
constexpr std::int32_t workers_max = 10'000;

enum class ColorMode : std::uint8_t { automatic, always, never };

// What --max-cost says.
struct CostMax {
  std::int64_t pico_usd = 0;
  bool per_day = false;  // In any 24 hours; else over the whole checkpoint.
};

struct CommonOptions {
  std::string db = "ratebatch.db";      // As given.
  std::optional<std::string> config;    // By --config.
  std::string config_from_environment;  // RATEBATCH_CONFIG; empty: none.
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  std::optional<std::string> log_file;
  ColorMode color = ColorMode::automatic;
};

// Both run and resume; resume has no files.
struct RunOptions {
  CommonOptions common;
  std::vector<std::string> files;       // "-": standard input.
  input::CsvColumns csv;                // Of CSV files among them.
  std::optional<std::int32_t> workers;  // Absent: as configured.
  bool workers_auto = false;            // As many as a plan finds needed.
  std::optional<Duration> deadline;     // From the start of the run.
  bool probe_pauses = false;            // `resume`: waits that a server imposed are probed at once.
  bool wait_for_pauses = true;
  std::optional<Duration> runtime_max;
  std::optional<std::int32_t> pause_at_per_mille;  // Absent: as configured.
  std::optional<CostMax> cost_max;
  bool dry_run = false;  // Check and plan, and change nothing.
  Duration grace = std::chrono::seconds{30};
  UnknownPolicy on_unknown = UnknownPolicy::retry;
  std::optional<std::string> sandbox;  // The text behind --sandbox=, maybe empty; absent: none.
  bool skip_invalid = false;
  bool update = false;
  std::optional<std::string> output;
  std::optional<std::int64_t> jobs_max;  // 0: only load.
};

struct StatusOptions {
  CommonOptions common;
  bool failed = false;              // List the failed jobs.
  bool exit_code = false;           // End with a code that mirrors the state.
  std::optional<std::string> lane;  // Only this model.
};

enum class ResultFormat : std::uint8_t { jsonl, batch, csv };

struct ResultsOptions {
  CommonOptions common;
  std::optional<std::string> output;  // Absent: standard output.
  bool in_order = false;
  ResultFormat format = ResultFormat::jsonl;
  std::optional<std::string> errors;  // With batch: the file for failures.
  std::vector<std::string> columns;   // With csv; empty: all.
  bool follow = false;                // With jsonl to standard output, in order of finishing.
};

struct RetryOptions {
  CommonOptions common;
  bool failed = false;
  bool unknown = false;
  bool truncated = false;
  bool changed = false;
  std::vector<std::string> classes;
  std::vector<std::string> ids;
};

struct CheckOptions {
  CommonOptions common;
  std::vector<std::string> files;
  input::CsvColumns csv;
  std::optional<std::string> show;  // The id of a job.
};

struct InitOptions {
  CommonOptions common;
};

struct SandboxCommandOptions {
  CommonOptions common;
  std::string settings;  // In the form of --sandbox=...; --port and --seed included.
};

// Shows usage, or corrects it.
struct QuotaCommandOptions {
  enum class What : std::uint8_t { show, set, reset };
  CommonOptions common;
  What what = What::show;
  std::string model;               // Of set and reset.
  std::string limit;               // Of set, by name.
  std::int64_t used = 0;           // Of set.
  std::optional<std::string> key;  // A key's or group's name; absent: all of them.
};

struct TiersOptions {
  CommonOptions common;
  std::optional<std::string> provider;  // Absent: all of them.
};

// What a plan is asked for; also by `run --dry-run`.
struct PlanSettings {
  std::vector<std::int32_t> workers;  // More than one: a row each. Empty: as configured.
  std::vector<Waves> waves;           // A row each.
  std::optional<Duration> deadline;
  std::optional<Duration> latency;     // Of every lane; absent: as seen, else assumed.
  std::optional<std::int64_t> tokens;  // Output of one job; absent: as seen.
};

struct PlanOptions {
  CommonOptions common;
  std::vector<std::string> files;  // Empty: the rest of the checkpoint.
  input::CsvColumns csv;
  PlanSettings settings;
  // Of `run --dry-run` only, as in RunOptions.
  std::optional<std::int32_t> pause_at_per_mille;
  std::optional<std::string> sandbox;
  bool workers_auto = false;
  bool check_keys = false;  // Fail where the run would for want of a key.
};

struct VersionOptions {
  CommonOptions common;
};

using Command = std::variant<RunOptions, StatusOptions, ResultsOptions, RetryOptions, CheckOptions,
                             InitOptions, SandboxCommandOptions, QuotaCommandOptions, TiersOptions,
                             PlanOptions, VersionOptions>;

// Nothing to run: a help text, or what is wrong with the command line.
struct EarlyExit {
  ExitCode code = ExitCode::bad_usage;
  std::string text;  // For standard output where code is done, else for standard error.
};

using ParsedCommandLine = std::variant<Command, EarlyExit>;

// Reads the arguments behind the program's name. What is wrong is said with what was expected and
// the nearest name.
ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments,
                                     const input::EnvironmentLookup& environment);

}  // namespace ratebatch::cli
