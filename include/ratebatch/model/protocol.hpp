// The whole language between the scheduler and the world: facts that go in, commands that come out.
// Both sets are closed; to read this file is to know the program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::inline model {

namespace event {

// Answers action::LoadJobs. `exhausted`: the route has no further job behind these.
struct JobsLoaded {
  RouteId route{};
  std::vector<JobRef> jobs;  // In the order of comes_before.
  bool exhausted = false;
};

// Answers action::CommitBatch: the batch is durable.
struct Committed {
  BatchId batch{};
};

// Answers action::CommitBatch: nothing of it was stored, for want of room. The batch comes back,
// and is offered again after a while; nothing starts until it is stored.
struct CommitFailed {
  Batch batch;
};

// Attempt k of job j ended: a reply was read, or its transfer failed.
struct AttemptEnded {
  JobSeq job{};
  AttemptNumber attempt{};
  Outcome outcome;
};

// A download for job j ended. One that was given up is not heard of any more.
struct FetchEnded {
  JobSeq job{};
  AttemptNumber attempt{};
  FetchOutcome outcome;
};

// Start nothing new; give up after `grace` what is in flight by then (0: at once). The shortest
// grace of all such events counts.
struct StopRequested {
  Duration grace{};
};

}  // namespace event

using Event = std::variant<event::JobsLoaded, event::Committed, event::CommitFailed,
                           event::AttemptEnded, event::FetchEnded, event::StopRequested>;

namespace action {

// Read the next jobs of a route that may be started. At most one is outstanding per route.
struct LoadJobs {
  RouteId route{};
  std::optional<JobCursor> after;
  std::size_t count = 0;
};

// Make this durable. At most one is outstanding.
struct CommitBatch {
  Batch batch;
};

// Send the request of a committed start. Answered by exactly one AttemptEnded.
struct Send {
  JobSeq job{};
  RouteId route{};
  AttemptNumber attempt{};
  LaneId lane{};
  KeyId key{};
};

// Break off a transfer that was sent. Answered by AttemptEnded of class unknown, unless the reply
// was there first.
struct Cancel {
  JobSeq job{};
  AttemptNumber attempt{};
};

// Download the files that the stored answer of a job announced. Answered by one FetchEnded.
struct Fetch {
  JobSeq job{};
  AttemptNumber attempt{};
};

// Break off the download for a job. Not answered.
struct CancelFetch {
  JobSeq job{};
};

enum class FinishReason : std::uint8_t {
  complete,      // No job is left that could be started.
  slice_done,    // As many jobs as the run may start are started and settled.
  stopped,       // As requested; everything in flight is settled and stored.
  no_key,        // Jobs are left, and every lane that has some has no usable key.
  no_credit,     // As paused, and an account is out of quota: a person must act.
  paused,        // Every lane with jobs is paused, and the run is not to wait.
  out_of_time,   // The run had as long as it may.
  budget,        // What may be spent is spent.
  stopped_lane,  // Jobs are left only of lanes whose first jobs all failed alike.
  downloads,     // Only downloads are left, and they reach nobody; the next run goes on with them.
  no_room,       // Stopped while the disk was full: answers that arrived could not be stored.
};

// The last action; nothing follows it.
struct Finished {
  FinishReason reason = FinishReason::complete;
  std::string words;  // Of stopped_lane: the lane, and what the server said.
};

}  // namespace action

using Action = std::variant<action::LoadJobs, action::CommitBatch, action::Send, action::Cancel,
                            action::Fetch, action::CancelFetch, action::Finished>;

// A moment on the steady clock, or on the wall clock: then it moves when that clock is set.
struct Deadline {
  std::optional<Instant> steady;
  std::optional<WallTime> wall;
};

// What the quota monitor shows: plain data for status, progress and the log.
struct LimitView {
  std::string limit;  // Its name; those over all lanes of a provider as "openai rpm".
  Resource resource = Resource::requests;
  std::int64_t used = 0;       // In the present window, reservations included.
  std::int64_t max = 0;        // The provider's number.
  std::int64_t threshold = 0;  // The share of it that is used.
  std::optional<WallTime> resets_at;
  bool is_long = false;

  friend bool operator==(const LimitView&, const LimitView&) = default;
};

// One key group at one lane.
struct KeyView {
  std::vector<std::string> keys;  // Names; refused ones are left out.
  std::string group;
  LaneStatus status;
  std::vector<LimitView> limits;
};

struct LaneQuota {
  LaneStatus status;
  bool critical = false;                    // Over all keys, a long window is nearly used up.
  std::optional<std::int32_t> concurrency;  // At once, over all keys; absent: only the workers.
  std::vector<LimitView> limits;            // Over all keys.
  std::vector<KeyView> keys;                // One per key group.
};

// Plain data for progress and status: what the scheduler does now. Totals of jobs come from the
// checkpoint, which counts only what is stored.
struct LaneSnapshot {
  LaneId lane{};
  LaneStatus status;
  std::int32_t in_flight = 0;
  std::int32_t retrying = 0;      // Jobs that wait for their own retry.
  std::vector<LimitView> limits;  // Of a lane that is paused: over all keys.
};

struct Snapshot {
  std::vector<LaneSnapshot> lanes;  // By LaneId.
  std::int32_t in_flight = 0;
  std::int32_t downloads = 0;  // Under way; they hold no worker.
  std::int32_t workers = 0;
  bool stopping = false;
  bool storage_waits = false;  // The last commit found no room.
};

}  // namespace ratebatch::inline model
