#include "run/plan_watch.hpp"

#include <algorithm>
#include <array>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/integers.hpp"

namespace ratebatch::run {
namespace {

using Shares = std::array<std::int64_t, activity_count>;

// Work shows even where it is short beside a pause: else a day with an hour of it looked empty.
constexpr std::int64_t shown_parts = 10;

Activity shown(const Shares& shares, std::int64_t bucket) {
  const auto share = [&](Activity a) { return shares[static_cast<std::size_t>(a)]; };
  const Activity busy =
      share(Activity::working) >= share(Activity::paced) ? Activity::working : Activity::paced;
  if (share(busy) * shown_parts >= bucket) return busy;
  const auto most = std::max_element(shares.begin(), shares.end());
  return static_cast<Activity>(most - shares.begin());
}

}  // namespace

RehearsalWorld::Reply GrantingWorld::arrive(Now /*at*/, const action::Send& send) {
  const LaneAssumption& assumption = assumptions_[index_of(send.lane)];
  Reply reply;
  reply.outcome.kind = OutcomeClass::done;
  reply.outcome.http_status = 200;
  reply.outcome.usage = assumption.usage;
  reply.outcome.answer = Answer{};
  reply.after = assumption.latency;
  return reply;
}

PlanWatch::PlanWatch(const Lanes& lanes, const PlanInput& input)
    : lanes_(lanes), input_(input), watched_(lanes.lanes.size()) {
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    watched_[i].plan.model = lanes.lanes[i].model;
    watched_[i].plan.has_price = lanes.lanes[i].price.has_value();
    watched_[i].spans.push_back({input.start.steady, Activity::idle});
  }
  for (const JobClass& jobs : input.jobs) {
    const auto route =
        std::find_if(lanes.routes.begin(), lanes.routes.end(),
                     [&](const RouteSettings& each) { return each.route == jobs.route; });
    RB_ASSERT(route != lanes.routes.end());
    watched_[index_of(route->lane)].plan.jobs += jobs.count;
    watched_[index_of(route->lane)].left += jobs.count;
  }
}

void PlanWatch::committed(Now now, const Batch& batch) {
  for (const AttemptEnd& end : batch.ends) apply(now, end);
  for (const AttemptStart& start : batch.starts) {
    ++watched_[index_of(start.lane)].in_flight;
    ++in_flight_;
    lane_of_[start.job] = start.lane;
  }
  for (const LaneChange& change : batch.lanes) {
    Watched& lane = watched_[index_of(change.lane)];
    const bool pauses = change.status.state == LaneState::paused;
    if (pauses && lane.state != LaneState::paused) ++lane.plan.pauses;
    lane.state = change.status.state;
  }
  for (Watched& lane : watched_) note(now.steady, lane);
}

void PlanWatch::apply(Now now, const AttemptEnd& end) {
  const auto found = lane_of_.find(end.job);
  if (found == lane_of_.end()) return;
  Watched& lane = watched_[index_of(found->second)];
  lane_of_.erase(found);
  --lane.in_flight;
  --in_flight_;
  lane.plan.usage += end.outcome.usage;
  lane.plan.cost_pico_usd += end.cost_pico_usd;
  if (end.to == JobState::pending) return;
  --lane.left;
  lane.plan.finished_after = now.steady - input_.start.steady;
  ++(end.to == JobState::done ? lane.plan.done : lane.plan.failed);
}

Activity PlanWatch::activity_of(const Watched& lane) const {
  if (lane.left == 0) return Activity::idle;
  switch (lane.state) {
    case LaneState::waiting:
    case LaneState::paused:
    case LaneState::tripped:
    case LaneState::no_key:
    case LaneState::stopped:
      if (lane.in_flight == 0) return Activity::paused;
      break;
    case LaneState::idle:
    case LaneState::running:
    case LaneState::slowed:
      break;
  }
  const bool all_busy = in_flight_ >= input_.scheduler.workers;
  if (all_busy) return lane.in_flight > 0 ? Activity::working : Activity::idle;
  return lane.in_flight == lane.left ? Activity::working : Activity::paced;
}

void PlanWatch::note(Instant at, Watched& lane) const {
  const Activity activity = activity_of(lane);
  if (lane.spans.back().activity == activity) return;
  if (lane.spans.back().from == at) {
    lane.spans.back().activity = activity;
  } else {
    lane.spans.push_back({at, activity});
  }
}

std::vector<PlanLane> PlanWatch::lanes(Instant end) {
  std::vector<PlanLane> plans;
  const Instant begin = input_.start.steady;
  const std::int64_t bucket =
      std::max<std::int64_t>(1, divide_up((end - begin).count(), timeline_buckets));
  for (Watched& lane : watched_) {
    std::array<Shares, timeline_buckets> shares{};
    for (std::size_t i = 0; i < lane.spans.size(); ++i) {
      const Instant from = lane.spans[i].from;
      const Instant to = i + 1 < lane.spans.size() ? lane.spans[i + 1].from : end;
      const auto activity = static_cast<std::size_t>(lane.spans[i].activity);
      lane.plan.spent[activity] += to - from;
      for (std::int64_t at = (from - begin).count(); at < (to - begin).count();) {
        const std::int64_t place = at / bucket;
        const std::int64_t next = std::min((place + 1) * bucket, (to - begin).count());
        shares[static_cast<std::size_t>(place)][activity] += next - at;
        at = next;
      }
    }
    for (std::size_t i = 0; i < timeline_buckets; ++i) {
      lane.plan.timeline[i] = shown(shares[i], bucket);
    }
    plans.push_back(lane.plan);
  }
  return plans;
}

}  // namespace ratebatch::run
