// Everything a run needs before its first request: configuration, checkpoint, jobs, keys.
//
// The order is what users rely on: the lock comes before any job file is read, and whatever is
// wrong (a bad line, a missing key, a checkpoint of the other kind) leaves everything as it was.
#pragma once

#include <cstdint>
#include <memory>

#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/sandbox/sandbox_server.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"

namespace ratebatch::cli {

struct RunSetup {
  FoundConfig found;
  std::unique_ptr<sandbox::SandboxServer> sandbox;  // Empty where requests go to real providers.
  std::unique_ptr<store::SqliteCheckpoint> checkpoint;
  run::Catalog catalog;           // Of the routes with work whose models are switched on.
  std::int64_t switched_off = 0;  // Jobs that wait for their model to be switched on.
};

// Does all of it, and says what was loaded. Fails as the command does.
Result<RunSetup> set_up_run(const RunOptions& options, const CommandContext& context);

}  // namespace ratebatch::cli
