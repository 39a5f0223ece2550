#include "plan_limits.hpp"

#include <algorithm>
#include <set>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::run {
namespace {

std::int64_t cost_of(const Usage& usage, Resource resource) {
  switch (resource) {
    case Resource::requests:
      return 1;
    case Resource::tokens:
      return usage.input_tokens + usage.output_tokens;
    case Resource::input_tokens:
      return usage.input_tokens;
    case Resource::output_tokens:
      return usage.output_tokens;
    case Resource::images:
      return usage.images;
    case Resource::characters:
      return usage.characters;
  }
  RB_ASSERT(false);
}

std::int64_t groups_with_keys(const Lanes& lanes, PoolId pool) {
  std::set<GroupId> groups;
  for (const KeyEntry& key : lanes.keys) {
    if (lanes.groups[index_of(key.group)].pool == pool) groups.insert(key.group);
  }
  return static_cast<std::int64_t>(groups.size());
}

// How many windows the jobs fill, in millionths: how long the limit needs, in units of its length.
__extension__ using Wide = __int128;

Wide time_needed(const Limit& limit, std::int64_t amount_needed, std::int64_t groups) {
  const std::int32_t share = limit.is_long() ? limit.pause_at_per_mille : limit.pace_at_per_mille;
  const Wide usable =
      std::max<Wide>(1, static_cast<Wide>(limit.amount) * share / 1000 * std::max<Wide>(1, groups));
  return static_cast<Wide>(amount_needed) * limit.window.count() / usable;
}

std::int64_t needed_of_lane(const PlanInput& input, const std::vector<PlanLane>& plan,
                            std::size_t lane, Resource resource) {
  return plan[lane].jobs * cost_of(input.assumptions[lane].usage, resource);
}

}  // namespace

std::string limit_text(const Lanes& lanes, const LimitPlace& place) {
  if (place.of_pool) {
    const KeyPool& pool = lanes.pools[place.owner];
    return pool.limits.windows[place.window].name + " of " + pool.provider;
  }
  const LaneSettings& lane = lanes.lanes[place.owner];
  return lane.limits.windows[place.window].name + " of " + lane.model;
}

Limit& limit_at(Lanes& lanes, const LimitPlace& place) {
  Limits& limits =
      place.of_pool ? lanes.pools[place.owner].limits : lanes.lanes[place.owner].limits;
  return limits.windows[place.window];
}

std::optional<LimitPlace> tightest(const Lanes& lanes, const PlanInput& input,
                                   const std::vector<PlanLane>& plan, std::size_t lane,
                                   bool is_long) {
  std::optional<LimitPlace> best;
  Wide longest = 0;
  const PoolId pool = lanes.lanes[lane].pool;
  const std::int64_t groups = groups_with_keys(lanes, pool);
  const auto consider = [&](const Limits& limits, bool of_pool, std::size_t owner) {
    for (std::size_t i = 0; i < limits.windows.size(); ++i) {
      const Limit& limit = limits.windows[i];
      if (limit.is_long() != is_long) continue;
      std::int64_t needed = 0;
      for (std::size_t other = 0; other < plan.size(); ++other) {
        const bool counts = of_pool ? lanes.lanes[other].pool == pool : other == lane;
        if (counts) needed += needed_of_lane(input, plan, other, limit.resource);
      }
      const Wide time = time_needed(limit, needed, groups);
      if (time <= longest) continue;
      longest = time;
      best = LimitPlace{of_pool, owner, i};
    }
  };
  consider(lanes.lanes[lane].limits, false, lane);
  consider(lanes.pools[index_of(pool)].limits, true, index_of(pool));
  return best;
}

std::size_t last_lane(const std::vector<PlanLane>& plan) {
  const auto last = std::max_element(plan.begin(), plan.end(), [](const auto& a, const auto& b) {
    return a.finished_after < b.finished_after;
  });
  return static_cast<std::size_t>(last - plan.begin());
}

std::optional<LimitPlace> binding_limit(const Lanes& lanes, const PlanInput& input,
                                        const std::vector<PlanLane>& plan) {
  if (plan.empty()) return std::nullopt;
  const std::size_t last = last_lane(plan);
  const Duration paused = plan[last].time(Activity::paused);
  const Duration paced = plan[last].time(Activity::paced);
  const Duration busy = plan[last].time(Activity::working) + plan[last].time(Activity::idle);
  if (std::max(paused, paced) <= busy) return std::nullopt;
  return tightest(lanes, input, plan, last, paused >= paced);
}

std::string bottleneck_text(const Lanes& lanes, const PlanInput& input,
                            const std::vector<PlanLane>& plan) {
  if (plan.empty() || plan[last_lane(plan)].jobs == 0) return "";
  if (const auto place = binding_limit(lanes, input, plan)) return limit_text(lanes, *place);
  const PlanLane& last = plan[last_lane(plan)];
  const LaneSettings& lane = lanes.lanes[last_lane(plan)];
  const Duration busy = last.time(Activity::working) + last.time(Activity::idle);
  if (last.time(Activity::paced) <= busy) return "workers";
  if (lane.waves) return "waves of " + lane.model;
  if (lane.limits.concurrency) return "concurrency of " + lane.model;
  return "limits of " + lane.model;
}

}  // namespace ratebatch::run
