// The parts of the configuration, one reader each. All complain through their node and go on.
#pragma once

#include <optional>
#include <string>

#include "input/config_reader.hpp"
#include "ratebatch/model/config.hpp"

namespace ratebatch::input {

// Below half, a typing mistake is more likely than caution.
constexpr std::int32_t pace_at_per_mille_min = 500;

// A pause may come as early as one wants; a share of nothing would never start.
constexpr std::int32_t share_per_mille_min = 1;

// What the limits of a model or provider have if they do not say it themselves.
struct LimitDefaults {
  std::optional<Reset> reset;  // Of long windows that it fits.
  std::int32_t pace_at_per_mille = 990;
  std::int32_t pause_at_per_mille = 800;
};

// Gives the limit these defaults; the reset if it fits its window.
void apply_defaults(const LimitDefaults& defaults, Limit& limit);

// `limits`: a map of names, a list of windows, or none.
void read_limits(const ConfigNode& node, Limits& out, const LimitDefaults& defaults);

// True if a limit of this window can begin anew so: rolling always, at a time of day if the window
// is one day long, on a day of the month if it is 28 to 31 days long.
bool fits(const Reset& reset, Duration window);

// `reset`: rolling, "00:00 America/Los_Angeles", "day 15 00:00 UTC".
void read_reset(const ConfigNode& node, std::optional<Reset>& out);

// Fills in the limits and waves of a model: those of its tier, replaced by name by those stated.
// Provider, id, kind and `out.waves` (if stated) are read already.
void put_limits_together(const ConfigNode& model, const Config& config, ModelSettings& out);

// `waves`: {size: 3, delay: 15s}, "3x15s", a name, true, or false.
void read_waves(const ConfigNode& node, std::optional<Waves>& out);

// `price`: USD per million tokens; image and characters per unit.
void read_price(const ConfigNode& node, std::optional<Price>& out);

// `fallback` of a model; the models of `config` are read already.
void read_fallback(const ConfigNode& node, const Config& config, ModelSettings& out);

// `retry`: what it does not name stays as it is in `out`.
void read_retry(const ConfigNode& node, RetrySettings& out);

// One entry of `providers`, on top of what `out` holds. `out.name` is set, and the shares of
// `config` are read already.
void read_provider(const ConfigNode& node, const Config& config, ProviderSettings& out);

// `keys` of a provider: sources, never a key. Replaces what `out` holds.
void read_key_sources(const ConfigNode& node, std::vector<KeySource>& out);

// `http`, of a provider or a model: over what `out` holds, member by member.
void read_http(const ConfigNode& node, std::optional<HttpApi>& out);

// One entry of `models`; the providers, shares and the common `retry` of `config` are read already.
// Its fallback is left to read_fallback.
void read_model(const ConfigNode& node, const Config& config, ModelSettings& out);

// One entry of `types`; the models of `config` are read already.
void read_type(const ConfigNode& node, const Config& config, TypeSettings& out);

// Where a provider is: https, or http where allowed; without user, query and trailing slash. The
// reason why not, or an empty text; `url` loses its trailing slashes.
std::string normalize_base_url(std::string& url, bool allow_http);

}  // namespace ratebatch::input
