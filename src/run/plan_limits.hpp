// Which limit holds a lane back, by arithmetic: the one that would need the longest for all jobs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ratebatch/model/lanes.hpp"
#include "ratebatch/run/plan.hpp"

namespace ratebatch::run {

// A limit where it stands in Lanes.
struct LimitPlace {
  bool of_pool = false;
  std::size_t owner = 0;  // Of the lane or the pool.
  std::size_t window = 0;

  friend bool operator==(const LimitPlace&, const LimitPlace&) = default;
};

// "rpd of gpt-4o-mini", "tpm of openai".
std::string limit_text(const Lanes& lanes, const LimitPlace& place);

Limit& limit_at(Lanes& lanes, const LimitPlace& place);

// Of the limits of a lane and its pool, long or short ones as asked, the one that needs the longest
// for the jobs of the plan.
std::optional<LimitPlace> tightest(const Lanes& lanes, const PlanInput& input,
                                   const std::vector<PlanLane>& plan, std::size_t lane,
                                   bool is_long);

// The lane whose last job is the last of all.
std::size_t last_lane(const std::vector<PlanLane>& plan);

// What the lane that ends last mostly waited for; nothing: workers.
std::optional<LimitPlace> binding_limit(const Lanes& lanes, const PlanInput& input,
                                        const std::vector<PlanLane>& plan);

// The same in words: also where it is no window at all ("workers", "concurrency of x").
std::string bottleneck_text(const Lanes& lanes, const PlanInput& input,
                            const std::vector<PlanLane>& plan);

}  // namespace ratebatch::run
