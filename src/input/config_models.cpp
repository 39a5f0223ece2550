// Models: what is asked, which others may be asked instead, and prices in USD as people write them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "input/config_parts.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

// libcurl needs whole seconds for its stall time; a day is beyond any answer.
constexpr Duration timeout_min = std::chrono::seconds{1};
constexpr Duration timeout_max = std::chrono::hours{24};

// All but `raw`, which only a path can mean.
constexpr std::array<ModelKind, model_kind_count - 1> kinds = {
    ModelKind::chat,   ModelKind::responses,     ModelKind::image,
    ModelKind::speech, ModelKind::transcription, ModelKind::embedding};

// More digits than a pico-USD has are refused, not rounded: per million tokens 6, per unit 12.
constexpr std::size_t million_decimals = 6;
constexpr std::size_t unit_decimals = 12;

// A hundred times the dearest known ones; more is a mistake in the unit.
constexpr std::int64_t usd_per_million_max = 100'000;
constexpr std::int64_t usd_per_unit_max = 1000;

// `text` in units of the last of so many decimals: "0.15" with 6 is 150,000. nullopt for signs,
// exponents, more decimals, or more than `max`.
std::optional<std::int64_t> parse_decimals(std::string_view text, std::size_t decimals,
                                           std::int64_t max) {
  constexpr std::size_t digits_max = 9;  // Before the point.
  const auto [whole, part] = parted(text, '.');
  std::string decimal_digits(part.value_or(""));
  if (whole.empty() || whole.size() > digits_max || decimal_digits.size() > decimals ||
      text.find_first_not_of("0123456789.") != std::string_view::npos || text.ends_with('.')) {
    return std::nullopt;
  }
  decimal_digits.resize(decimals, '0');
  for (std::size_t i = 0; i < decimals; ++i) max *= 10;
  const auto value = whole_number<std::int64_t>(std::string(whole) + decimal_digits);
  return value && *value <= max ? value : std::nullopt;
}

void read_usd(const ConfigNode& node, std::int64_t& out, std::size_t decimals, std::int64_t max) {
  const auto value = node.yaml.kind == YamlNode::Kind::scalar
                         ? parse_decimals(node.yaml.text, decimals, max)
                         : std::nullopt;
  if (!value) {
    return complain_of_text(
        node, fmt::format("expected USD from 0 to {} with at most {} decimals, such as 0.15",
                          grouped(max), decimals));
  }
  out = *value;
}

void read_kind(const ConfigNode& node, std::optional<ModelKind>& out) {
  std::vector<std::pair<std::string, ModelKind>> choices;
  for (const ModelKind kind : kinds) choices.emplace_back(to_string(kind), kind);
  choice<ModelKind>(out, std::move(choices))(node);
}

// A model's description goes over that of its provider. A model of an API that nobody described
// cannot be asked; a description elsewhere has no effect.
void read_model_http(const ConfigNode& node, const Config& config, ModelSettings& model) {
  const auto http = node.find("http");
  const auto found = config.providers.find(model.provider);
  if (found == config.providers.end()) return;
  const ProviderSettings& provider = found->second;
  if (http && provider.api != "http") {
    http->complain(fmt::format("describes an API for 'api: http', and provider '{}' has '{}'",
                               escaped(provider.name, 80), provider.api));
  }
  if (provider.api == "http") model.http = provider.http;
  if (http) read_http(*http, model.http);
  if (model.http || provider.api != "http") return;
  node.complain(
      fmt::format("provider '{}' has 'api: http': missing key http, here or below it, "
                  "which says how it is asked",
                  escaped(provider.name, 80)));
}

// The provider a model names, or the only one there is.
void check_provider(const ConfigNode& node, const Config& config, ModelSettings& model) {
  std::vector<std::string> names;
  std::vector<std::string> meant;  // Where the model names none.
  for (const auto& [name, provider] : config.providers) {
    names.push_back(name);
    if (!provider.assumed) meant.push_back(name);
  }
  const auto place = node.find("provider");
  if (!place) {
    if (meant.size() == 1) {
      model.provider = meant.front();
    } else {
      node.complain("missing key provider, the name of one under providers:");
    }
    return;
  }
  if (model.provider.empty()) return;
  const auto found = config.providers.find(model.provider);
  if (found != config.providers.end()) return;
  const std::string suggestion = did_you_mean(model.provider, names);
  place->complain(
      fmt::format("unknown provider '{}'{}", escaped(model.provider, 80),
                  suggestion.empty() ? "; expected a name under providers:" : suggestion));
}

// Two names for one model of a provider would each use its whole limit.
void check_single(const ConfigNode& node, const Config& config, const ModelSettings& model) {
  const auto is_limited = [](const Limits& limits) {
    return limits.concurrency.has_value() || !limits.windows.empty();
  };
  for (const auto& [name, other] : config.models) {
    if (name == model.name || other.provider != model.provider || other.id != model.id) continue;
    if (!is_limited(model.limits) && !is_limited(other.limits)) continue;
    node.complain(
        fmt::format("is the same model of {} as '{}', and each would use its whole limit; "
                    "keep one, and put what differs into types:",
                    escaped(model.provider), escaped(name)));
  }
}

void read_target(const ConfigNode& node, const Config& config, ModelSettings& out) {
  std::string name;
  read_text(node, name);
  if (name.empty()) return;
  const auto target = find_model(config, name);
  if (!target) return node.complain(target.error().message);
  if (target->name == out.name) {
    return node.complain("is this model itself; expected another one");
  }
  if (target->kind != out.kind) {
    return node.complain(
        fmt::format("model '{}' makes something else than '{}'; expected one of "
                    "the same kind",
                    escaped(target->name, 80), escaped(out.name, 80)));
  }
  if (std::ranges::find(out.fallback_to, target->name) != out.fallback_to.end()) {
    return node.complain(fmt::format("'{}' stands twice", escaped(name, 80)));
  }
  out.fallback_to.push_back(target->name);
}

void read_cause(const ConfigNode& node, FallbackCauses& out) {
  bool FallbackCauses::* cause = nullptr;
  choice<bool FallbackCauses::*>(cause, {{"tripped", &FallbackCauses::tripped},
                                         {"no_key", &FallbackCauses::no_key},
                                         {"pause", &FallbackCauses::pause}})(node);
  if (cause != nullptr) out.*cause = true;
}

// The items of a list, or one value without brackets.
void read_values(const ConfigNode& node, std::string_view expected,
                 const std::function<void(const ConfigNode&)>& read) {
  const bool may_be =
      node.yaml.kind == YamlNode::Kind::list || node.yaml.kind == YamlNode::Kind::scalar;
  if (!may_be) return node.complain(expected);
  read_items(node, expected, read);
}

}  // namespace

void read_price(const ConfigNode& node, std::optional<Price>& out) {
  Price price;
  const auto per_million = [](std::int64_t& target) {
    return into(target, read_usd, million_decimals, usd_per_million_max);
  };
  const auto per_unit = [](std::int64_t& target) {
    return into(target, read_usd, unit_decimals, usd_per_unit_max);
  };
  if (node.yaml.items.empty()) {
    return node.complain(
        "expected USD per million tokens such as {input: 0.15, output: 0.60}, or per unit such as "
        "{image: 0.04}");
  }
  read_keys(node, {{"input", per_million(price.input_token)},
                   {"output", per_million(price.output_token)},
                   {"image", per_unit(price.image)},
                   {"characters", per_unit(price.character)}});
  out = price;
}

void read_model(const ConfigNode& node, const Config& config, ModelSettings& out) {
  out.retry = config.retry;
  std::optional<ModelKind> kind;
  read_keys(node, {{"provider", into(out.provider, read_text)},
                   {"id", into(out.id, read_text)},
                   {"kind", into(kind, read_kind)},
                   {"http", read_later},
                   {"tier", read_later},
                   {"limits", read_later},
                   {"reset", read_later},
                   {"pace_at", read_later},
                   {"pause_at", read_later},
                   {"waves", into(out.waves, read_waves)},
                   {"price", into(out.price, read_price)},
                   {"fallback", read_later},  // Once all models are known.
                   {"timeout", into(out.timeout, read_length, timeout_min, timeout_max)},
                   {"params", into(out.params_json, read_params)},
                   {"retry", into(out.retry, read_retry)},
                   {"enabled", into(out.enabled, read_boolean)}});
  if (out.id.empty()) out.id = out.name;
  out.kind = kind.value_or(kind_of_id(out.id));
  check_provider(node, config, out);
  read_model_http(node, config, out);
  put_limits_together(node, config, out);
  check_single(node, config, out);
}

void read_fallback(const ConfigNode& node, const Config& config, ModelSettings& out) {
  const auto read_to = [&](const ConfigNode& v) {
    read_values(v, "expected models such as [gpt-4o]",
                [&](const ConfigNode& item) { read_target(item, config, out); });
  };
  const auto read_on = [&](const ConfigNode& v) {
    read_values(v, "expected causes such as [tripped, no_key, pause]",
                into(out.fallback_on, read_cause));
  };
  read_keys(node, {{"to", read_to}, {"on", read_on}});
  if (!node.find("to") || !node.find("on")) {
    node.complain("expected both to and on, such as {to: [gpt-4o], on: [tripped, no_key, pause]}");
  }
}

}  // namespace ratebatch::input
