// Which configuration a command works with, read and ready.
#pragma once

#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/cli/options.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/run/load.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"
#include "ratebatch/store/checkpoint.hpp"

namespace ratebatch::cli {

struct FoundConfig {
  Config config;
  std::string path;  // Absolute; empty: the built-in one, no file was found.
};

// The file of --config, else `stored` (the one a checkpoint was run with; may be empty), else of
// RATEBATCH_CONFIG, else ratebatch.yaml here or beside the first of `job_files` (if any), else the
// built-in one. Fails as read_config does.
Result<FoundConfig> find_settings(const CommonOptions& options, const std::string& stored,
                                  const std::vector<std::string>& job_files);

// The same for the checkpoint of this stamp, with the limits as a run of it keeps them: those of a
// sandbox checkpoint as the sandbox compresses them.
Result<FoundConfig> client_settings(const CommonOptions& options,
                                    const store::CheckpointStamp& stamp);

// Loads job files as run::load_files does. An error of a wrong file, where no configuration was
// found, advises to write one.
Result<run::LoadReport> load_jobs(store::JobLoader& loader, const FoundConfig& found,
                                  const std::vector<std::string>& files,
                                  const run::LoadOptions& options);

// A sandbox that keeps to the limits of `config`, changed as `text` says (see
// sandbox::parse_sandbox_options). Fails with invalid_input.
Result<sandbox::SandboxOptions> sandbox_for(const Config& config, const std::string& text);

// The configuration for a client of a sandbox of these options: with the windows it enforces.
Config for_sandbox(Config config, const sandbox::SandboxOptions& options);

// Every long limit pauses at this share, if one is given.
void set_pause_at(Config& config, const std::optional<std::int32_t>& per_mille);

// Beside the checkpoint and named after it ("ratebatch-assets" for ratebatch.db), or where the
// configuration says; a sandbox checkpoint then gets a folder beside that one.
std::string assets_folder(const Config& config, const std::string& db, bool sandbox);

}  // namespace ratebatch::cli
