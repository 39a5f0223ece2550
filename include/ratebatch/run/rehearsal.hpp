// A run in virtual time: the very Scheduler of `run`, without checkpoint, network, files or clock.
//
// Jobs are made page by page from classes of equal jobs, so that a million of them cost no memory.
// What a checkpoint would hold is kept aside from the scheduler: the client can be killed at any
// moment, and the next one starts from what was committed. The same inputs give the same run.
//
// One thread. The world outside (network, provider, disk) and the observer belong to the caller.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/base/port.hpp"
#include "ratebatch/base/random.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/schedule/scheduler.hpp"

namespace ratebatch::run {

// Jobs that are alike. Those of the first class have the sequence numbers from 1, the next ones
// follow.
struct JobClass {
  RouteId route{};
  std::int64_t count = 0;
  JobSize size{};
  std::int64_t priority = 0;
};

// What is outside the client. Times are true times: steps of the client's clock do not show.
class RehearsalWorld : public Port {
 public:
  struct Reply {
    Outcome outcome;
    Duration after{};  // From the arrival at the server to the answer's arrival here.
  };

  // How long a request that leaves now is on its way. At least 0.
  virtual Duration way_there(Now /*at*/, const action::Send& /*send*/) { return {}; }

  // A request reaches the server. Called in the order of arrival.
  virtual Reply arrive(Now at, const action::Send& send) = 0;

  // How long a commit that begins now takes; meanwhile the client does nothing else. At least 0.
  virtual Duration commit_takes(Now /*at*/) { return {}; }
};

// Watches a rehearsal. Times are the client's own.
class RehearsalObserver : public Port {
 public:
  // The batch is durable: starts, outcomes, changes of lanes.
  virtual void committed(Now now, const Batch& batch) = 0;
};

struct RehearsalOptions {
  schedule::SchedulerOptions scheduler;
  std::uint64_t seed = 1;
  Now start;                        // Of both clocks.
  std::vector<StoredState> stored;  // What earlier runs left behind.
};

struct RehearsalCounts {
  std::int64_t total = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t held = 0;
  std::int64_t starts = 0;
  std::int64_t resent = 0;  // Starts of jobs whose answer nobody saw.
};

enum class RehearsalEnd : std::uint8_t {
  finished,  // The scheduler ended the run; see Rehearsal::finish.
  reached,   // The time asked for is reached.
  stuck,     // Nothing will ever happen again, or time stands still: a bug.
};

class RehearsedJobs;

class Rehearsal {
 public:
  // `lanes` and `world` must outlive the rehearsal, `observer` too where there is one. Every class
  // has a route of `lanes`.
  Rehearsal(const Lanes& lanes, std::vector<JobClass> jobs, RehearsalOptions options,
            RehearsalWorld& world, RehearsalObserver* observer = nullptr);
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;
  ~Rehearsal();

  // Goes on, with a new client where none lives, until it finishes or, at the latest, `until`.
  RehearsalEnd run(std::optional<Instant> until = std::nullopt);

  // Ends the client as kill -9 would: what is under way reaches the server, and its answers
  // nobody. A commit under way is durable or not, by chance.
  void kill();

  // Lets time pass while no client lives. Precondition: kill or a finished run came before.
  void sleep_until(Instant until);

  // As Ctrl-C. Precondition: a client lives.
  void stop(Duration grace);

  // Someone sets the client's wall clock. A sleeping client notices within a second, as the driver
  // does.
  void step_wall(Duration by);

  [[nodiscard]] Now now() const;       // By the client's clocks.
  [[nodiscard]] Now true_now() const;  // By the world's.
  [[nodiscard]] bool alive() const { return scheduler_ != nullptr; }
  // Of the last finished run.
  [[nodiscard]] const action::Finished& finish() const { return finish_; }
  [[nodiscard]] const RehearsalCounts& counts() const;
  [[nodiscard]] std::vector<StoredState> stored() const;
  [[nodiscard]] std::optional<Snapshot> snapshot() const;  // nullopt while no client lives.

 private:
  // A request on its way to the server, or its reply on the way back.
  struct Message {
    action::Send send;
    std::uint64_t life = 0;          // The client's, which sent it.
    std::optional<Outcome> outcome;  // Of a reply.
  };
  // By arrival; ties go by the order of making.
  using Messages = std::map<std::pair<Instant, std::uint64_t>, Message>;
  struct Commit {
    Batch batch;
    Instant done_at;
  };

  void begin_life();
  [[nodiscard]] bool work();
  void execute(const action::LoadJobs& load);
  void execute(action::CommitBatch& commit);
  void execute(const action::Send& send);
  void execute(const action::Cancel& cancel);
  void execute(const action::Fetch& fetch);
  void execute(const action::CancelFetch& cancel);
  void execute(const action::Finished& finished);
  void store(const Batch& batch);
  void finish_commit();
  void set_wake();
  void pass_until(Instant until);
  void deliver(Messages::node_type message);

  const Lanes& lanes_;
  RehearsalOptions options_;
  RehearsalWorld& world_;
  RehearsalObserver* observer_;
  Rng rng_;
  Instant now_;
  Duration wall_offset_{};  // Of the client's wall clock, from the true one.
  std::unique_ptr<RehearsedJobs> jobs_;
  std::map<std::pair<std::string, std::string>, std::string> states_;  // By scope and item.
  std::unique_ptr<schedule::Scheduler> scheduler_;
  action::Finished finish_;
  std::uint64_t life_ = 0;
  Messages messages_;
  std::uint64_t last_message_ = 0;
  std::deque<event::AttemptEnded> inbox_;
  std::optional<Commit> commit_;
  std::optional<Instant> wake_;  // When the client wants to be called, if nothing happens before.
  std::int32_t idle_turns_ = 0;  // In a row, at one instant.
};

}  // namespace ratebatch::run
