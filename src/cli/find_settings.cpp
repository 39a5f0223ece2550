#include "cli/find_settings.hpp"

#include <filesystem>
#include <set>

#include "ratebatch/input/config_file.hpp"

namespace ratebatch::cli {
namespace {

std::string absolute(const std::string& path) {
  std::error_code ignored;
  const auto full = std::filesystem::absolute(path, ignored);
  return full.empty() ? path : full.lexically_normal().string();
}

}  // namespace

Result<FoundConfig> find_settings(const CommonOptions& options, const std::string& stored,
                                  const std::vector<std::string>& job_files) {
  std::optional<std::string> path = options.config;
  const bool from_checkpoint = !path && !stored.empty();
  if (from_checkpoint) path = stored;
  if (!path) {
    path = input::find_config("", options.config_from_environment, "",
                              job_files.empty() ? "" : job_files.front());
  }
  if (!path) return FoundConfig{input::built_in_config(), ""};
  auto config = input::read_config(*path);
  if (!config) {
    if (from_checkpoint) {
      config.error().message +=
          "\nThis configuration was used last with the checkpoint; --config names another";
    }
    return pass(config);
  }
  return FoundConfig{std::move(*config), absolute(*path)};
}

Result<FoundConfig> client_settings(const CommonOptions& options,
                                    const store::CheckpointStamp& stamp) {
  auto found = find_settings(options, stamp.config_path, {});
  if (!found || !stamp.sandbox) return found;
  RB_TRY(sandbox, sandbox::parse_sandbox_options(stamp.sandbox_options));
  found->config = for_sandbox(std::move(found->config), *sandbox);
  return found;
}

Result<run::LoadReport> load_jobs(store::JobLoader& loader, const FoundConfig& found,
                                  const std::vector<std::string>& files,
                                  const run::LoadOptions& options) {
  auto loaded = run::load_files(loader, found.config, files, options);
  if (loaded || !found.path.empty() || loaded.error().code != ErrorCode::invalid_input)
    return loaded;
  return fail(ErrorCode::invalid_input,
              loaded.error().message +
                  "\nno configuration was found: 'ratebatch init' writes a ratebatch.yaml to start "
                  "from, --config names one");
}

Result<sandbox::SandboxOptions> sandbox_for(const Config& config, const std::string& text) {
  sandbox::SandboxOptions options;
  std::set<std::string> providers;
  std::map<std::string, std::set<std::string>> apis;  // By the models' ids.
  for (const auto& [name, model] : config.models) {
    apis[model.id].insert(config.providers.at(model.provider).api);
  }
  for (const auto& [name, model] : config.models) {
    const ProviderSettings& provider = config.providers.at(model.provider);
    const bool is_one = apis.at(model.id).size() == 1;
    options.models[is_one ? model.id : provider.api + "/" + model.id] = model.limits;
    providers.insert(model.provider);
    const std::optional<HttpApi>& http = model.http ? model.http : provider.http;
    if (provider.api == "http" && http) options.http[name] = {model.id, model.kind, *http};
  }
  // Jobs may name any model of such a provider.
  for (const auto& [name, provider] : config.providers) {
    if (provider.http) options.http[name + "/"] = {"", ModelKind::chat, *provider.http};
  }
  // The sandbox is one provider: it cannot keep limits over all models of several providers apart.
  if (providers.size() == 1) options.overall = config.providers.at(*providers.begin()).limits;
  return sandbox::parse_sandbox_options(text, std::move(options));
}

Config for_sandbox(Config config, const sandbox::SandboxOptions& options) {
  for (auto& [name, model] : config.models) {
    model.limits = sandbox::compressed(model.limits, options);
  }
  for (auto& [name, provider] : config.providers) {
    provider.limits = sandbox::compressed(provider.limits, options);
  }
  return config;
}

void set_pause_at(Config& config, const std::optional<std::int32_t>& per_mille) {
  if (!per_mille) return;
  config.pause_at_per_mille = *per_mille;
  const auto set = [&](Limits& limits) {
    for (Limit& limit : limits.windows) {
      if (limit.is_long()) limit.pause_at_per_mille = *per_mille;
    }
  };
  for (auto& [name, model] : config.models) set(model.limits);
  for (auto& [name, provider] : config.providers) set(provider.limits);
}

std::string assets_folder(const Config& config, const std::string& db, bool sandbox) {
  if (!config.assets.empty()) return config.assets + (sandbox ? "-sandbox" : "");
  // Two checkpoints in one folder, such as a rehearsal and the real thing, share no files.
  const std::filesystem::path path{db};
  return (path.parent_path() / (path.stem().string() + "-assets")).string();
}

}  // namespace ratebatch::cli
