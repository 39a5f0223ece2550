// The commands: each takes its options, does its work, and says what the program ends with.
//
// The caller prints an error, which ends the program with its own code.
#pragma once

#include <string>
#include <string_view>

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

Result<ExitCode> execute(const RunOptions& options, const CommandContext& context);
Result<ExitCode> execute(const StatusOptions& options, const CommandContext& context);
Result<ExitCode> execute(const ResultsOptions& options, const CommandContext& context);
Result<ExitCode> execute(const RetryOptions& options, const CommandContext& context);
Result<ExitCode> execute(const CheckOptions& options, const CommandContext& context);
Result<ExitCode> execute(const InitOptions& options, const CommandContext& context);
Result<ExitCode> execute(const SandboxCommandOptions& options, const CommandContext& context);
Result<ExitCode> execute(const QuotaCommandOptions& options, const CommandContext& context);
Result<ExitCode> execute(const TiersOptions& options, const CommandContext& context);
Result<ExitCode> execute(const PlanOptions& options, const CommandContext& context);
Result<ExitCode> execute(const VersionOptions& options, const CommandContext& context);

// What the commands that a message names need behind them to mean the same checkpoint: " --db 'my
// jobs.db'", quoted for a shell; empty for the default one.
std::string command_end(const CommonOptions& options);

// Writes the whole output of a command, which is then done. Fails as Console::write does.
Result<ExitCode> print(Console& console, std::string_view text);

// Prints an error, also as a JSON line where --json asks for it. One with an empty message is not
// printed: there is nobody to read it.
void report_error(Console& console, const Error& error);

}  // namespace ratebatch::cli
