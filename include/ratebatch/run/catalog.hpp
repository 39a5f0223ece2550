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

// "https://host:443" of an absolute http(s) URL, in lower case; empty if it is none.
std::string origin_of(std::string_view url);

}  // namespace ratebatch::run
