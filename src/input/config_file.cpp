#include "ratebatch/input/config_file.hpp"

#include <filesystem>
#include <utility>

#include "input/config_parts.hpp"
#include "input/small_file.hpp"

namespace ratebatch::input {
namespace {

// More in flight than any account known to us allows, and all connections of one machine besides.
constexpr std::int32_t workers_max = 10'000;

constexpr std::int32_t failures_max = 1000;

constexpr std::int32_t log_usage_every_max = 1'000'000;

void read_breaker(const ConfigNode& node, BreakerSettings& out) {
  read_keys(node, {{"failures",
                    [&](const ConfigNode& v) { read_whole(v, 1, failures_max, out.failures); }},
                   {"open", [&](const ConfigNode& v) {
                      read_length(v, std::chrono::seconds{1}, std::chrono::hours{24}, out.open_for);
                    }}});
}

void read_assets(const ConfigNode& node, std::string& out) {
  std::string folder;
  read_text(node, folder);
  if (folder.empty()) return;
  if (folder.front() == '~') return node.complain("~ is not expanded here; write the whole path");
  // Paths below it are shown and stored: no "./" in their middle.
  const auto path = std::filesystem::path(node.errors.resolved(folder)).lexically_normal();
  out = (path.has_filename() ? path : path.parent_path()).string();
}

void read_providers(const ConfigNode& node, Config& config) {
  read_named(node, [&](const std::string& name, const ConfigNode& value) {
    ProviderSettings& provider = config.providers[name];
    provider.name = name;
    provider.assumed = false;
    read_provider(value, config, provider);
  });
}

void read_models(const ConfigNode& node, Config& config) {
  read_named(node, [&](const std::string& name, const ConfigNode& value) {
    ModelSettings model;
    model.name = name;
    read_model(value, config, model);
    config.models.emplace(name, std::move(model));
  });
  for (const YamlNode& model : node.yaml.items) {
    const auto settings = config.models.find(model.key);
    if (settings == config.models.end()) continue;
    for (const YamlNode& child : model.items) {
      if (child.key != "fallback") continue;
      read_fallback(node.entry(model).entry(child), config, settings->second);
    }
  }
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
  const auto skip = [](const ConfigNode&) {};
  const auto whole = [](std::int32_t max, std::int32_t& target) {
    return [max, &target](const ConfigNode& v) { read_whole(v, 1, max, target); };
  };
  const auto share = [](std::int32_t min, std::int32_t& target) {
    return [min, &target](const ConfigNode& v) { read_share(v, min, 1000, target); };
  };
  read_keys(root, {{"workers", whole(workers_max, config.workers)},
                   {"max_workers", whole(workers_max, config.workers_max)},
                   {"pause_at", share(share_per_mille_min, config.pause_at_per_mille)},
                   {"pace_at", share(pace_at_per_mille_min, config.pace_at_per_mille)},
                   {"slow_at", share(share_per_mille_min, config.slow_at_per_mille)},
                   {"warn_at", share(share_per_mille_min, config.warn_at_per_mille)},
                   {"log_usage_every", whole(log_usage_every_max, config.log_usage_every)},
                   {"assets", [&](const ConfigNode& v) { read_assets(v, config.assets); }},
                   {"providers", skip},
                   {"models", skip},
                   {"types", skip},
                   {"retry", [&](const ConfigNode& v) { read_retry(v, config.retry); }},
                   {"breaker", [&](const ConfigNode& v) { read_breaker(v, config.breaker); }}});
  const auto read_part = [&](std::string_view name, const auto& read) {
    for (const YamlNode& child : root.yaml.items) {
      if (child.key == name) read(root.entry(child), config);
    }
  };
  read_part("providers", read_providers);
  read_part("models", read_models);
  read_part("types", read_types);
}

}  // namespace

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

}  // namespace ratebatch::input
