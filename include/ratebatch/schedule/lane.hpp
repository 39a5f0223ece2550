// One lane at work: its queue, its gate, its breaker, and what is in flight. It answers "may a job
// start here now, and if not, when"; the scheduler asks all lanes and picks.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/schedule/breaker.hpp"
#include "ratebatch/schedule/job_queue.hpp"
#include "ratebatch/schedule/lane_gate.hpp"

namespace ratebatch {

class Lane {
 public:
  // `settings` must outlive the lane.
  Lane(const LaneSettings& settings, const std::vector<RouteId>& routes);

  [[nodiscard]] JobQueue& queue() { return queue_; }
  [[nodiscard]] const JobQueue& queue() const { return queue_; }
  [[nodiscard]] LaneGate& gate() { return gate_; }
  [[nodiscard]] Breaker& breaker() { return breaker_; }
  [[nodiscard]] const LaneSettings& settings() const { return settings_; }
  // Requests under way: started, and no outcome known.
  [[nodiscard]] std::int32_t in_flight() const { return started_ - ended_; }

  // The best job, if one may start as far as gate, breaker and quota blocks go; else nullptr.
  [[nodiscard]] const JobRef* startable(Now now);

  // Remembers that the quota monitor refused the lane until then.
  void block_until(Instant earliest) { blocked_until_ = earliest; }

  // Takes the best job out and counts it in flight. Returns it and whether it is a breaker's probe.
  // Precondition: startable(now) is not nullptr.
  struct Started {
    JobRef job;
    bool is_probe = false;
  };
  Started start(Now now);

  // The outcome of a started job is known. It may make room for another start at once, which is
  // committed together with it.
  void ended() { ++ended_; }

  // What `ended` said is committed, or the start was withdrawn.
  void landed();

  // When, after `now`, `startable` may change by the passing of time alone.
  [[nodiscard]] Deadline wake_at(Now now) const;

  // What the lane is doing. `has_key`: whether its provider has a usable key.
  [[nodiscard]] LaneStatus status(Now now, bool has_key) const;

 private:
  const LaneSettings& settings_;
  JobQueue queue_;
  LaneGate gate_;
  Breaker breaker_;
  std::int32_t started_ = 0;  // Not yet landed.
  std::int32_t ended_ = 0;    // Of those, with a known outcome.
  std::optional<Instant> blocked_until_;
};

// The earlier of both, on each clock.
Deadline earlier(const Deadline& a, const Deadline& b);

}  // namespace ratebatch
