// What one turn changes, to be committed as a whole: attempts that start, attempts that ended, and
// what the limits and lanes must remember.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch {

// "Attempt k of job j starts": committed before its request leaves.
struct AttemptStart {
  JobSeq job{};
  JobState from = JobState::pending;  // pending or unknown; unknown counts as resent.
  AttemptNumber attempt{};            // One more than the job had.
  LaneId lane{};
  KeyId key{};
  WallTime at;
};

// "Attempt k of job j came to this": committed before it is counted or its worker freed.
struct AttemptEnd {
  JobSeq job{};
  AttemptNumber attempt{};
  JobState to = JobState::pending;
  Outcome outcome;
  std::int32_t retries_used = 0;     // Of the job, from now on.
  std::optional<WallTime> ready_at;  // Where the job waits for a retry.
  Duration wait_applied{};           // What this outcome made the job or its lane wait.
  WallTime at;
};

// The state of one paced limit: the theoretical arrival time of its GCRA, as wall time, so that a
// run that starts a second later does not get a fresh burst.
struct LimitState {
  std::string scope;  // "lane gpt-4o-mini" or "provider openai".
  std::string limit;  // RequestLimit::name.
  WallTime arrival;
};

enum class LaneState : std::uint8_t {
  idle,     // Nothing to do.
  running,  // Works, or could.
  waiting,  // Until `until`, as the server asked or a limit's backoff says.
  paused,   // A quota is used up; until `until`.
  tripped,  // The breaker is open.
  no_key,   // No usable key is left: a person must act.
};

constexpr std::string_view to_string(LaneState state) {
  constexpr std::array<std::string_view, 6> names = {"idle",   "running", "waiting",
                                                     "paused", "tripped", "no_key"};
  return names[static_cast<std::size_t>(state)];
}

// What a lane is doing, for `status` of another process. Committed when it changes.
struct LaneStatus {
  LaneState state = LaneState::idle;
  std::string reason;             // "429", "quota", "breaker", "keys refused"; may be empty.
  std::optional<WallTime> until;  // When it goes on, where known.

  friend bool operator==(const LaneStatus&, const LaneStatus&) = default;
};

struct LaneChange {
  LaneId lane{};
  LaneStatus status;
};

enum class BatchId : std::int64_t {};

struct Batch {
  BatchId id{};
  std::vector<AttemptEnd> ends;      // Applied first.
  std::vector<AttemptStart> starts;  // Never of a job that ends in the same batch.
  std::vector<LimitState> limits;
  std::vector<LaneChange> lanes;

  [[nodiscard]] bool empty() const {
    return ends.empty() && starts.empty() && limits.empty() && lanes.empty();
  }
};

}  // namespace ratebatch
