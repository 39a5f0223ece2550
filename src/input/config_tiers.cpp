// The limits and waves of a model: those of its tier, replaced by name by those stated. Waves are
// {size: 3, delay: 15s}, 3x15s, or a name for one of them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "input/config_parts.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/config_file.hpp"
#include "ratebatch/quota/tiers.hpp"

namespace ratebatch::input {
namespace {

constexpr std::int32_t size_max = 1000;
constexpr Duration delay_max = std::chrono::hours{24};

struct NamedWaves {
  std::string_view name;
  Waves waves;
};

// Of the image service they were tried with; balanced is the first to take.
constexpr std::array<NamedWaves, 4> named_waves = {{{"conservative", {2, std::chrono::seconds{20}}},
                                                    {"balanced", {3, std::chrono::seconds{15}}},
                                                    {"aggressive", {4, std::chrono::seconds{10}}},
                                                    {"true", {3, std::chrono::seconds{15}}}}};

// The row that `tier:` names; nullptr for auto, and after a complaint.
const quota::TierRow* tier_of(const ConfigNode& node, const Config& config, ModelSettings& model) {
  std::string tier;
  read_text(node, tier);
  const auto provider = config.providers.find(model.provider);
  if (tier.empty() || provider == config.providers.end()) return nullptr;
  model.tier = tier;
  if (tier == "auto") return nullptr;
  const std::string_view known_as = known_provider(provider->second);
  const quota::TierRow* row = quota::find_tier(known_as, model.id, model.kind, tier);
  if (row != nullptr) {
    model.tier = row->tier;
    return row;
  }
  std::vector<std::string> names = quota::tier_names(known_as, model.id, model.kind);
  if (names.empty()) {
    node.complain(
        fmt::format("the built-in table has no tiers for model '{}' of provider '{}'; expected "
                    "auto, with the limits of your account under limits:",
                    escaped(model.id, 80), escaped(model.provider, 80)));
  } else {
    names.emplace_back("auto");
    node.complain(fmt::format("unknown tier '{}' of model '{}'; expected one of {}",
                              escaped(tier, 60), escaped(model.id, 80), fmt::join(names, ", ")));
  }
  return nullptr;
}

LimitDefaults defaults_of(const ConfigNode& model, const Config& config,
                          const quota::TierRow* row) {
  LimitDefaults defaults{{}, config.pace_at_per_mille, config.pause_at_per_mille};
  if (row != nullptr && row->pace_at_per_mille > 0) {
    defaults.pace_at_per_mille = row->pace_at_per_mille;
  }
  if (row != nullptr && row->pause_at_per_mille > 0) {
    defaults.pause_at_per_mille = row->pause_at_per_mille;
  }
  if (const auto pace = model.find("pace_at")) {
    read_share(*pace, defaults.pace_at_per_mille, pace_at_per_mille_min, 1000);
  }
  if (const auto pause = model.find("pause_at")) {
    read_share(*pause, defaults.pause_at_per_mille, share_per_mille_min, 1000);
  }
  if (const auto reset = model.find("reset")) {
    read_reset(*reset, defaults.reset);
  } else if (row != nullptr && !row->reset.empty()) {
    // Read as if it stood in the file, so that missing zone data are complained about there.
    YamlNode tier_reset = model.find("tier")->yaml;
    tier_reset.text = row->reset;
    read_reset(model.entry(tier_reset), defaults.reset);
  }
  return defaults;
}

void replace_by_name(const Limits& stated, Limits& limits) {
  if (stated.concurrency) limits.concurrency = stated.concurrency;
  for (const Limit& limit : stated.windows) {
    const auto known = std::ranges::find(limits.windows, limit.name, &Limit::name);
    if (known == limits.windows.end()) {
      limits.windows.push_back(limit);
    } else {
      *known = limit;
    }
  }
  limits.stated = true;
}

// A reset that no limit has would have no effect.
void check_reset(const ConfigNode& node, const Reset& reset, const Limits& limits) {
  const Limit* unfit = nullptr;
  for (const Limit& limit : limits.windows) {
    if (!limit.is_long()) continue;
    if (fits(reset, limit.window)) return;
    unfit = &limit;
  }
  if (unfit == nullptr) return;
  const bool monthly = reset.kind == Reset::Kind::monthly;
  node.complain(fmt::format(
      "is for limits per {}, and '{}' is none; {}", monthly ? "month" : "day", unfit->name,
      monthly ? R"(expected "00:00 UTC" or rolling)" : R"(expected "day 1 00:00 UTC" or rolling)"));
}

}  // namespace

Result<Waves> parse_waves(std::string_view text) {
  const auto named = std::ranges::find(named_waves, text, &NamedWaves::name);
  if (named != named_waves.end()) return named->waves;
  std::string pair(text);
  std::erase(pair, ' ');
  const auto [size, after] = parted(pair, 'x');
  Waves waves;
  waves.size = whole_number<std::int32_t>(size).value_or(0);
  const auto delay = parse_duration(after.value_or(""));
  if (waves.size < 1 || waves.size > size_max || !delay || *delay > delay_max) {
    return fail(ErrorCode::invalid_input,
                fmt::format("expected waves such as 3x15s (3 at once, the next ones 15 s after the "
                            "last of them), conservative, balanced or aggressive, found '{}'{}",
                            escaped(text, 60),
                            did_you_mean(text, {"conservative", "balanced", "aggressive"})));
  }
  waves.delay = *delay;
  return waves;
}

void read_waves(const ConfigNode& node, std::optional<Waves>& out) {
  if (node.yaml.kind == YamlNode::Kind::map) {
    Waves waves{0, Duration{-1}};
    read_keys(node, {{"size", into(waves.size, read_whole, 1, size_max)},
                     {"delay", into(waves.delay, read_length, Duration{}, delay_max)}});
    constexpr std::size_t complete_items = 2;
    if (node.yaml.items.size() < complete_items) {
      return node.complain("expected both size and delay, such as {size: 3, delay: 15s}");
    }
    if (waves.size > 0 && waves.delay >= Duration{}) out = waves;
    return;
  }
  if (node.yaml.kind == YamlNode::Kind::scalar && node.yaml.text == "false") return out.reset();
  auto waves = parse_waves(node.yaml.text);
  if (!waves) return node.complain(waves.error().message);
  out = *waves;
}

void put_limits_together(const ConfigNode& model, const Config& config, ModelSettings& out) {
  const auto tier = model.find("tier");
  const quota::TierRow* row = tier ? tier_of(*tier, config, out) : nullptr;
  const LimitDefaults defaults = defaults_of(model, config, row);
  if (row != nullptr) {
    out.limits = quota::tier_limits(*row);
    for (Limit& limit : out.limits.windows) apply_defaults(defaults, limit);
    if (!model.find("waves")) out.waves = row->waves;
  }
  if (const auto limits = model.find("limits")) {
    Limits stated;
    read_limits(*limits, stated, defaults);
    const bool none = stated.windows.empty() && !stated.concurrency;
    if (none) out.limits = Limits{};
    replace_by_name(stated, out.limits);
  }
  const auto reset = model.find("reset");
  if (reset && defaults.reset) check_reset(*reset, *defaults.reset, out.limits);
}

}  // namespace ratebatch::input
