// The file as a whole, and what it says of retries, breakers and budgets.
#include "ratebatch/input/config_file.hpp"

#include <filesystem>
#include <map>

#include "input/config_parts.hpp"
#include "input/small_file.hpp"

namespace ratebatch::input {
namespace {

// More in flight than any account known to us allows, and all connections of one machine besides.
constexpr std::int32_t workers_max = 10'000;

constexpr std::int32_t failures_max = 1000;

constexpr std::int32_t log_usage_every_max = 1'000'000;

// Waits from a millisecond to a week: a longer one is a mistake in the unit.
constexpr Duration wait_min = std::chrono::milliseconds{1};
constexpr Duration wait_max = std::chrono::hours{24 * 7};

// Beyond this a job is not retried, it is stuck.
constexpr std::int32_t retries_max = 1000;

void read_growth(const ConfigNode& node, Growth& out) {
  const std::string& text = node.yaml.text;
  if (text != "exponential" && text != "linear") {
    return node.complain("expected exponential (each wait twice the last) or linear");
  }
  out = text == "linear" ? Growth::linear : Growth::doubling;
}

void read_rule(const ConfigNode& node, RetryRule& out, Duration* pause) {
  RetryRule rule = out;
  std::vector<ConfigKey> keys = {{"retries", into(rule.retries, read_whole, 0, retries_max)},
                                 {"base", into(rule.base, read_length, wait_min, wait_max)},
                                 {"max", into(rule.max, read_length, wait_min, wait_max)},
                                 {"growth", into(rule.growth, read_growth)}};
  if (pause != nullptr) keys.push_back({"pause", into(*pause, read_length, wait_min, wait_max)});
  read_keys(node, keys);
  if (rule.max < rule.base) {
    return node.complain("max (" + format_duration(rule.max) + ") is below base (" +
                         format_duration(rule.base) + "); expected at least as much");
  }
  out = rule;
}

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

// Reads the entries of one key, each over what the configuration has of its name.
template <typename Settings>
void read_entries(const ConfigNode& root, std::string_view key, const Config& config,
                  std::map<std::string, Settings>& out,
                  void (*read)(const ConfigNode&, const Config&, Settings&)) {
  const auto node = root.find(key);
  if (!node) return;
  read_named(*node, [&](const std::string& name, const ConfigNode& value) {
    Settings& settings = out[name];
    settings.name = name;
    read(value, config, settings);
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
  read_entries(root, "providers", config, config.providers, read_provider);
  read_entries(root, "models", config, config.models, read_model);
  for (auto& [name, settings] : config.models) {
    const auto fallback = root.find("models")->find(name)->find("fallback");
    if (fallback) read_fallback(*fallback, config, settings);
  }
  read_entries(root, "types", config, config.types, read_type);
}

}  // namespace

void read_retry(const ConfigNode& node, RetrySettings& out) {
  const auto rule = [](RetryRule& target, Duration* pause = nullptr) {
    return into(target, read_rule, pause);
  };
  read_keys(node, {{"rate_limit", rule(out.rate_limit)},
                   {"concurrency", rule(out.concurrency)},
                   {"quota", rule(out.quota, &out.quota_pause)},
                   {"server", rule(out.server)},
                   {"jitter", into(out.jitter_per_mille, read_share, 0, 1000)}});
}

Result<Config> parse_config(std::string_view text, const std::string& shown_path) {
  ConfigErrors errors(shown_path);
  const auto refuse = [&](int line, std::string_view what) {
    errors.add(line, "", what);
    return tl::unexpected<Error>(errors.joined());
  };
  if (text.size() > config_bytes_max) return refuse(1, "the configuration is larger than 1 MiB");
  const auto root = parse_yaml(text);
  if (!root) return refuse(root.error().line, root.error().message);
  if (root->kind == YamlNode::Kind::scalar || root->kind == YamlNode::Kind::list) {
    return refuse(root->line, "expected keys and values, such as workers: 4");
  }
  Config config = built_in_config();
  read_root({*root, "", errors}, config);
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
  return std::filesystem::exists(beside, ignored) ? std::optional(beside.string()) : std::nullopt;
}

}  // namespace ratebatch::input
