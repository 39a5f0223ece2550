// What `status` says, worked out from a checkpoint: true also where no run is alive.
//
// Pure. The texts are made of it by status_text.hpp and status_json.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/run/progress.hpp"
#include "ratebatch/run/quota_picture.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch::run {

enum class OverallState : std::uint8_t {
  running,      // A run is alive, and something is under way or could start.
  waiting,      // A run is alive, and every lane with work waits for a short while.
  paused,       // Every lane with work waits for a quota, with a run alive or not.
  idle,         // Work is left, and nobody works on it; or there are no jobs at all.
  complete,     // Nothing is left.
  interrupted,  // Work is left, and the last run was stopped or died.
};

std::string_view to_string(OverallState state);

struct LaneReport {
  std::string model;
  std::string provider;
  LaneStatus status;
  std::optional<store::JobCounts> jobs;  // Absent where the configuration is not known.
  bool critical = false;
  std::optional<std::int32_t> concurrency;  // At once, over all keys; absent: only the workers.
  std::vector<ShownLimit> limits;           // Over all keys; empty where they are not known.
  std::vector<KeyView> keys;                // One per key group, likewise.
};

struct StatusReport {
  std::string db;  // As the user calls it.
  WallTime now;
  OverallState state = OverallState::idle;
  LaneStatus bottleneck;  // What all wait for; its reason is empty where nobody waits.
  std::string bottleneck_model;
  store::JobCounts jobs;  // `running` is what a live run has under way; else it is unknown.
  std::vector<LaneReport> lanes;
  std::optional<Duration> eta;  // Only while a run is alive.
  std::int64_t eta_pauses = 0;
  store::StatusData data;  // As read; its counts are not corrected.
};

// `config`: the one the checkpoint was run with, if it can be read. `quota`: what is used of its
// limits, if that is known; nullptr: not.
StatusReport make_status_report(store::StatusData data, const std::optional<Config>& config,
                                const QuotaPicture* quota, std::string db, WallTime now);

}  // namespace ratebatch::run
