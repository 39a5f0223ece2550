#include <algorithm>
#include <cstdlib>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "cli/commands.hpp"
#include "cli/process_rules.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/store/sqlite_setup.hpp"

namespace ratebatch::cli {
namespace {

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = ::secure_getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

Result<ExitCode> execute(const Command& command, const CommandContext& context) {
  struct Executor {
    const CommandContext& context;
    auto operator()(const RunOptions& o) const { return run_jobs(o, context); }
    auto operator()(const StatusOptions& o) const { return show_status(o, context); }
    auto operator()(const ResultsOptions& o) const { return write_out_results(o, context); }
    auto operator()(const RetryOptions& o) const { return retry_jobs(o, context); }
    auto operator()(const CheckOptions& o) const { return check_setup(o, context); }
    auto operator()(const InitOptions& o) const { return write_config(o, context); }
    auto operator()(const SandboxCommandOptions& o) const { return serve(o, context); }
    auto operator()(const QuotaCommandOptions& o) const { return do_quota(o, context); }
    auto operator()(const TiersOptions& o) const { return show_tiers(o, context); }
    auto operator()(const PlanOptions& o) const { return plan_jobs(o, context); }
    auto operator()(const VersionOptions& o) const { return show_version(o, context); }
  };
  return std::visit(Executor{context}, command);
}

ExitCode run_program(const std::vector<std::string>& arguments) {
  const input::EnvironmentLookup environment = environment_variable;
  const ParsedCommandLine parsed = parse_command_line(arguments, environment);
  if (const auto* early = std::get_if<EarlyExit>(&parsed)) {
    Console console{{}, environment};
    if (early->code != ExitCode::done) {
      console.error(early->text);
    } else if (!console.write(early->text)) {
      return ExitCode::storage;
    }
    return early->code;
  }
  const auto& command = std::get<Command>(parsed);
  Console console{common_of(command), environment};
  const auto done = execute(command, {console, environment});
  if (done) return *done;
  report_error(console, done.error());
  return exit_code_of(done.error().code);
}

}  // namespace
}  // namespace ratebatch::cli

int main(int argc, char** argv) {
  ratebatch::cli::set_process_rules();
  ratebatch::store::set_up_sqlite();
  try {
    return to_int(ratebatch::cli::run_program({argv + std::min(argc, 1), argv + argc}));
  } catch (const std::exception& e) {
    ratebatch::cli::Console{{}, [](const std::string&) { return std::nullopt; }}.error(
        std::string{"a bug in ratebatch: "} + ratebatch::escaped(e.what()));
    return to_int(ratebatch::cli::ExitCode::bug);
  }
}
