// Everything a run needs to know about where its jobs go: lanes with their endpoints, dialects and
// keys, built once from the configuration and the routes of the checkpoint.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job_content.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/secret.hpp"
#include "ratebatch/provider/dialect.hpp"
#include "ratebatch/store/checkpoint.hpp"

namespace ratebatch::run {

struct Catalog {
  Config config;
  Lanes lanes;
  // By LaneId.
  std::vector<Endpoint> endpoints;
  std::vector<const provider::Dialect*> dialects;
  // By KeyId.
  std::vector<Secret> keys;
  // By PoolId: scheme://host:port that keys of the pool may be sent to.
  std::vector<std::string> origins;
  // One per route that is served.
  std::vector<store::Recipe> recipes;
  // What the types of routes ask of an answer, where they ask for anything.
  std::map<RouteId, AcceptRules> accept;
};

// Reads one key; fails with no_key, saying what to do.
using KeyReader = std::function<Result<Secret>(const KeySource&)>;

// The names of the environment's variables, for patterns of keys.
using VariableNames = std::function<std::vector<std::string>()>;

// The keys of a provider, each pattern as the variables that fit it. One that fits none stands for
// itself: reading it says so.
std::vector<KeySource> key_sources(const ProviderSettings& provider,
                                   const VariableNames& variables);

// The dialect of the provider's API. Fails with invalid_input if this version does not speak it.
Result<const provider::Dialect*> dialect_of(const ProviderSettings& provider);

// Where the requests of a model go.
Endpoint endpoint_of(const ProviderSettings& provider, const ModelSettings& model);

struct CatalogOptions {
  // Every lane goes there instead, with no key of the user's: the sandbox. This is its path for
  // OpenAI's API; those of others lie beside it, see SandboxServer.
  std::optional<std::string> sandbox_base_url;
  VariableNames variables;  // Absent: there are none.
};

// Builds the catalog for the routes in `routes` (those with jobs to do). Fails with invalid_input
// where a route's model or type is not configured any more or is switched off, with no_key where a
// provider in use has no readable key. `warnings` names keys that are missing beside a readable
// one.
Result<Catalog> make_catalog(const Config& config, const std::vector<store::StoredRoute>& routes,
                             const KeyReader& read_key, const CatalogOptions& options,
                             std::vector<std::string>& warnings);

// The lanes of the routes, with a stand-in for every key. Routes whose model is not configured any
// more, or switched off, have none. Fails as make_catalog does.
Result<Catalog> catalog_without_keys(const Config& config, std::vector<store::StoredRoute> routes,
                                     const VariableNames& variables);

// How the results of a route are made now. Fails with invalid_input if the configuration does not
// know the route's type or model.
Result<store::Recipe> recipe_of(const Config& config, const store::StoredRoute& route);

// Those of all routes that the configuration still knows.
std::vector<store::Recipe> known_recipes(const Config& config,
                                         const std::vector<store::StoredRoute>& routes);

// "https://host:443" of an absolute http(s) URL, in lower case; empty if it is none.
std::string origin_of(std::string_view url);

}  // namespace ratebatch::run
