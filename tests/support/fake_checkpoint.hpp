// A checkpoint in memory, behind the same port as the one in SQLite, for the simulator.
//
// What survives a crash is FakeCheckpointData; a FakeCheckpoint is one life of the program over it,
// and keeps nothing of its own but its run. Every commit is all or nothing. Changes that the port
// calls bugs are assertions here too.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "ratebatch/store/counts.hpp"
#include "ratebatch/store/job_loader.hpp"

namespace ratebatch {

// An attempt that ended.
struct FakeAttempt {
  AttemptNumber number{};
  WallTime started_at;
  WallTime ended_at;
  OutcomeClass kind = OutcomeClass::unknown;
};

struct FakeJob {
  JobSeq seq{};
  std::string id;
  std::string line_json;
  RouteId route{};
  std::int64_t priority = 0;
  JobSize size;
  JobState state = JobState::pending;
  AttemptNumber attempts{};
  std::int32_t retries_used = 0;
  std::int32_t rejections = 0;
  std::int32_t unknowns = 0;
  std::optional<WallTime> ready_at;
  WallTime started_at;       // Of the running attempt.
  std::int32_t results = 0;  // Answers stored, ever.
  std::string text;          // Of the last one.
  bool truncated = false;
  std::vector<FakeAttempt> ended;  // In order.
  // While it is fetching.
  std::optional<AttemptEnd> answer;
  std::int32_t fetch_tries = 0;
  std::optional<WallTime> fetch_at;
  std::vector<std::string> files;  // Of the last answer, fetched.
  WallTime finished_at;
};

struct FakeCheckpointData {
  // Adds a pending job; its id must be new. The route of its type and model is made if need be.
  JobSeq add(const store::NewJob& job);

  [[nodiscard]] FakeJob& at(JobSeq seq);

  std::vector<store::StoredRoute> routes;  // Route n stands at n - 1.
  std::vector<FakeJob> jobs;               // Job n stands at n - 1.
  store::Counts counts;
  std::map<std::pair<std::string, std::string>, std::string> states;  // By scope and item.
  std::map<std::string, LaneStatus> lanes;                            // By model.
  std::vector<store::RunStart> runs;
  std::vector<store::RunEnd> run_ends;

  // Startable jobs of a route, in the order of comes_before.
  struct Place {
    std::int64_t priority = 0;
    JobSeq seq{};
    friend bool operator<(const Place& a, const Place& b) {
      return a.priority != b.priority ? a.priority > b.priority : a.seq < b.seq;
    }
  };
  std::map<RouteId, std::set<Place>> startable;
};

class FakeCheckpoint final : public store::Checkpoint {
 public:
  // `data` must outlive it.
  explicit FakeCheckpoint(FakeCheckpointData& data) : data_(data) {}

  // The nth commit from now on (1: the next) finds no room. May be called for several.
  void fail_commit(std::int64_t nth) { full_commits_.insert(commits_ + nth); }

  Result<std::vector<store::StoredRoute>> routes() override { return data_.routes; }
  Result<store::RunBegun> begin_run(const store::RunStart& start) override;
  Result<std::vector<JobRef>> load_page(RouteId route, std::optional<JobCursor> after,
                                        std::size_t count) override;
  Result<store::StoredJob> job(JobSeq seq) override;
  Result<store::StoredFetch> fetch(JobSeq seq) override;
  Result<void> commit(const Batch& batch) override;
  Result<void> end_run(const store::RunEnd& end) override;
  [[nodiscard]] const store::Counts& counts() const override { return data_.counts; }

 private:
  void reopen(FakeJob& job);
  void end_attempt(const AttemptEnd& end);
  void start_attempt(const AttemptStart& start);
  void settle(FakeJob& job, const AttemptEnd& end);
  void store_answer(FakeJob& job, const Answer& answer);
  void end_fetch(const FetchEnd& end);
  // The one place where a job changes its state: counters and order follow.
  void move(FakeJob& job, JobState to);

  FakeCheckpointData& data_;
  std::optional<store::RunStart> run_;
  std::int64_t commits_ = 0;
  std::set<std::int64_t> full_commits_;
};

}  // namespace ratebatch
