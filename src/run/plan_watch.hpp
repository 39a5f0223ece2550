// Watches the rehearsal behind a plan: what each lane did when, and what it used.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "ratebatch/model/lanes.hpp"
#include "ratebatch/run/plan.hpp"
#include "ratebatch/run/rehearsal.hpp"

namespace ratebatch::run {

// A provider that always grants, after the assumed latency.
class GrantingWorld : public RehearsalWorld {
 public:
  explicit GrantingWorld(const std::vector<LaneAssumption>& assumptions)
      : assumptions_(assumptions) {}

  Reply arrive(Now at, const action::Send& send) override;

 private:
  const std::vector<LaneAssumption>& assumptions_;
};

class PlanWatch : public RehearsalObserver {
 public:
  // All must outlive the watch.
  PlanWatch(const Lanes& lanes, const PlanInput& input);

  void committed(Now now, const Batch& batch) override;

  // Fills the lanes' part of a plan. `end`: when the rehearsal ended.
  [[nodiscard]] std::vector<PlanLane> lanes(Instant end);

 private:
  struct Span {
    Instant from;
    Activity activity = Activity::idle;
  };
  struct Watched {
    PlanLane plan;
    std::int64_t in_flight = 0;
    std::int64_t left = 0;  // Not settled.
    LaneState state = LaneState::idle;
    std::vector<Span> spans;
  };

  void apply(Now now, const AttemptEnd& end);
  [[nodiscard]] Activity activity_of(const Watched& lane) const;
  void note(Instant at, Watched& lane) const;

  const Lanes& lanes_;
  const PlanInput& input_;
  std::vector<Watched> watched_;
  std::map<JobSeq, LaneId> lane_of_;  // Of jobs in flight.
  std::int64_t in_flight_ = 0;
};

}  // namespace ratebatch::run
