// What the sandbox says of itself, in JSON: its models, and what it has counted.
#pragma once

#include <string>

#include "ratebatch/sandbox/sandbox_options.hpp"
#include "ratebatch/sandbox/sandbox_server.hpp"

namespace ratebatch::sandbox {

// In the form of OpenAI's list of models.
std::string models_body(const SandboxOptions& options);

std::string stats_body(const SandboxStats& stats);

}  // namespace ratebatch::sandbox
