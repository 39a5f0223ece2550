#include "ratebatch/run/plan.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/integers.hpp"
#include "run/plan_watch.hpp"

namespace ratebatch::run {
namespace {

// Within so much of the best finish, fewer workers are as good.
constexpr std::int64_t as_good_per_mille = 1010;

// Limits that are raised, one after the other, to meet a deadline; and how precisely each.
constexpr int raised_limits_max = 3;
constexpr std::int64_t raise_per_mille_max = 100'000;
constexpr int doublings_max = 10;
constexpr int halvings_max = 4;

// A limit where it stands in Lanes.
struct LimitPlace {
  bool of_pool = false;
  std::size_t owner = 0;  // Of the lane or the pool.
  std::size_t window = 0;

  friend bool operator==(const LimitPlace&, const LimitPlace&) = default;
};

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

// How long the limit needs for so much.
WideInteger time_needed(const Limit& limit, std::int64_t amount_needed, std::int64_t groups) {
  const std::int32_t share = limit.is_long() ? limit.pause_at_per_mille : limit.pace_at_per_mille;
  const WideInteger usable = std::max<WideInteger>(
      1, static_cast<WideInteger>(limit.amount) * share / 1000 * std::max<WideInteger>(1, groups));
  return static_cast<WideInteger>(amount_needed) * limit.window.count() / usable;
}

std::int64_t needed_of_lane(const PlanInput& input, const std::vector<PlanLane>& plan,
                            std::size_t lane, Resource resource) {
  return plan[lane].jobs * cost_of(input.assumptions[lane].usage, resource);
}

// "rpd of gpt-4o-mini", "tpm of openai".
std::string limit_name(const Lanes& lanes, const LimitPlace& place) {
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

// Of the limits of a lane and its pool, long or short ones as asked, the one that needs the longest
// for the jobs of the plan.
std::optional<LimitPlace> tightest(const Lanes& lanes, const PlanInput& input,
                                   const std::vector<PlanLane>& plan, std::size_t lane,
                                   bool is_long) {
  std::optional<LimitPlace> best;
  WideInteger longest = 0;
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
      const WideInteger time = time_needed(limit, needed, groups);
      if (time <= longest) continue;
      longest = time;
      best = LimitPlace{of_pool, owner, i};
    }
  };
  consider(lanes.lanes[lane].limits, false, lane);
  consider(lanes.pools[index_of(pool)].limits, true, index_of(pool));
  return best;
}

// The lane whose last job is the last of all.
std::size_t last_lane(const std::vector<PlanLane>& plan) {
  const auto last = std::max_element(plan.begin(), plan.end(), [](const auto& a, const auto& b) {
    return a.finished_after < b.finished_after;
  });
  return static_cast<std::size_t>(last - plan.begin());
}

// What the lane that ends last mostly waited for; nullopt if for workers.
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

// The same in words: also if it is no window at all ("workers", "concurrency of x").
std::string bottleneck_text(const Lanes& lanes, const PlanInput& input,
                            const std::vector<PlanLane>& plan) {
  if (plan.empty() || plan[last_lane(plan)].jobs == 0) return "";
  if (const auto place = binding_limit(lanes, input, plan)) return limit_name(lanes, *place);
  const PlanLane& last = plan[last_lane(plan)];
  const LaneSettings& lane = lanes.lanes[last_lane(plan)];
  const Duration busy = last.time(Activity::working) + last.time(Activity::idle);
  if (last.time(Activity::paced) <= busy) return "workers";
  if (lane.waves) return "waves of " + lane.model;
  if (lane.limits.concurrency) return "concurrency of " + lane.model;
  return "limits of " + lane.model;
}

PlanInput with_workers(PlanInput input, std::int32_t workers) {
  input.scheduler.workers = workers;
  return input;
}

bool meets(const Plan& plan, Duration deadline) { return plan.complete && plan.takes <= deadline; }

// The smallest of (low, high] that `fits`, or high; looked for upwards from low, because it
// mostly lies near. Precondition: it gets easier upwards.
template <typename Fits>
std::int32_t smallest(std::int32_t low, std::int32_t high, const Fits& fits) {
  for (std::int32_t step = 1; low + step < high; step *= 2) {
    if (fits(low + step)) {
      high = low + step;
      break;
    }
    low += step;
  }
  while (high - low > 1) {
    const std::int32_t middle = low + (high - low) / 2;
    (fits(middle) ? high : low) = middle;
  }
  return high;
}

// So many workers are certainly too few: all answers together take longer.
std::int32_t too_few(const PlanInput& input, const Plan& plan, Duration enough) {
  if (enough <= Duration{}) return 0;
  std::int64_t all_ms = 0;
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    all_ms += plan.lanes[i].done * to_ms(input.assumptions[i].latency);
  }
  const std::int64_t workers = (all_ms - 1) / (to_ms(enough) + 1);
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(workers, 0, plan.workers - 1));
}

// Raises one limit until the deadline is met or something else is in the way, first by as much as
// `plan` is late; then takes back what was too much. Leaves the amount in `lanes`, and returns the
// plan with it.
Plan raise(Lanes& lanes, const PlanInput& input, const LimitPlace& place, Plan plan,
           Duration deadline) {
  Limit& limit = limit_at(lanes, place);
  const auto in_the_way = [&](const Plan& tried) {
    return !meets(tried, deadline) && binding_limit(lanes, input, tried.lanes) == place;
  };
  std::int64_t low = limit.amount;
  std::int64_t factor_per_mille = std::clamp<std::int64_t>(
      plan.takes / std::max<Duration>(deadline / 1000, Duration{1}), 1010, raise_per_mille_max);
  for (int i = 0; i < doublings_max; ++i) {
    limit.amount = limit.amount * factor_per_mille / 1000 + 1;
    factor_per_mille = 2000;
    plan = make_plan(lanes, input);
    if (!in_the_way(plan)) break;
    low = limit.amount;
  }
  std::int64_t high = limit.amount;
  for (int i = 0; i < halvings_max && high - low > 1; ++i) {
    limit.amount = low + (high - low) / 2;
    Plan tried = make_plan(lanes, input);
    if (in_the_way(tried)) {
      low = limit.amount;
    } else {
      high = limit.amount;
      plan = std::move(tried);
    }
  }
  limit.amount = high;
  return plan;
}

}  // namespace

Plan make_plan(const Lanes& lanes, const PlanInput& input) {
  RB_ASSERT(input.assumptions.size() == lanes.lanes.size());
  GrantingWorld world{input.assumptions};
  PlanWatch watch{lanes, input};
  RehearsalOptions options;
  options.scheduler = input.scheduler;
  options.start = input.start;
  options.stored = input.stored;
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
  plan.bottleneck = bottleneck_text(lanes, input, plan.lanes);
  return plan;
}

std::int32_t workers_needed(const Lanes& lanes, const PlanInput& input, std::int32_t workers_max,
                            const std::optional<Duration>& deadline) {
  RB_ASSERT(workers_max >= 1);
  const auto least = [&](std::int32_t low, Duration enough) {
    return smallest(low, workers_max, [&](std::int32_t workers) {
      return meets(make_plan(lanes, with_workers(input, workers)), enough);
    });
  };
  if (deadline) return least(0, *deadline);
  const Plan best = make_plan(lanes, with_workers(input, workers_max));
  const Duration enough = best.takes / 1000 * as_good_per_mille;
  return least(too_few(input, best, enough), enough);
}

DeadlineCheck check_deadline(const Lanes& lanes, const PlanInput& input, const Plan& plan,
                             Duration deadline) {
  DeadlineCheck check;
  check.met = meets(plan, deadline);
  check.reachable = check.met;
  if (check.met) return check;
  const std::int32_t most = std::max(deadline_workers_max, input.scheduler.workers);
  PlanInput wide = with_workers(input, most);
  Lanes raised = lanes;
  Plan tried = make_plan(raised, wide);
  for (int i = 0; i < raised_limits_max && !meets(tried, deadline); ++i) {
    const auto place = binding_limit(raised, wide, tried.lanes);
    if (!place) return check;
    const std::int64_t before = limit_at(raised, *place).amount;
    tried = raise(raised, wide, *place, std::move(tried), deadline);
    check.limits.push_back({limit_name(raised, *place), before, limit_at(raised, *place).amount});
  }
  check.reachable = meets(tried, deadline);
  if (!check.reachable) return check;
  const auto fits = [&](std::int32_t workers) {
    return meets(make_plan(raised, with_workers(input, workers)), deadline);
  };
  if (fits(input.scheduler.workers)) return check;
  check.workers = smallest(input.scheduler.workers, most, fits);
  return check;
}

}  // namespace ratebatch::run
