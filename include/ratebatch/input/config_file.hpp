// Reads ratebatch.yaml into a Config.
//
// Strict on purpose: a key it does not know is an error, because an ignored limit costs money.
// Literal API keys are refused and never printed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/config.hpp"

namespace ratebatch::input {

// Far above any configuration written by hand; the YAML parser never sees more.
constexpr std::size_t config_bytes_max = 1'048'576;

// At most so many complaints are shown at once; the rest is counted.
constexpr std::size_t config_errors_max = 20;

// What holds without any file: the built-in providers openai, anthropic, gemini, together,
// elevenlabs and groq, each with its key in NAME_API_KEY. All but openai are `assumed`.
Config built_in_config();

// The built-in provider that this one is, by its name or address: a key into the table of tiers.
// Empty if it is not built in.
std::string_view known_provider(const ProviderSettings& provider);

// How it counts tokens.
TokenRule token_rule(const ProviderSettings& provider);

// Waves as text: "3x15s", conservative, balanced (or true), aggressive. Fails with invalid_input.
Result<Waves> parse_waves(std::string_view text);

// Reads a configuration on top of the built-in one. Paths in it are relative to the folder of
// `shown_path`; files it names with prompt_file and system_file are read. Fails with invalid_input:
// one line per problem, "FILE:LINE: key 'a.b.c': what is wrong, what was expected".
Result<Config> parse_config(std::string_view text, const std::string& shown_path);

// Reads a configuration file of at most config_bytes_max bytes. Fails as above, with not_found, or
// with io.
Result<Config> read_config(const std::string& path);

// Which configuration file a command uses.
//
// The first of: `explicit_path` (--config), `from_environment` (RATEBATCH_CONFIG), ratebatch.yaml
// in `folder` (the working directory; empty: as seen from it), and the one beside `first_job_file`.
// Empty arguments are passed over. The first two are not looked for: a wrong one must be an error
// of whoever reads it, not a silent change of configuration.
std::optional<std::string> find_config(const std::string& explicit_path,
                                       const std::string& from_environment,
                                       const std::string& folder,
                                       const std::string& first_job_file);

// The ratebatch.yaml that `ratebatch init` writes: short, commented, ending in a newline.
// parse_config reads it without complaint (tested).
std::string_view config_template();

}  // namespace ratebatch::input
