#include <algorithm>
#include <cstdlib>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "cli/commands.hpp"
#include "cli/process_rules.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"

namespace ratebatch::cli {
namespace {

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = ::secure_getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>{value};
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
  const auto run_command = [&](const auto& options) {
    Console console{options.common, environment};
    const auto done = execute(options, {console, environment});
    if (done) return *done;
    report_error(console, done.error());
    return exit_code_of(done.error().code);
  };
  return std::visit(run_command, std::get<Command>(parsed));
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
