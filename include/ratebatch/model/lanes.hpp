// The lanes of a run: which models are served, with which keys and limits, and which route of jobs
// goes where. Built once from configuration and checkpoint; indices are the ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::inline model {

// Indices into the vectors of Lanes; valid for one run. On disk lanes and keys go by their names.
enum class LaneId : std::int32_t {};
enum class KeyId : std::int32_t {};
enum class GroupId : std::int32_t {};
enum class PoolId : std::int32_t {};

constexpr std::size_t index_of(LaneId id) { return static_cast<std::size_t>(id); }
constexpr std::size_t index_of(KeyId id) { return static_cast<std::size_t>(id); }
constexpr std::size_t index_of(GroupId id) { return static_cast<std::size_t>(id); }
constexpr std::size_t index_of(PoolId id) { return static_cast<std::size_t>(id); }

// One provider.
struct KeyPool {
  std::string provider;
  Limits limits;  // Over all lanes of a key group.
  TokenRule token_rule = TokenRule::total;
};

// Keys of one provider that share one quota: an account, or a project of it.
struct KeyGroup {
  std::string name;
  PoolId pool{};
};

struct KeyEntry {
  std::string name;  // Of its variable or file, never the key.
  GroupId group{};
};

// One model of one provider: its queue, limits, breaker and concurrency.
struct LaneSettings {
  std::string model;
  PoolId pool{};
  Limits limits;  // Of each key group.
  std::optional<Waves> waves;
  RetrySettings retry;
  BreakerSettings breaker;
  std::optional<Price> price;
  // Lanes that jobs may use while this one cannot, best first, and for which causes.
  std::vector<LaneId> fallbacks;
  FallbackCauses fallback_on;
};

// What every job of a route brings, beside what its own line says.
struct RouteEstimate {
  std::int64_t input_bytes = 0;            // Of the texts around the job's own: system, template.
  std::optional<std::int64_t> output_max;  // max_tokens of type or model.
  std::int64_t images = 0;                 // Per request: 1 or n of an image model, else 0.
};

struct RouteSettings {
  RouteId route{};
  LaneId lane{};
  RouteEstimate estimate;
  bool proven = false;  // A job of it was done before this run.
};

struct Lanes {
  std::vector<KeyPool> pools;
  std::vector<KeyGroup> groups;
  std::vector<KeyEntry> keys;
  std::vector<LaneSettings> lanes;
  std::vector<RouteSettings> routes;
};

}  // namespace ratebatch::inline model
