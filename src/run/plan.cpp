#include "ratebatch/run/plan.hpp"

#include <algorithm>
#include <utility>

#include "plan_limits.hpp"
#include "plan_watch.hpp"
#include "ratebatch/base/assert.hpp"

namespace ratebatch::run {
namespace {

// Within so much of the best finish, fewer workers are as good.
constexpr std::int64_t as_good_per_mille = 1010;

// Limits that are raised, one after the other, to meet a deadline; and how precisely each.
constexpr int raised_limits_max = 3;
constexpr std::int64_t raise_per_mille_max = 100'000;
constexpr int doublings_max = 10;
constexpr int halvings_max = 4;

PlanInput with_workers(PlanInput input, std::int32_t workers) {
  input.scheduler.workers = workers;
  return input;
}

bool meets(const Plan& plan, Duration deadline) { return plan.complete && plan.takes <= deadline; }

// The smallest of (low, high] that `fits`, which high does; looked for upwards from low, because it
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
    plan.usage.input_tokens += lane.usage.input_tokens;
    plan.usage.output_tokens += lane.usage.output_tokens;
    plan.usage.images += lane.usage.images;
    plan.usage.characters += lane.usage.characters;
    plan.cost_pico_usd += lane.cost_pico_usd;
    if (lane.jobs > 0 && !lane.has_price) plan.has_price = false;
  }
  plan.bottleneck = bottleneck_text(lanes, input, plan.lanes);
  return plan;
}

std::int32_t workers_needed(const Lanes& lanes, const PlanInput& input, std::int32_t workers_max) {
  RB_ASSERT(workers_max >= 1);
  const Plan best = make_plan(lanes, with_workers(input, workers_max));
  const Duration enough = best.takes / 1000 * as_good_per_mille;
  return smallest(too_few(input, best, enough), workers_max, [&](std::int32_t workers) {
    return meets(make_plan(lanes, with_workers(input, workers)), enough);
  });
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
    check.limits.push_back({limit_text(raised, *place), before, limit_at(raised, *place).amount});
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
