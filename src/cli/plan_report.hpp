// A plan, or several side by side, as JSON lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ratebatch/run/plan.hpp"

namespace ratebatch {

// What was found out beside the plan itself.
struct PlanFindings {
  std::string variant;  // "--workers 8"; empty: as configured.
  std::optional<std::int32_t> workers_needed;
  std::optional<DeadlineCheck> deadline;
};

// One line without its newline.
std::string plan_json(const Plan& plan, const PlanInput& input, const PlanFindings& findings);

}  // namespace ratebatch
