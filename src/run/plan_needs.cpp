// What a deadline, or the earliest end, takes: workers, and limits that are raised until it is met.
#include <algorithm>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/run/plan.hpp"

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

Limit& limit_at(Lanes& lanes, const LimitPlace& place) {
  Limits& limits =
      place.of_pool ? lanes.pools[place.owner].limits : lanes.lanes[place.owner].limits;
  return limits.windows[place.window];
}

// Raises one limit until the deadline is met or something else is in the way, first by as much as
// `plan` is late; then takes back what was too much. Leaves the amount in `lanes`, and returns the
// plan with it.
Plan raise(Lanes& lanes, const PlanInput& input, const LimitPlace& place, Plan plan,
           Duration deadline) {
  Limit& limit = limit_at(lanes, place);
  const auto in_the_way = [&](const Plan& tried) {
    return !meets(tried, deadline) && tried.limit == place;
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
    if (!tried.limit) return check;
    const LimitPlace place = *tried.limit;
    const std::int64_t before = limit_at(raised, place).amount;
    tried = raise(raised, wide, place, std::move(tried), deadline);
    check.limits.push_back({place.name, before, limit_at(raised, place).amount});
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
