// The parts of the configuration, one reader each. All complain through their node and go on.
#pragma once

#include <string>

#include "input/config_reader.hpp"
#include "ratebatch/model/config.hpp"

namespace ratebatch {

// `limits`: a map of names, a list of windows, or none.
void read_limits(const ConfigNode& node, Limits& out);

// `retry`: what it does not name stays as it is in `out`.
void read_retry(const ConfigNode& node, RetrySettings& out);

// One entry of `providers`, on top of what `out` holds. `out.name` is set.
void read_provider(const ConfigNode& node, ProviderSettings& out);

// `keys` of a provider: sources, never a key. Replaces what `out` holds.
void read_key_sources(const ConfigNode& node, std::vector<KeySource>& out);

// One entry of `models`; the providers and the common `retry` of `config` are read already.
void read_model(const ConfigNode& node, const Config& config, ModelSettings& out);

// One entry of `types`; the models of `config` are read already.
void read_type(const ConfigNode& node, const Config& config, TypeSettings& out);

// Where a provider is: https, or http where allowed; without user, query and trailing slash. The
// reason why not, or an empty text; `url` loses its trailing slashes.
std::string normalize_base_url(std::string& url, bool allow_http);

}  // namespace ratebatch
