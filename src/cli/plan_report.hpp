// A plan, or several side by side, as JSON lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ratebatch/run/plan.hpp"

namespace ratebatch::cli {

// What was found out beside the plan itself.
struct PlanFindings {
  std::string variant;  // "--workers 8"; empty: as configured.
  std::optional<std::int32_t> workers_needed;
  std::optional<run::DeadlineCheck> deadline;
};

// One line without its newline.
std::string plan_json(const run::Plan& plan, const run::PlanInput& input,
                      const PlanFindings& findings);

}  // namespace ratebatch::cli
