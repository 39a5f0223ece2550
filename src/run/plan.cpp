#include "ratebatch/run/plan.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/integers.hpp"

namespace ratebatch::run {
namespace {

// A provider that always grants, after the assumed latency.
class GrantingWorld final : public RehearsalWorld {
 public:
  explicit GrantingWorld(const std::vector<LaneAssumption>& assumptions)
      : assumptions_(assumptions) {}

  Reply arrive(Now /*at*/, const action::Send& send) override {
    const LaneAssumption& assumption = assumptions_[index_of(send.lane)];
    Reply reply;
    reply.outcome.kind = OutcomeClass::done;
    reply.outcome.http_status = 200;
    reply.outcome.usage = assumption.usage;
    reply.outcome.answer = Answer{};
    reply.after = assumption.latency;
    return reply;
  }

 private:
  const std::vector<LaneAssumption>& assumptions_;
};

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

// Watches the rehearsal behind a plan: what each lane did when, and what it used.
class PlanWatch final : public RehearsalObserver {
 public:
  // Both must outlive the watch.
  PlanWatch(const Lanes& lanes, const PlanInput& input)
      : input_(input), watched_(lanes.lanes.size()) {
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

  void committed(Now now, const Batch& batch) override {
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

  // The lanes' part of the plan. `end`: when the rehearsal ended.
  [[nodiscard]] std::vector<PlanLane> lanes(Instant end) {
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
      plans.push_back(std::move(lane.plan));
    }
    return plans;
  }

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

  void apply(Now now, const AttemptEnd& end) {
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

  [[nodiscard]] Activity activity_of(const Watched& lane) const {
    if (lane.left == 0) return Activity::idle;
    if (stands_still(lane.state) && lane.in_flight == 0) return Activity::paused;
    const bool all_busy = in_flight_ >= input_.scheduler.workers;
    if (all_busy) return lane.in_flight > 0 ? Activity::working : Activity::idle;
    return lane.in_flight == lane.left ? Activity::working : Activity::paced;
  }

  void note(Instant at, Watched& lane) const {
    const Activity activity = activity_of(lane);
    if (lane.spans.back().activity == activity) return;
    if (lane.spans.back().from == at) {
      lane.spans.back().activity = activity;
    } else {
      lane.spans.push_back({at, activity});
    }
  }

  const PlanInput& input_;
  std::vector<Watched> watched_;
  std::map<JobSeq, LaneId> lane_of_;  // Of jobs in flight.
  std::int64_t in_flight_ = 0;
};

std::int64_t groups_with_keys(const Lanes& lanes, PoolId pool) {
  std::set<GroupId> groups;
  for (const KeyEntry& key : lanes.keys) {
    if (lanes.groups[index_of(key.group)].pool == pool) groups.insert(key.group);
  }
  return static_cast<std::int64_t>(groups.size());
}

// How long the limit needs for so much.
WideInteger time_needed(const Limit& limit, std::int64_t amount_needed, std::int64_t groups) {
  const std::int32_t share = limit.is_long() ? limit.pause_at_per_mille : limit.pace_at_per_mille;
  const WideInteger usable = std::max<WideInteger>(
      1, static_cast<WideInteger>(limit.amount) * share / 1000 * std::max<WideInteger>(1, groups));
  return static_cast<WideInteger>(amount_needed) * limit.window.count() / usable;
}

std::int64_t needed_of_lane(const PlanInput& input, const Plan& plan, std::size_t lane,
                            Resource resource) {
  const Usage& usage = input.assumptions[lane].usage;
  // By index_of(Resource).
  const Amounts of_job = {1,
                          usage.input_tokens + usage.output_tokens,
                          usage.input_tokens,
                          usage.output_tokens,
                          usage.images,
                          usage.characters};
  return plan.lanes[lane].jobs * of_job[index_of(resource)];
}

// Of the limits of a lane and its pool, long or short ones as asked, the one that needs the longest
// for the jobs of the plan.
std::optional<LimitPlace> tightest(const Lanes& lanes, const PlanInput& input, const Plan& plan,
                                   std::size_t lane, bool is_long) {
  std::optional<LimitPlace> best;
  WideInteger longest = 0;
  const PoolId pool = lanes.lanes[lane].pool;
  const std::int64_t groups = groups_with_keys(lanes, pool);
  const auto consider = [&](const Limits& limits, bool of_pool, std::size_t owner,
                            const std::string& owner_name) {
    for (std::size_t i = 0; i < limits.windows.size(); ++i) {
      const Limit& limit = limits.windows[i];
      if (limit.is_long() != is_long) continue;
      std::int64_t needed = 0;
      for (std::size_t other = 0; other < plan.lanes.size(); ++other) {
        const bool counts = of_pool ? lanes.lanes[other].pool == pool : other == lane;
        if (counts) needed += needed_of_lane(input, plan, other, limit.resource);
      }
      const WideInteger time = time_needed(limit, needed, groups);
      if (time <= longest) continue;
      longest = time;
      best = LimitPlace{limit.name + " of " + owner_name, of_pool, owner, i};
    }
  };
  const KeyPool& settings = lanes.pools[index_of(pool)];
  consider(lanes.lanes[lane].limits, false, lane, lanes.lanes[lane].model);
  consider(settings.limits, true, index_of(pool), settings.provider);
  return best;
}

// What the lane that ends last mostly waited for.
void find_bottleneck(Plan& plan, const Lanes& lanes, const PlanInput& input) {
  const auto last = std::max_element(
      plan.lanes.begin(), plan.lanes.end(),
      [](const auto& a, const auto& b) { return a.finished_after < b.finished_after; });
  if (last == plan.lanes.end() || last->jobs == 0) return;
  const auto index = static_cast<std::size_t>(last - plan.lanes.begin());
  const LaneSettings& lane = lanes.lanes[index];
  const Duration paused = last->time(Activity::paused);
  const Duration paced = last->time(Activity::paced);
  const Duration busy = last->time(Activity::working) + last->time(Activity::idle);
  if (std::max(paused, paced) > busy) {
    plan.limit = tightest(lanes, input, plan, index, paused >= paced);
  }
  if (plan.limit) {
    plan.bottleneck = plan.limit->name;
  } else if (paced <= busy) {
    plan.bottleneck = "workers";
  } else {
    const char* what = lane.waves ? "waves" : lane.limits.concurrency ? "concurrency" : "limits";
    plan.bottleneck = std::string(what) + " of " + lane.model;
  }
}

}  // namespace

Plan make_plan(const Lanes& lanes, const PlanInput& input) {
  RB_ASSERT(input.assumptions.size() == lanes.lanes.size());
  GrantingWorld world{input.assumptions};
  PlanWatch watch{lanes, input};
  const RehearsalOptions options{
      .scheduler = input.scheduler, .start = input.start, .stored = input.stored};
  Rehearsal rehearsal{lanes, input.jobs, options, world, &watch};
  const RehearsalEnd end = rehearsal.run();

  Plan plan;
  plan.workers = input.scheduler.workers;
  plan.reason = rehearsal.finish().reason;
  plan.complete = end == RehearsalEnd::finished && plan.reason == action::FinishReason::complete;
  const Now now = rehearsal.now();
  plan.takes = now.steady - input.start.steady;
  plan.finish_at = now.wall;
  plan.jobs = rehearsal.counts().total;
  plan.done = rehearsal.counts().done;
  plan.failed = rehearsal.counts().failed;
  plan.lanes = watch.lanes(now.steady);
  plan.has_price = true;
  for (const PlanLane& lane : plan.lanes) {
    plan.pauses += lane.pauses;
    plan.usage += lane.usage;
    plan.cost_pico_usd += lane.cost_pico_usd;
    if (lane.jobs > 0 && !lane.has_price) plan.has_price = false;
  }
  find_bottleneck(plan, lanes, input);
  return plan;
}

}  // namespace ratebatch::run
