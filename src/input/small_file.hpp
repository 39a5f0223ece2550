// Files that are read whole: configuration, templates, keys.
#pragma once

#include <cstddef>
#include <string>

#include "ratebatch/base/result.hpp"

namespace ratebatch::input {

enum class FileRule {
  any,         // Whatever can be read, also a pipe; no folder.
  owner_only,  // A regular file, no symbolic link, that only its owner may use.
};

// Reads a file of at most `bytes_max` bytes. Fails with not_found, with invalid_input if it is a
// folder, too large or against the rule, and with io. Messages name the path.
Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max, FileRule rule);

}  // namespace ratebatch::input
