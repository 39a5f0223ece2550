// The checkpoint as the run sees it: the port behind which jobs, attempts and results are durable.
//
// One object per run; one thread. It holds the run lock from opening to destruction, so nobody else
// writes. SQLite stands behind it (sqlite_checkpoint.hpp), and a fake in the tests; both pass the
// same contract suite. What other processes read while a run is going is checkpoint_reader.hpp.
//
// Errors: disk_full means that nothing of the call was stored and the same call may succeed later;
// io means that the call's fate is unknown and the object is of no further use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/store/counts.hpp"

namespace ratebatch::store {

// How a checkpoint is to be run, for `resume`.
struct CheckpointStamp {
  bool sandbox = false;  // Its jobs went to the stand-in provider, not to real ones. For ever.
  std::string sandbox_options;  // As given, for the next run; empty for live ones.
  std::string config_path;      // Absolute path of the configuration used last; empty: none.

  friend bool operator==(const CheckpointStamp&, const CheckpointStamp&) = default;
};

// A type and explicit model that some stored job has.
struct StoredRoute {
  RouteId id{};
  std::string type;   // Empty: none.
  std::string model;  // As the job lines say; empty: the type's.
};

// How results of a route are made: type, model, template and parameters, as canonical JSON. Stored
// once per hash; every result names its own.
struct Recipe {
  RouteId route{};
  std::string hash;
  std::string json;
};

struct RunStart {
  std::int64_t pid = 0;
  WallTime at;
  std::int32_t workers = 0;
  UnknownPolicy on_unknown = UnknownPolicy::retry;
  Lanes lanes;  // Names behind the LaneId and KeyId of the batches to come.
  std::vector<Recipe> recipes;
};

// What a run finds when it begins.
struct RunBegun {
  std::int64_t found_unknown = 0;    // Attempts that a dead run left behind; now unknown or held.
  std::vector<StoredState> states;   // What earlier runs left.
  std::vector<FetchingJob> fetches;  // By sequence.
};

// The text of a job, as loaded.
struct StoredJob {
  std::string id;
  std::string line_json;  // The job line as it stands in its file.
  std::string file;       // Absolute path of that file; "-": it came from stdin.
};

// What is to be downloaded for a job whose answer is stored.
struct StoredFetch {
  std::string id;
  std::vector<std::string> links;  // In the answer's order.
  std::size_t files = 0;           // Those that came inside the answer, and are in place.
};

struct RunEnd {
  WallTime at;
  std::int32_t exit_code = 0;
  std::string reason;  // "complete", "interrupted", "terminated", "no_key".
};

class Checkpoint {
 public:
  Checkpoint() = default;
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;
  virtual ~Checkpoint() = default;

  // The routes of all stored jobs, by id.
  virtual Result<std::vector<StoredRoute>> routes() = 0;

  // Begins a run: jobs that a dead run left `running` become `unknown` (their attempt is recorded
  // as such), and `held` under UnknownPolicy::hold or at the unknown_times_max-th time. Under hold,
  // jobs that were unknown before become held too. Must come before load_page and commit.
  virtual Result<RunBegun> begin_run(const RunStart& start) = 0;

  // Up to `count` startable jobs of `route` behind `after`, in the order of comes_before. Fewer
  // than `count` means that there are no more.
  virtual Result<std::vector<JobRef>> load_page(RouteId route, std::optional<JobCursor> after,
                                                std::size_t count) = 0;

  // The text of a job. Precondition: it exists.
  virtual Result<StoredJob> job(JobSeq seq) = 0;

  // What is to be fetched for a job. Precondition: it is fetching.
  virtual Result<StoredFetch> fetch(JobSeq seq) = 0;

  // Stores the whole batch durably, or nothing. Every change names the state (and attempt) it
  // leaves; a batch that was stored already is accepted and changes nothing, so that a caller may
  // repeat a call whose fate it does not know. A change that fits neither is our bug: assertion.
  virtual Result<void> commit(const Batch& batch) = 0;

  // Records how the run ended.
  virtual Result<void> end_run(const RunEnd& end) = 0;

  // What is stored, counted: never older than the last commit, never read by counting rows.
  [[nodiscard]] virtual const Counts& counts() const = 0;
};

}  // namespace ratebatch::store
