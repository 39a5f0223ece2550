// Models and types: what jobs name.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "input/config_parts.hpp"
#include "input/small_file.hpp"
#include "ratebatch/base/template_text.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/config_file.hpp"

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
  const std::string& text = node.yaml.text;
  std::vector<std::string> names;
  for (const ModelKind kind : kinds) {
    names.emplace_back(to_string(kind));
    if (text == names.back()) out = kind;
  }
  if (out) return;
  node.complain(fmt::format("expected one of {}, found '{}'{}", fmt::join(names, ", "),
                            escaped(text, 60), did_you_mean(text, names)));
}

// A model's description goes over that of its provider. A model of an API that nobody described
// cannot be asked; a description elsewhere has no effect.
void read_model_http(const ConfigNode& node, const YamlNode* http, const Config& config,
                     ModelSettings& model) {
  const auto found = config.providers.find(model.provider);
  if (found == config.providers.end()) return;
  const ProviderSettings& provider = found->second;
  if (http != nullptr && provider.api != "http") {
    node.entry(*http).complain(
        fmt::format("describes an API for 'api: http', and provider '{}' has '{}'",
                    escaped(provider.name, 80), provider.api));
  }
  if (provider.api == "http") model.http = provider.http;
  if (http != nullptr) read_http(node.entry(*http), model.http);
  if (model.http || provider.api != "http") return;
  node.complain(
      fmt::format("provider '{}' has 'api: http': missing key http, here or below it, "
                  "which says how it is asked",
                  escaped(provider.name, 80)));
}

// The provider a model names, or the only one there is.
void check_provider(const ConfigNode& node, const YamlNode* place, const Config& config,
                    ModelSettings& model) {
  std::vector<std::string> names;
  std::vector<std::string> meant;  // Where the model names none.
  for (const auto& [name, provider] : config.providers) {
    names.push_back(name);
    if (!provider.assumed) meant.push_back(name);
  }
  if (place == nullptr) {
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
  node.entry(*place).complain(
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

// `prompt` or `prompt_file`; a second one for the same text is an error.
void read_inline(const ConfigNode& node, bool& given, std::string& out) {
  if (given) return node.complain("stands beside the same text in a file; give one of them");
  given = true;
  read_template(node, out);
}

void read_from_file(const ConfigNode& node, bool& given, std::string& out) {
  if (given) return node.complain("stands beside the same text in place; give one of them");
  given = true;
  std::string path;
  read_text(node, path);
  if (path.empty()) return;
  const auto text = read_small_file(node.errors.resolved(path), config_bytes_max, FileRule::any);
  if (!text) return node.complain(text.error().message);
  const std::string shown = escaped(node.errors.resolved(path));
  if (!is_valid_utf8(*text)) return node.complain(shown + ": invalid UTF-8");
  if (text->empty()) return node.complain(shown + ": is empty");
  const auto parsed = TextTemplate::parse(*text);
  if (!parsed) return node.complain(shown + ": " + parsed.error().message);
  out = *text;
}

}  // namespace

void read_model(const ConfigNode& node, const Config& config, ModelSettings& out) {
  out.retry = config.retry;
  std::optional<ModelKind> kind;
  const YamlNode* provider = nullptr;
  const YamlNode* http = nullptr;
  LimitParts parts;
  const auto keep = [](const YamlNode*& place) {
    return [&place](const ConfigNode& v) { place = &v.yaml; };
  };
  const auto share = [](std::optional<std::int32_t>& target, std::int32_t min) {
    return [&target, min](const ConfigNode& v) {
      std::int32_t value = 0;
      read_share(v, min, 1000, value);
      if (value > 0) target = value;
    };
  };
  read_keys(node,
            {{"provider",
              [&](const ConfigNode& v) {
                provider = &v.yaml;
                read_text(v, out.provider);
              }},
             {"id", [&](const ConfigNode& v) { read_text(v, out.id); }},
             {"kind", [&](const ConfigNode& v) { read_kind(v, kind); }},
             {"http", keep(http)},
             {"tier", keep(parts.tier)},
             {"limits", keep(parts.limits)},
             {"reset", keep(parts.reset)},
             {"pace_at", share(parts.pace_at_per_mille, pace_at_per_mille_min)},
             {"pause_at", share(parts.pause_at_per_mille, share_per_mille_min)},
             {"waves",
              [&](const ConfigNode& v) {
                parts.has_waves = true;
                read_waves(v, out.waves);
              }},
             {"price", [&](const ConfigNode& v) { read_price(v, out.price); }},
             {"fallback", [](const ConfigNode&) {}},  // Once all models are known.
             {"timeout",
              [&](const ConfigNode& v) { read_length(v, timeout_min, timeout_max, out.timeout); }},
             {"params", [&](const ConfigNode& v) { read_params(v, out.params_json); }},
             {"retry", [&](const ConfigNode& v) { read_retry(v, out.retry); }},
             {"enabled", [&](const ConfigNode& v) { read_boolean(v, out.enabled); }}});
  if (out.id.empty()) out.id = out.name;
  out.kind = kind.value_or(kind_of_id(out.id));
  check_provider(node, provider, config, out);
  read_model_http(node, http, config, out);
  put_limits_together(node, parts, config, out);
  check_single(node, config, out);
}

void read_type(const ConfigNode& node, const Config& config, TypeSettings& out) {
  bool has_system = false;
  bool has_prompt = false;
  const auto read_model_name = [&](const ConfigNode& v) {
    read_text(v, out.model);
    if (out.model.empty()) return;
    const auto model = find_model(config, out.model);
    if (!model) v.complain(model.error().message);
  };
  read_keys(
      node,
      {{"model", read_model_name},
       {"system", [&](const ConfigNode& v) { read_inline(v, has_system, out.system); }},
       {"prompt", [&](const ConfigNode& v) { read_inline(v, has_prompt, out.prompt); }},
       {"system_file", [&](const ConfigNode& v) { read_from_file(v, has_system, out.system); }},
       {"prompt_file", [&](const ConfigNode& v) { read_from_file(v, has_prompt, out.prompt); }},
       {"params", [&](const ConfigNode& v) { read_params(v, out.params_json); }},
       {"accept", [&](const ConfigNode& v) { read_accept(v, out.accept); }}});
}

}  // namespace ratebatch::input
