// The commands: each takes its options, does its work, and says what the program ends with.
//
// An error is told to the user by the caller, and ends the program with its own code.
#pragma once

#include <string>

#include "ratebatch/base/result.hpp"
#include "ratebatch/cli/console.hpp"
#include "ratebatch/cli/exit_code.hpp"
#include "ratebatch/cli/options.hpp"

namespace ratebatch::cli {

// What every command is given. Both outlive the call.
struct CommandContext {
  Console& console;
  const input::EnvironmentLookup& environment;
};

Result<ExitCode> run_jobs(const RunOptions& options, const CommandContext& context);
Result<ExitCode> show_status(const StatusOptions& options, const CommandContext& context);
Result<ExitCode> write_out_results(const ResultsOptions& options, const CommandContext& context);
Result<ExitCode> retry_jobs(const RetryOptions& options, const CommandContext& context);
Result<ExitCode> check_setup(const CheckOptions& options, const CommandContext& context);
Result<ExitCode> write_config(const InitOptions& options, const CommandContext& context);
Result<ExitCode> serve(const SandboxCommandOptions& options, const CommandContext& context);
Result<ExitCode> do_quota(const QuotaCommandOptions& options, const CommandContext& context);
Result<ExitCode> show_tiers(const TiersOptions& options, const CommandContext& context);
Result<ExitCode> plan_jobs(const PlanOptions& options, const CommandContext& context);
Result<ExitCode> dry_run(const RunOptions& options, const CommandContext& context);
Result<ExitCode> show_version(const VersionOptions& options, const CommandContext& context);

// What the commands that a message names need behind them to mean the same checkpoint: " --db 'my
// jobs.db'", quoted for a shell; empty for the default one.
std::string command_end(const CommonOptions& options);

// Tells the user of an error, also as a JSON line where --json asks for it. An empty message is not
// told: there is nobody to read it.
void report_error(Console& console, const Error& error);

}  // namespace ratebatch::cli
