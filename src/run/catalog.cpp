#include "ratebatch/run/catalog.hpp"

#include <fmt/format.h>

#include "ratebatch/base/text.hpp"
#include "ratebatch/base/url.hpp"
#include "ratebatch/input/config_file.hpp"
#include "ratebatch/input/read_key.hpp"
#include "ratebatch/input/render_job.hpp"

namespace ratebatch::run {
namespace {

// Builds a Catalog lane by lane; what two routes share is made once.
class CatalogBuilder {
 public:
  CatalogBuilder(const Config& config, const KeyReader& read_key, const CatalogOptions& options,
                 std::vector<std::string>& warnings)
      : read_key_(read_key), options_(options), warnings_(warnings) {
    catalog_.config = config;
  }

  Result<void> add_route(const store::StoredRoute& route) {
    RB_TRY(model, resolve_job_model(catalog_.config, route.type, route.model));
    RB_TRY(lane, lane_of(*model));
    catalog_.lanes.routes.push_back(
        {route.id, *lane, input::route_estimate(catalog_.config, route.type, route.model), false});
    RB_TRY(recipe, recipe_of(catalog_.config, route));
    catalog_.recipes.push_back(std::move(*recipe));
    const auto type = catalog_.config.types.find(route.type);
    if (type != catalog_.config.types.end() && type->second.accept != AcceptRules{}) {
      catalog_.accept.emplace(route.id, type->second.accept);
    }
    return {};
  }

  // Lanes that jobs may fall back to have no routes of their own, perhaps. A fallback that cannot
  // be used is none.
  void add_fallbacks() {
    for (std::size_t i = 0; i < catalog_.lanes.lanes.size(); ++i) {
      const std::vector<std::string> names = fallback_names_[i];
      for (const std::string& name : names) {
        auto model = resolve_model(catalog_.config, name);
        auto lane = model ? lane_of(*model) : Result<LaneId>{pass(model)};
        if (lane) {
          catalog_.lanes.lanes[i].fallbacks.push_back(*lane);
        } else {
          warnings_.push_back(
              fmt::format("no fallback to '{}': {}", escaped(name, 80), lane.error().message));
        }
      }
    }
  }

  Catalog take() { return std::move(catalog_); }

 private:
  Result<LaneId> lane_of(const ModelSettings& model) {
    const auto known = lane_ids_.find(model.name);
    if (known != lane_ids_.end()) return known->second;
    const ProviderSettings& provider = catalog_.config.providers.at(model.provider);
    RB_TRY(dialect, dialect_of(provider));
    RB_TRY(pool, pool_of(provider));
    const LaneId id{static_cast<std::int32_t>(catalog_.lanes.lanes.size())};
    catalog_.lanes.lanes.push_back({.model = model.name,
                                    .pool = *pool,
                                    .limits = model.limits,
                                    .waves = model.waves,
                                    .retry = model.retry,
                                    .breaker = catalog_.config.breaker,
                                    .price = model.price,
                                    .fallbacks = {},
                                    .fallback_on = model.fallback_on});
    fallback_names_.push_back(model.fallback_to);
    catalog_.endpoints.push_back(endpoint_of(provider, model));
    catalog_.endpoints.back().base_url = base_url(provider, model.name);
    catalog_.dialects.push_back(*dialect);
    lane_ids_.emplace(model.name, id);
    return id;
  }

  Result<PoolId> pool_of(const ProviderSettings& provider) {
    const auto known = pool_ids_.find(provider.name);
    if (known != pool_ids_.end()) return known->second;
    const PoolId id{static_cast<std::int32_t>(catalog_.lanes.pools.size())};
    catalog_.lanes.pools.push_back({provider.name, provider.limits, input::token_rule(provider)});
    catalog_.origins.push_back(origin_of(base_url(provider, "")));
    RB_TRY(keys, add_keys(provider, id));
    pool_ids_.emplace(provider.name, id);
    return id;
  }

  Result<void> add_keys(const ProviderSettings& provider, PoolId pool) {
    std::vector<Error> missing;
    const std::size_t before = catalog_.keys.size();
    for (const KeySource& source : key_sources(provider, options_.variables)) {
      // The stand-in counts per key: keys of one group are one account there.
      auto key = options_.sandbox_base_url
                     ? Result<Secret>{Secret{"sandbox-" + group_name(provider, source)}}
                     : read_key_(source);
      if (key) {
        add_key(source.name, group_of(provider, source, pool), std::move(*key));
      } else {
        missing.push_back(key.error());
      }
    }
    const auto found_none = [&] { return catalog_.keys.size() == before; };
    if (found_none() && options_.sandbox_base_url) {
      add_key("sandbox", group_of(provider, {}, pool), Secret{"sandbox-default"});
    }
    if (found_none() && !missing.empty()) return tl::unexpected<Error>(missing.front());
    if (found_none()) {
      return fail(ErrorCode::no_key,
                  fmt::format("provider '{}' has no keys; add 'keys: [env:NAME]' below it, or "
                              "'keys: none' where the server asks for no key",
                              provider.name));
    }
    for (const Error& error : missing) warnings_.push_back(error.message);
    return {};
  }

  static std::string group_name(const ProviderSettings& provider, const KeySource& source) {
    if (!source.group.empty()) return source.group;
    return provider.key_scope == KeyScope::shared ? "default" : source.name;
  }

  GroupId group_of(const ProviderSettings& provider, const KeySource& source, PoolId pool) {
    const std::string name = group_name(provider, source);
    std::vector<KeyGroup>& groups = catalog_.lanes.groups;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (groups[i].pool == pool && groups[i].name == name) {
        return GroupId{static_cast<std::int32_t>(i)};
      }
    }
    groups.push_back({name, pool});
    return GroupId{static_cast<std::int32_t>(groups.size() - 1)};
  }

  void add_key(const std::string& name, GroupId group, Secret key) {
    catalog_.lanes.keys.push_back({name, group});
    catalog_.keys.push_back(std::move(key));
  }

  // The stand-in has a path for each API, and for each model whose API its user described.
  [[nodiscard]] std::string base_url(const ProviderSettings& provider,
                                     const std::string& model) const {
    if (!options_.sandbox_base_url) return provider.base_url;
    if (provider.api == "openai") return *options_.sandbox_base_url;
    const std::string origin = origin_of(*options_.sandbox_base_url);
    if (provider.api == "http") return fmt::format("{}/http/{}", origin, percent_encoded(model));
    return fmt::format("{}/{}/v1", origin, provider.api);
  }

  Catalog catalog_;
  const KeyReader& read_key_;
  const CatalogOptions& options_;
  std::vector<std::string>& warnings_;
  std::map<std::string, LaneId> lane_ids_;
  std::map<std::string, PoolId> pool_ids_;
  std::vector<std::vector<std::string>> fallback_names_;  // By LaneId.
};

}  // namespace

std::vector<KeySource> key_sources(const ProviderSettings& provider,
                                   const VariableNames& variables) {
  std::vector<KeySource> sources;
  for (const KeySource& pattern : provider.keys) {
    std::vector<KeySource> fitting;
    if (input::is_pattern(pattern) && variables) fitting = input::expanded(pattern, variables());
    if (fitting.empty()) fitting.push_back(pattern);
    sources.insert(sources.end(), fitting.begin(), fitting.end());
  }
  return sources;
}

Result<const provider::Dialect*> dialect_of(const ProviderSettings& provider) {
  const provider::Dialect* dialect = provider::find_dialect(provider.api);
  if (dialect != nullptr) return dialect;
  return fail(ErrorCode::invalid_input,
              fmt::format("provider '{}': api '{}' is not supported by this version",
                          escaped(provider.name), escaped(provider.api)));
}

Endpoint endpoint_of(const ProviderSettings& provider, const ModelSettings& model) {
  return {provider.base_url,   model.id,         model.kind, model.timeout,
          provider.allow_http, provider.ca_file, model.http};
}

Result<Catalog> make_catalog(const Config& config, const std::vector<store::StoredRoute>& routes,
                             const KeyReader& read_key, const CatalogOptions& options,
                             std::vector<std::string>& warnings) {
  CatalogBuilder builder{config, read_key, options, warnings};
  for (const store::StoredRoute& route : routes) {
    RB_TRY(added, builder.add_route(route));
  }
  builder.add_fallbacks();
  return builder.take();
}

Result<Catalog> catalog_without_keys(const Config& config, std::vector<store::StoredRoute> routes,
                                     const VariableNames& variables) {
  std::erase_if(routes, [&](const store::StoredRoute& route) {
    return !resolve_job_model(config, route.type, route.model);
  });
  const KeyReader stand_in = [](const KeySource&) -> Result<Secret> { return Secret{"unused"}; };
  CatalogOptions options;
  options.variables = variables;
  std::vector<std::string> warnings;
  return make_catalog(config, routes, stand_in, options, warnings);
}

Result<store::Recipe> recipe_of(const Config& config, const store::StoredRoute& route) {
  RB_TRY(json, input::recipe_json(config, route.type, route.model));
  return store::Recipe{route.id, fnv1a_64_hex(*json), std::move(*json)};
}

std::vector<store::Recipe> known_recipes(const Config& config,
                                         const std::vector<store::StoredRoute>& routes) {
  std::vector<store::Recipe> recipes;
  for (const store::StoredRoute& route : routes) {
    auto recipe = recipe_of(config, route);
    if (recipe) recipes.push_back(std::move(*recipe));
  }
  return recipes;
}

std::string origin_of(std::string_view url) {
  const auto read = read_url(url);
  return read ? origin_text(read->origin) : std::string();
}

}  // namespace ratebatch::run
