// When a lane will be done: its open jobs at the rate it had while it worked, from one boundary of
// its long limits to the next, so that pauses and resets are in it.
//
// Pure, and cheap: a step per boundary, not per job. Only a plan goes job by job.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/store/counts.hpp"

namespace ratebatch::run {

// What one job uses on average, by index_of(Resource).
using UsePerJob = std::array<double, resource_count>;

// As the counted calls show it; a request per job where there are none.
UsePerJob use_per_job(const store::CallCounts& calls, std::int64_t jobs_ended);

// One long limit, over all keys.
struct EtaWindow {
  double left = 0;       // Of the threshold, in the present window.
  double threshold = 0;  // Above 0.
  double per_job = 1;    // 0: jobs do not use it.
  std::optional<WallTime> resets_at;
  Duration window{};
  Reset reset;
};

struct EtaLane {
  std::int64_t open = 0;
  double per_minute = 0;  // While it works.
  LaneStatus status;
  std::vector<EtaWindow> windows;
};

struct Eta {
  WallTime finish_at;
  std::int64_t pauses = 0;  // The present one included.

  friend bool operator==(const Eta&, const Eta&) = default;
};

// The long limits among the views of a lane.
std::vector<EtaWindow> eta_windows(const Lanes& lanes, LaneId lane,
                                   const std::vector<LimitView>& views, const UsePerJob& use);

// nullopt if jobs are left and no rate is known, if the lane needs a person, or if the end is more
// than a year away.
std::optional<Eta> eta_of(const EtaLane& lane, WallTime now);

// Lanes work side by side: the last to end decides. nullopt if one of them is not known.
std::optional<Eta> later_of(const std::optional<Eta>& a, const std::optional<Eta>& b);

}  // namespace ratebatch::run
