// The core: decides which job starts when, and what an outcome means. It only composes; each policy
// has a file of its own (lane, job_queue, fetch_queue, route_trial, breaker, retry_policy,
// quota_monitor).
//
// Sans-IO: no clock, no thread, no file. Facts go in through `handle`, commands come out of `poll`,
// which is called until it returns nothing; then nothing can come before `wake_at` or another
// fact. The same calls with the same seed give the same actions.
//
// The rules it keeps, each one an invariant of the simulator:
//  1. A Send follows the commit of its start; a worker slot is held from that commit to the commit
//     of the attempt's outcome, which may start the slot's next job.
//  2. Every AttemptEnded belongs to a Send (or is ignored, if its attempt is not in flight).
//  3. Every reservation is settled or released exactly once.
//  4. Nothing starts after a stop, above a limit, or while a commit waits for room.
//  5. Memory is bounded by workers, lanes and pages, not by jobs.
//  6. A job whose answer is stored is never sent again, whatever becomes of its files.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/quota/quota_monitor.hpp"
#include "ratebatch/schedule/fetch_queue.hpp"
#include "ratebatch/schedule/lane.hpp"
#include "ratebatch/schedule/retry_policy.hpp"
#include "ratebatch/schedule/route_trial.hpp"

namespace ratebatch::schedule {

struct SchedulerOptions {
  std::int32_t workers = 4;
  UnknownPolicy on_unknown = UnknownPolicy::retry;
  std::optional<std::int64_t> jobs_max{};  // Different jobs that may be started; absent: all.
  bool wait_for_pauses = true;             // Else: end once every lane with jobs is paused.
  std::optional<Duration> runtime_max{};   // Then stop, with `grace` for what is in flight.
  Duration grace = std::chrono::seconds{30};
  bool probe_pauses = false;  // A person resumes: waits that a server imposed are probed at once.
  quota::QuotaOptions quota{};
};

class Scheduler {
 public:
  // `lanes` must outlive the scheduler. `stored`, `fetching`: what earlier runs left.
  Scheduler(const Lanes& lanes, SchedulerOptions options, Rng rng, Now now,
            const std::vector<StoredState>& stored, const std::vector<FetchingJob>& fetching = {});

  // Takes in a fact.
  void handle(Now now, Event event);

  // The next command; nullopt if there is none now, and always after Finished.
  std::optional<Action> poll(Now now);

  // The one moment at which poll may next have something, if time alone brings it. Valid after poll
  // returned nothing.
  [[nodiscard]] std::optional<Instant> wake_at() const;

  [[nodiscard]] Snapshot snapshot(Now now) const;

  // What keys and limits of a lane look like now.
  [[nodiscard]] LaneQuota quota_view(Now now, LaneId lane) const { return quota_.view(now, lane); }

 private:
  // Where a started job is on its way.
  enum class Flight : std::uint8_t { committing_start, sent, committing_end };
  struct InFlight {
    JobRef job;     // As it will be when it is put back.
    LaneId lane{};  // Where it runs...
    LaneId home{};  // ...and whose queue it came from: another one where it fell back.
    std::optional<quota::Reservation>
        reservation;         // Absent: it never fits its limits, and is not sent.
    std::string never_fits;  // The limit's name.
    Instant started_at;
    bool is_probe = false;
    bool cancelled = false;
    Flight flight = Flight::committing_start;
    std::optional<Instant> back_at;  // Put back to the queue then; nullopt: it is finished.
  };
  // A job that may start: the best of a lane, there or elsewhere.
  struct Candidate {
    LaneId lane{};
    bool falls_back = false;
  };

  void on(Now now, const event::JobsLoaded& loaded);
  void on(Now now, const event::Committed& committed);
  void on(Now now, event::CommitFailed& failed);
  void on(Now now, event::AttemptEnded& ended);
  void on(Now now, event::FetchEnded& ended);
  void on(Now now, const event::StopRequested& stop);

  std::optional<Action> next_load();
  std::optional<Action> next_fetch(Now now);
  std::optional<Action> next_commit(Now now);
  std::optional<Action> next_finish(Now now);
  void start_jobs(Now now);
  [[nodiscard]] std::optional<Candidate> pick(Now now, const std::vector<bool>& left_out);
  bool try_start(Now now, const Candidate& candidate);
  bool try_fallbacks(Now now, LaneId home);
  void start_job(Now now, LaneId home, LaneId lane, std::optional<quota::Reservation> reservation,
                 std::string never_fits);
  void withdraw_start(Now now, const AttemptStart& start);
  void send_or_fail(Now now, JobSeq seq);
  void apply(Now now, InFlight& flight, const Outcome& outcome, AttemptEnd& end);
  [[nodiscard]] Decision decide_on(Now now, InFlight& flight, const Outcome& outcome,
                                   AttemptEnd& end);
  void note_health(Now now, const InFlight& flight, const Outcome& outcome);
  void give_back_retries(Lane& failing);
  void judge_trial(InFlight& flight, const Outcome& outcome, AttemptEnd& end, Decision& decision);
  [[nodiscard]] bool others_under_way(const InFlight& flight) const;
  void reopen(const std::vector<JobSeq>& jobs);
  void unblock(PoolId pool);
  void notice_clock_step(Now now);
  void note_lane_changes(Now now);
  void note_states(Now now);
  [[nodiscard]] LaneStatus status_of(Now now, std::size_t lane) const;
  [[nodiscard]] bool has_free_worker() const;
  [[nodiscard]] bool slice_full() const;
  void cancel_all();
  [[nodiscard]] bool served_elsewhere(Now now, std::size_t lane);
  [[nodiscard]] std::optional<action::FinishReason> reason_to_finish(Now now);
  [[nodiscard]] std::string words_of_stopped_lanes() const;

  SchedulerOptions options_;
  Rng rng_;
  const Lanes& settings_;
  quota::QuotaMonitor quota_;
  std::vector<Lane> lanes_;
  std::vector<std::string> stored_breakers_;  // As last put into a batch.
  std::map<RouteId, RouteTrial> trials_;
  std::vector<LaneStatus> stored_status_;  // As last put into a batch.
  std::map<RouteId, LaneId> lane_of_route_;
  std::map<JobSeq, InFlight> in_flight_;
  FetchQueue fetches_;
  std::int64_t jobs_started_ = 0;
  Batch batch_;  // Grows until the next commit.
  std::vector<JobSeq> committing_starts_;
  std::vector<JobSeq> committing_ends_;
  std::vector<JobSeq> committing_fetches_;
  std::deque<Action> out_;
  std::optional<BatchId> committing_;
  std::optional<Instant> room_retry_at_;
  std::optional<Instant> give_up_at_;  // Set by a stop.
  std::optional<Instant> out_of_time_at_;
  bool out_of_time_ = false;
  bool gave_up_ = false;
  bool room_gave_up_ = false;  // The last try of a run that must end found no room either.
  Now polled_at_;
  bool polled_ = false;
  bool finished_ = false;
  std::int64_t last_batch_ = 0;
};

}  // namespace ratebatch::schedule
