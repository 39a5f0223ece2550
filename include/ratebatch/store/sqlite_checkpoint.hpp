// The checkpoint in a SQLite database: the one connection that writes to it.
//
// The object holds the run lock (an fcntl lock on `DB.lock`) from before it touches the database
// until destruction. Files are made with mode 0600, and symbolic links are refused. Only one may
// exist per database in a process, and a process that has one must not copy or open the database
// or its lock file by other means than CheckpointReader.
//
// Every write is one transaction in a write-ahead log with full sync: durable when the call
// returns. Besides the port it loads jobs and puts finished ones back in the queue; both come
// before begin_run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "ratebatch/store/counts.hpp"
#include "ratebatch/store/job_loader.hpp"

namespace ratebatch::store {

// To be called once, by main, before the first checkpoint is opened; without it everything works,
// only slower. Switches off SQLite's accounting of its memory, which nobody here asks for: it takes
// a lock at each allocation, a seventh of the CPU time of storing starts and results (measured).
void set_up_sqlite();

// "3.40.1": the SQLite library that is loaded now, for `--version`.
std::string_view sqlite_version();

enum class OpenMode : std::uint8_t { create_or_open, must_exist };

// Which jobs to put back in the queue. What the members name is added up.
struct RequeueFilter {
  bool failed = false;                       // All failed ones.
  bool unknown = false;                      // Held ones; unknown ones are given new tries.
  bool truncated = false;                    // Done ones that were cut at max_tokens.
  std::vector<std::string> outcome_classes;  // Failed ones of these classes, by to_string.
  std::vector<std::string> ids;              // These, if they are held, failed, done or cancelled.
  // Done ones of these routes whose answer another recipe made; `json` is not looked at.
  std::vector<Recipe> changed;
};

struct RequeueSummary {
  // Jobs put back, by the state they had. Unknown ones stay unknown, so that their next request is
  // still counted as resent; only their counts of retries and of unknown ends begin anew.
  JobCounts requeued;
  std::vector<std::string> ids_not_found;
  std::vector<std::string> ids_open;  // In the queue already, or running.
};

class SqliteCheckpoint final : public Checkpoint {
 public:
  // Takes the lock, then opens the database at `path`, or makes it with the stamp `stamp_if_new`.
  // Fails with locked (naming the process), not_found (no database under must_exist, or no
  // directory), foreign (another kind of file, or a newer format) or io; a file that was there is
  // untouched then, and nothing is left that was not.
  static Result<std::unique_ptr<SqliteCheckpoint>> open(const std::string& path, OpenMode mode,
                                                        const CheckpointStamp& stamp_if_new);
  ~SqliteCheckpoint() override;

  // Absolute.
  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] const CheckpointStamp& stamp() const;
  // True if `open` made the database.
  [[nodiscard]] bool created() const;

  // Remembers another configuration, or, while there is no job, another stamp altogether.
  // Precondition: sandbox or live stays what it is once there are jobs.
  Result<void> set_stamp(const CheckpointStamp& stamp);

  // Removes all files of a database that this object made, so that a first load that failed leaves
  // nothing; does nothing to one that was there before. After it the object is of no further use.
  void discard_if_created();

  // Begins the transaction of a load. The loader must go before the checkpoint, and while it lives
  // no other function that writes may be called.
  Result<std::unique_ptr<JobLoader>> begin_load(SameContent same_content);

  // Makes the chosen jobs pending, with retries and unknown ends counted from 0. The result of a
  // done job stays until the next one replaces it.
  Result<RequeueSummary> requeue(const RequeueFilter& filter);

  // Stores what a person corrected while no run is going; an empty value is forgotten.
  Result<void> remember(const std::vector<StoredState>& states);

  Result<std::vector<StoredRoute>> routes() override;
  Result<RunBegun> begin_run(const RunStart& start) override;
  Result<std::vector<JobRef>> load_page(RouteId route, std::optional<JobCursor> after,
                                        std::size_t count) override;
  Result<StoredJob> job(JobSeq seq) override;
  Result<StoredFetch> fetch(JobSeq seq) override;
  Result<void> commit(const Batch& batch) override;
  Result<void> end_run(const RunEnd& end) override;
  [[nodiscard]] const Counts& counts() const override;

 private:
  friend struct SqliteCheckpointProbe;  // Of the tests: looks at the connection.
  struct Parts;
  explicit SqliteCheckpoint(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace ratebatch::store
