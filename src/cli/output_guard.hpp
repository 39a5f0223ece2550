// Keeps what a command writes apart from what it reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/cli/options.hpp"

namespace ratebatch {

// A file that a command is about to write, and the option that names it.
struct OutputPath {
  std::string option;  // "--output"
  std::string path;
};

// Fails with invalid_input where one of the outputs is the checkpoint (or a file beside it that
// belongs to it), one of the inputs, a folder, or lies in a folder that is not there.
Result<void> guard_outputs(const std::vector<OutputPath>& outputs, const CommonOptions& common,
                           const std::vector<std::string>& inputs);

}  // namespace ratebatch
