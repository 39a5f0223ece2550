// One lane at work: its queue, its breaker, and what is in flight. It answers "may a job
// start here now, and if not, when"; the scheduler asks all lanes and picks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/quota/quota_scope.hpp"
#include "ratebatch/schedule/breaker.hpp"
#include "ratebatch/schedule/job_queue.hpp"

namespace ratebatch::schedule {

class Lane {
 public:
  // `settings` must outlive the lane.
  Lane(const LaneSettings& settings, const std::vector<RouteId>& routes);

  [[nodiscard]] JobQueue& queue() { return queue_; }
  [[nodiscard]] const JobQueue& queue() const { return queue_; }
  [[nodiscard]] Breaker& breaker() { return breaker_; }
  [[nodiscard]] const LaneSettings& settings() const { return settings_; }
  // Requests under way: started, and no outcome known.
  [[nodiscard]] std::int32_t in_flight() const { return started_ - ended_; }

  // The best job, if one may start as far as breaker and quota blocks go; else nullptr.
  [[nodiscard]] const JobRef* startable(Now now);

  // The best job, if the lane cannot start it for a cause that sends its jobs elsewhere, and the
  // job may go; else nullptr.
  [[nodiscard]] const JobRef* fallback_job(Now now);

  // Whether a job of another lane may start here now, as far as the breaker goes.
  [[nodiscard]] bool takes_others(Now now) const {
    return !stopped_ && breaker_.allows(now.steady);
  }

  // Remembers that the quota monitor refused the lane, until it may be asked again; and forgets it.
  void block(const quota::Refusal& refusal) { blocked_ = refusal; }
  void unblock() { blocked_.reset(); }
  [[nodiscard]] const std::optional<quota::Refusal>& blocked() const { return blocked_; }

  // When a lane that its jobs may fall back to may next take one, where it just could not.
  void note_fallback(std::optional<Instant> earliest) { fallback_at_ = earliest; }

  // Takes the best job out of the queue. Precondition: it has one.
  JobRef take_job(Now now) { return queue_.take_head(now.steady); }

  // A job, of this lane or another, starts here. Returns whether it is a breaker's probe; one that
  // is never sent (`is_sent`) is none.
  bool start(bool is_sent);

  // A job failed for the server's sake, in a row of failures that may open the breaker.
  void note_failed(JobSeq job) { failed_row_.push_back(job); }
  void clear_failed_row() { failed_row_.clear(); }
  [[nodiscard]] std::vector<JobSeq> take_failed_row() { return std::exchange(failed_row_, {}); }

  // What the server said when the breaker opened, for `status`.
  void note_trip(std::string words) { trip_words_ = std::move(words); }

  // Its first jobs all failed alike: it starts nothing more in this run.
  void stop(std::string words);
  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] const std::string& words() const { return words_; }

  // Nothing is left that this run could start.
  [[nodiscard]] bool exhausted() const { return stopped_ || queue_.drained(); }

  // The outcome of a started job is known. It may make room for another start at once, which is
  // committed together with it.
  void ended() { ++ended_; }

  // What `ended` said is committed, or the start was withdrawn.
  void landed();

  // When, after `now`, `startable` may change by the passing of time alone.
  [[nodiscard]] std::optional<Instant> wake_at(Now now) const;

  // What the lane is doing. `quota`: what keys and limits let it do.
  [[nodiscard]] LaneStatus status(Now now, LaneStatus quota) const;

 private:
  const LaneSettings& settings_;
  JobQueue queue_;
  Breaker breaker_;
  std::int32_t started_ = 0;  // Not yet landed.
  std::int32_t ended_ = 0;    // Of those, with a known outcome.
  std::optional<quota::Refusal> blocked_;
  std::optional<Instant> fallback_at_;
  std::vector<JobSeq> failed_row_;
  bool stopped_ = false;
  std::string words_;
  std::string trip_words_;
};

// The earlier of both; nullopt if neither is there.
std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b);

}  // namespace ratebatch::schedule
