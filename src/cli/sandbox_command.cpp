#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "ratebatch/cli/signals.hpp"
#include "ratebatch/run/json_line.hpp"
#include "ratebatch/sandbox/sandbox_server.hpp"

namespace ratebatch::cli {

Result<ExitCode> execute(const SandboxCommandOptions& options, const CommandContext& context) {
  auto found = find_settings(options.common, "", {});
  if (!found) return pass(found);
  auto sandbox = sandbox_for(found->config, options.settings);
  if (!sandbox) return pass(sandbox);
  // Nothing waits for the answers of a rehearsal: the first press ends it.
  auto signals = StopSignals::install(Duration{});
  if (!signals) return pass(signals);
  const auto ready = [&](const std::string& base_url) {
    run::JsonLine json = run::json_message("sandbox");
    json["base_url"] = base_url;
    // A reader that is not there does not need the address.
    (void)context.console.write((options.common.json ? json::written(json) : base_url) + "\n");
    context.console.say("serving until Ctrl-C; GET /stats tells what was granted and refused");
  };
  auto served = sandbox::serve_sandbox(*sandbox, (*signals)->descriptor(), ready);
  if (!served) return pass(served);
  return ExitCode::done;
}

}  // namespace ratebatch::cli
