#include "ratebatch/input/config_file.hpp"

#include <utility>

#include "input/config_parts.hpp"
#include "input/small_file.hpp"

namespace ratebatch {
namespace {

// More in flight than any account known to us allows, and all connections of one machine besides.
constexpr std::int32_t workers_max = 10'000;

constexpr std::int32_t failures_max = 1000;

// Below half, a typing mistake is more likely than caution.
constexpr std::int32_t pace_at_per_mille_min = 500;

void read_breaker(const ConfigNode& node, BreakerSettings& out) {
  read_keys(
      node,
      {{"failures", [&](const ConfigNode& v) { read_whole(v, 1, failures_max, out.failures); }},
       {"open",
        [&](const ConfigNode& v) {
          read_length(v, std::chrono::seconds{1}, std::chrono::hours{24}, out.open_for);
        }}},
      {});
}

void read_providers(const ConfigNode& node, Config& config) {
  read_named(node, [&](const std::string& name, const ConfigNode& value) {
    ProviderSettings& provider = config.providers[name];
    provider.name = name;
    read_provider(value, provider);
  });
}

void read_models(const ConfigNode& node, Config& config) {
  read_named(node, [&](const std::string& name, const ConfigNode& value) {
    ModelSettings model;
    model.name = name;
    read_model(value, config, model);
    config.models.emplace(name, std::move(model));
  });
}

void read_types(const ConfigNode& node, Config& config) {
  read_named(node, [&](const std::string& name, const ConfigNode& value) {
    TypeSettings type;
    type.name = name;
    read_type(value, config, type);
    config.types.emplace(name, std::move(type));
  });
}

// Reads the top level. Parts that others refer to come first, wherever they stand in the file.
void read_root(const ConfigNode& root, Config& config) {
  const std::vector<LaterKey> later = {
      {"pause_at", ""}, {"slow_at", ""}, {"warn_at", ""}, {"log_usage_every", ""}};
  const auto skip = [](const ConfigNode&) {};
  const auto read_max_workers = [](const ConfigNode& v) {
    std::int32_t checked = 0;
    read_whole(v, 1, workers_max, checked);
  };
  std::vector<ConfigKey> keys = {
      {"workers", [&](const ConfigNode& v) { read_whole(v, 1, workers_max, config.workers); }},
      {"max_workers", read_max_workers},
      {"pace_at",
       [&](const ConfigNode& v) {
         read_share(v, pace_at_per_mille_min, 1000, config.pace_at_per_mille);
       }},
      {"assets", [&](const ConfigNode& v) { read_text(v, config.assets); }},
      {"providers", [&](const ConfigNode& v) { read_providers(v, config); }},
      {"models", skip},
      {"types", skip},
      {"retry", [&](const ConfigNode& v) { read_retry(v, config.retry); }},
      {"breaker", [&](const ConfigNode& v) { read_breaker(v, config.breaker); }}};
  read_keys(root, keys, later);
  for (const YamlNode& child : root.yaml.items) {
    if (child.key == "models") read_models(root.entry(child), config);
  }
  for (const YamlNode& child : root.yaml.items) {
    if (child.key == "types") read_types(root.entry(child), config);
  }
}

}  // namespace

Config built_in_config() {
  ProviderSettings openai;
  openai.name = "openai";
  openai.base_url = "https://api.openai.com/v1";
  openai.keys = {{KeySource::From::environment, "OPENAI_API_KEY"}};
  Config config;
  config.providers.emplace(openai.name, std::move(openai));
  return config;
}

Result<Config> parse_config(std::string_view text, const std::string& shown_path) {
  ConfigErrors errors(shown_path);
  if (text.size() > config_bytes_max) {
    errors.add(1, "", "the configuration is larger than 1 MiB");
    return tl::unexpected<Error>(errors.joined());
  }
  const auto root = parse_yaml(text);
  if (!root) {
    errors.add(root.error().line, "", root.error().message);
    return tl::unexpected<Error>(errors.joined());
  }
  Config config = built_in_config();
  if (root->kind == YamlNode::Kind::map || root->kind == YamlNode::Kind::null) {
    read_root({*root, "", errors}, config);
  } else {
    errors.add(root->line, "", "expected keys and values, such as workers: 4");
  }
  if (!errors.empty()) return tl::unexpected<Error>(errors.joined());
  return config;
}

Result<Config> read_config(const std::string& path) {
  auto text = read_small_file(path, config_bytes_max, FileRule::any);
  if (!text) return pass(text);
  return parse_config(*text, path);
}

}  // namespace ratebatch
