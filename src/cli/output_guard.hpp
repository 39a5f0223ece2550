// Keeps what a command writes apart from what it reads.
#pragma once

#include <string>
#include <vector>

#include "cli/find_settings.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/cli/options.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch::cli {

// A file that a command is about to write, and the option that names it.
struct OutputPath {
  std::string option;  // "--output"
  std::string path;
  bool appended = false;  // Else replaced by a new file once that is complete.
};

std::vector<OutputPath> outputs_of(const RunOptions& options);
std::vector<OutputPath> outputs_of(const ResultsOptions& options);

// What the command line alone shows. Fails with invalid_input where an output cannot be written, is
// no ordinary file that can be replaced, is another output, the checkpoint (or a file beside it
// that belongs to it), one of `inputs`, or the configuration that the options name.
Result<void> guard_outputs(const std::vector<OutputPath>& outputs, const CommonOptions& common,
                           const std::vector<std::string>& inputs);

// Fails likewise where an output is the file of this configuration, or a key or certificate that it
// names.
Result<void> guard_config(const std::vector<OutputPath>& outputs, const FoundConfig& found);

// Fails likewise where an output is a file that jobs of the checkpoint were loaded from, or the
// configuration it was run with last; with io where the checkpoint cannot be read.
Result<void> guard_stored(const std::vector<OutputPath>& outputs, store::CheckpointReader& reader);

}  // namespace ratebatch::cli
