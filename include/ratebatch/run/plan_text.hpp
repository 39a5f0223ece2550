// A plan in words, for a terminal: a report, a row per alternative, a chart of each lane over time.
//
// Pure text; every line ends with a newline. Names of models come from the configuration and are
// escaped by it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ratebatch/base/time.hpp"
#include "ratebatch/base/time_zone.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/run/plan.hpp"

namespace ratebatch::run {

// Finish, bottleneck, pauses, tokens, cost, each lane's time, and what was assumed. `zone` is the
// one in which the finish is shown.
std::string plan_report(const Plan& plan, const PlanInput& input, const TimeZone& zone);

// One line per lane that has jobs, a character per sixtieth of the plan.
std::string plan_chart(const Plan& plan);

// What was planned, and how it would go: "--workers 8", "--waves 3x15s".
struct PlanRow {
  std::string variant;
  Plan plan;
};
std::string plan_rows(std::span<const PlanRow> rows, const TimeZone& zone);

// "one worker is enough", "8 workers finish as early as 16".
std::string workers_text(std::int32_t needed, std::int32_t workers_max);

// Whether the deadline is met, or what would have to change.
std::string deadline_text(const DeadlineCheck& check, const Plan& plan, Duration deadline);

// The size of waves as --waves takes it: "3x15s".
std::string waves_text(const Waves& waves);

// The same lanes, with these waves on those that have waves; on all image lanes where none has.
Lanes with_waves(Lanes lanes, const Waves& waves);

}  // namespace ratebatch::run
