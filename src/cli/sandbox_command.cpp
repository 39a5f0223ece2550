#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "ratebatch/cli/signals.hpp"
#include "ratebatch/run/json_line.hpp"
#include "ratebatch/sandbox/sandbox_server.hpp"

namespace ratebatch::cli {

Result<ExitCode> execute(const SandboxCommandOptions& options, const CommandContext& context) {
  RB_TRY(found, find_settings(options.common, "", {}));
  RB_TRY(sandbox, sandbox_for(found->config, options.settings));
  // Nothing waits for the answers of a rehearsal: the first press ends it.
  RB_TRY(signals, StopSignals::install(Duration{}));
  const auto ready = [&](const std::string& base_url) {
    run::JsonLine json = run::json_message("sandbox");
    json["base_url"] = base_url;
    // A reader that is not there does not need the address.
    (void)context.console.write((options.common.json ? json::written(json) : base_url) + "\n");
    context.console.say("serving until Ctrl-C; GET /stats tells what was granted and refused");
  };
  RB_TRY(served, sandbox::serve_sandbox(*sandbox, (*signals)->descriptor(), ready));
  return ExitCode::done;
}

}  // namespace ratebatch::cli
