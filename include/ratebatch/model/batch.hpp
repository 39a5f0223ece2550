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

namespace ratebatch::inline model {

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
  Outcome outcome;                   // With links exactly where `to` is fetching.
  std::int32_t retries_used = 0;     // Of the job, from now on.
  std::int32_t rejections = 0;       // Likewise.
  std::optional<WallTime> ready_at;  // Where the job waits for a retry.
  Duration wait_applied{};           // What this outcome made the job or its lane wait.
  std::int64_t cost_pico_usd = 0;    // By the configured prices; 0 where there are none.
  WallTime at;
};

// What a try to download the files of an answer came to.
struct FetchOutcome {
  OutcomeClass kind = OutcomeClass::network;  // done: all of them are here.
  std::string message;             // Else, for the user: which file, why not, what to do.
  std::string advice;              // Ends the message where no other try follows.
  std::vector<std::string> files;  // Of done, as the user sees them, in the answer's order.
  std::optional<Duration> wait;    // Asked for by the server.
  bool no_room = false;            // Our disk is full: the link is not to blame.
  bool local = false;              // Our disk or folder failed otherwise: likewise.
  bool answered = false;           // The file's host sent a status line.
};

// "A try to download the files of job j came to this." Downloads cost nothing: no attempt, no
// worker, and the answer is counted already.
struct FetchEnd {
  JobSeq job{};
  AttemptNumber attempt{};           // Whose answer announced the files.
  JobState to = JobState::fetching;  // done, failed, or fetching: tried again at `ready_at`.
  FetchOutcome outcome;
  std::int32_t tries = 0;  // From now on.
  std::optional<WallTime> ready_at;
  WallTime at;
};

// Something that outlives the run, so that the next one, a second or a week later, does not start
// from nothing: what is used of a limit, a wait, what was learned, a breaker. Times in it are wall
// times.
struct StoredState {
  std::string scope;  // "lane gpt-4o-mini, keys default", "provider openai, keys default".
  std::string item;   // Limit::name, or "wait", "concurrency", "rate", "breaker", ...
  std::string value;  // Integers in text form, as their owner writes them; empty: forget it.

  friend bool operator==(const StoredState&, const StoredState&) = default;
};

enum class LaneState : std::uint8_t {
  idle,     // Nothing to do.
  running,  // Works, or could.
  waiting,  // Until `until`, as the server asked or a limit's backoff says.
  paused,   // A quota is used up; until `until`.
  tripped,  // The breaker is open.
  no_key,   // No usable key is left: a person must act.
  slowed,   // Works, at less than its limits allow, as refusals or the server's counts taught it.
  stopped,  // Its first jobs all failed alike: a person must act.
};

constexpr std::string_view to_string(LaneState state) {
  constexpr std::array<std::string_view, 8> names = {"idle",    "running", "waiting", "paused",
                                                     "tripped", "no_key",  "slowed",  "stopped"};
  return names[static_cast<std::size_t>(state)];
}

// Whether the lane has work and starts none of it now.
constexpr bool stands_still(LaneState state) {
  switch (state) {
    case LaneState::idle:
    case LaneState::running:
    case LaneState::slowed:
      return false;
    case LaneState::waiting:
    case LaneState::paused:
    case LaneState::tripped:
    case LaneState::no_key:
    case LaneState::stopped:
      return true;
  }
  return true;
}

// Whether the lane stays as it is until a person acts.
constexpr bool needs_person(LaneState state) {
  return state == LaneState::no_key || state == LaneState::stopped;
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
  std::vector<FetchEnd> fetches;     // Never of a job whose attempt ends in the same batch.
  std::vector<JobSeq> reopened;      // Failed ones that go back to pending: their lane is stopped.
  std::vector<AttemptStart> starts;  // Never of a job that ends in the same batch.
  std::vector<StoredState> states;
  std::vector<LaneChange> lanes;

  [[nodiscard]] bool empty() const {
    return ends.empty() && fetches.empty() && reopened.empty() && starts.empty() &&
           states.empty() && lanes.empty();
  }
};

}  // namespace ratebatch::inline model
