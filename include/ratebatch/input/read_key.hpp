// Gets an API key from where the configuration says it is.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/secret.hpp"

namespace ratebatch::input {

// The value of an environment variable, if it is set.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

// Longer than any key of a provider; a larger file is not a key file.
constexpr std::size_t key_bytes_max = 4096;

// The beginning of a file's path that stands for systemd's folder of credentials (the variable
// CREDENTIALS_DIRECTORY): what cred:NAME is kept as.
constexpr std::string_view credential_folder = "$CREDENTIALS_DIRECTORY/";

// True if the source is a pattern of variables (env:OPENAI_KEY_*): it stands for a source of each
// variable whose name fits, in the same group.
bool is_pattern(const KeySource& source);

// The sources that a pattern stands for among the names of variables, in the order of the names;
// none if no name fits. A source that is not a pattern stands for itself.
std::vector<KeySource> expanded(const KeySource& source, std::vector<std::string> variables);

// Reads the key, which is empty if no key is to be sent; line ends behind it do not count. A file
// must be a regular one that only its owner may read (mode 0600 or 0400), not a symbolic link; a
// credential of systemd may be read by its group too. Fails with no_key, naming the variable,
// pattern or file and what to do; never with any part of the key.
Result<Secret> read_key(const KeySource& source, const EnvironmentLookup& environment);

}  // namespace ratebatch::input
