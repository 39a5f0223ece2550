// The lanes of a run: which models are served, with which keys and limits, and which route of jobs
// goes where. Built once from configuration and checkpoint; indices are the ids.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch {

// Indices into the vectors of Lanes; valid for one run. On disk lanes and keys go by their names.
enum class LaneId : std::int32_t {};
enum class KeyId : std::int32_t {};
enum class PoolId : std::int32_t {};

constexpr std::size_t index_of(LaneId id) { return static_cast<std::size_t>(id); }
constexpr std::size_t index_of(KeyId id) { return static_cast<std::size_t>(id); }
constexpr std::size_t index_of(PoolId id) { return static_cast<std::size_t>(id); }

// One provider account: its keys share it, and its limits count over all its lanes.
struct KeyPool {
  std::string provider;
  Limits limits;
};

struct KeyEntry {
  std::string name;  // Of its variable or file, never the key.
  PoolId pool{};
};

// One model of one provider: its queue, limits, breaker and concurrency.
struct LaneSettings {
  std::string model;
  PoolId pool{};
  Limits limits;
  RetrySettings retry;
  BreakerSettings breaker;
};

struct RouteSettings {
  RouteId route{};
  LaneId lane{};
};

struct Lanes {
  std::vector<KeyPool> pools;
  std::vector<KeyEntry> keys;
  std::vector<LaneSettings> lanes;
  std::vector<RouteSettings> routes;
};

}  // namespace ratebatch
