// Gets an API key from where the configuration says it is.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/secret.hpp"

namespace ratebatch {

// The value of an environment variable, if it is set.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

// Longer than any key of a provider; a larger file is not a key file.
constexpr std::size_t key_bytes_max = 4096;

// Reads the key; line ends behind it do not count. A file must be a regular one that only its owner
// may read (mode 0600 or 0400), not a symbolic link. Fails with no_key, naming the variable or file
// and what to do; never with any part of the key.
Result<Secret> read_key(const KeySource& source, const EnvironmentLookup& environment);

}  // namespace ratebatch
