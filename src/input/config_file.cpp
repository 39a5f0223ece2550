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
  read_keys(
      node,
      {{"failures", into(out.failures, read_whole, 1, failures_max)},
       {"open", into(out.open_for, read_length, std::chrono::seconds{1}, std::chrono::hours{24})}});
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
  for (auto& [name, settings] : config.models) {
    const auto fallback = node.find(name)->find("fallback");
    if (fallback) read_fallback(*fallback, config, settings);
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
  const auto whole = [](std::int32_t& target, std::int32_t max) {
    return into(target, read_whole, 1, max);
  };
  const auto share = [](std::int32_t& target, std::int32_t min) {
    return into(target, read_share, min, 1000);
  };
  read_keys(root, {{"workers", whole(config.workers, workers_max)},
                   {"max_workers", whole(config.workers_max, workers_max)},
                   {"pause_at", share(config.pause_at_per_mille, share_per_mille_min)},
                   {"pace_at", share(config.pace_at_per_mille, pace_at_per_mille_min)},
                   {"slow_at", share(config.slow_at_per_mille, share_per_mille_min)},
                   {"warn_at", share(config.warn_at_per_mille, share_per_mille_min)},
                   {"log_usage_every", whole(config.log_usage_every, log_usage_every_max)},
                   {"assets", into(config.assets, read_assets)},
                   {"providers", read_later},
                   {"models", read_later},
                   {"types", read_later},
                   {"retry", into(config.retry, read_retry)},
                   {"breaker", into(config.breaker, read_breaker)}});
  if (const auto providers = root.find("providers")) read_providers(*providers, config);
  if (const auto models = root.find("models")) read_models(*models, config);
  if (const auto types = root.find("types")) read_types(*types, config);
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
  RB_TRY(text, read_small_file(path, config_bytes_max, FileRule::any));
  return parse_config(*text, path);
}

std::optional<std::string> find_config(const std::string& explicit_path,
                                       const std::string& from_environment,
                                       const std::string& folder,
                                       const std::string& first_job_file) {
  if (!explicit_path.empty()) return explicit_path;
  if (!from_environment.empty()) return from_environment;
  constexpr const char* name = "ratebatch.yaml";
  std::error_code ignored;
  const auto here = std::filesystem::path(folder) / name;
  if (std::filesystem::exists(here, ignored)) return here.string();
  if (first_job_file.empty() || first_job_file == "-") return std::nullopt;
  const auto beside = std::filesystem::path(first_job_file).parent_path() / name;
  if (std::filesystem::exists(beside, ignored)) return beside.string();
  return std::nullopt;
}

}  // namespace ratebatch::input
