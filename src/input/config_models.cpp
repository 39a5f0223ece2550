// Models: what is asked, and which others may be asked instead.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "input/config_parts.hpp"
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

void read_kind(const ConfigNode& node, std::optional<ModelKind>& out) {
  std::vector<std::string> names;
  for (const ModelKind kind : kinds) {
    names.emplace_back(to_string(kind));
    if (node.yaml.text == names.back()) out = kind;
  }
  if (!out) expected_one_of(node, names);
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
  auto& names = out.fallback_to;
  if (std::find(names.begin(), names.end(), target->name) != names.end()) {
    return node.complain(fmt::format("'{}' stands twice", escaped(name, 80)));
  }
  names.push_back(target->name);
}

void read_cause(const ConfigNode& node, FallbackCauses& out) {
  constexpr std::array<std::pair<std::string_view, bool FallbackCauses::*>, 3> causes = {
      {{"tripped", &FallbackCauses::tripped},
       {"no_key", &FallbackCauses::no_key},
       {"pause", &FallbackCauses::pause}}};
  std::vector<std::string> names;
  for (const auto& [name, cause] : causes) {
    if (node.yaml.text == name) {
      out.*cause = true;
      return;
    }
    names.emplace_back(name);
  }
  expected_one_of(node, names);
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
