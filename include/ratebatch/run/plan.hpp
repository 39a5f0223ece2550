// What a run will do, found out by rehearsing it: finish, pauses, bottleneck, tokens, cost, and how
// many workers it needs; and the same in words, for a terminal.
//
// Pure: everything comes in as arguments, the provider is one that always grants after the assumed
// latency, and plain data or text come out. The same inputs give the same plan. Every line of a
// text ends with a newline. Names of models come from the configuration and are escaped by it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/base/time_zone.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/run/rehearsal.hpp"
#include "ratebatch/schedule/scheduler.hpp"

namespace ratebatch::run {

// Where nothing was seen yet. Source: our own measurements of gpt-4o-mini and flux-schnell.
constexpr Duration text_latency_assumed = std::chrono::milliseconds{1330};
constexpr Duration image_latency_assumed = std::chrono::seconds{5};

// What a lane's answers are taken to be like.
struct LaneAssumption {
  Duration latency = text_latency_assumed;  // Above zero.
  Usage usage{};                            // Of one job.
  bool is_assumed = true;                   // Not seen, not given: said so in the report.
};

struct PlanInput {
  std::vector<JobClass> jobs;
  std::vector<LaneAssumption> assumptions;  // By LaneId.
  schedule::SchedulerOptions scheduler;     // With the workers to plan for.
  Now start;
  std::vector<StoredState> stored;  // Of limits, from the checkpoint.
};

enum class Activity : std::uint8_t {
  idle,     // Nothing to do, or no worker for it.
  working,  // As fast as its workers can.
  paced,    // Held back by a short limit, its concurrency or its waves.
  paused,   // A long limit is used up, or a wait is on.
};
constexpr std::size_t activity_count = 4;

constexpr std::string_view to_string(Activity activity) {
  constexpr std::array<std::string_view, activity_count> names = {"idle", "working", "paced",
                                                                  "paused"};
  return names[static_cast<std::size_t>(activity)];
}

// Buckets of a lane's timeline: a chart that fits a line.
constexpr std::size_t timeline_buckets = 60;

// Of a lane, or of all.
struct PlanFigures {
  std::int64_t jobs = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t pauses = 0;
  Usage usage;
  std::int64_t cost_pico_usd = 0;
  bool has_price = false;  // Of all: every lane with jobs has one.
};

struct PlanLane : PlanFigures {
  std::string model;
  Duration finished_after{};                     // Its last job; from the start.
  std::array<Duration, activity_count> spent{};  // By Activity.
  // What it did in each sixtieth of the plan: it worked or was paced where that took a tenth of
  // it, else what took longest.
  std::array<Activity, timeline_buckets> timeline{};

  [[nodiscard]] Duration time(Activity activity) const {
    return spent[static_cast<std::size_t>(activity)];
  }
};

// A limit where it stands in Lanes.
struct LimitPlace {
  std::string name;  // "rpd of gpt-4o-mini", "tpm of openai".
  bool of_pool = false;
  std::size_t owner = 0;   // The index of the lane or the pool.
  std::size_t window = 0;  // Its index in Limits::windows.

  friend bool operator==(const LimitPlace&, const LimitPlace&) = default;
};

struct Plan : PlanFigures {
  std::int32_t workers = 0;
  bool complete = false;  // All jobs are settled; else it would end for `reason`, or never.
  action::FinishReason reason{};
  Duration takes{};
  WallTime finish_at;
  std::string bottleneck;  // "rpd of gpt-4o-mini" or "workers"; empty where there are no jobs.
  std::optional<LimitPlace> limit;  // The limit that is the bottleneck, if it is a window.
  std::vector<PlanLane> lanes;
};

// Rehearses the jobs. Precondition: one assumption for each lane, workers at least 1.
Plan make_plan(const Lanes& lanes, const PlanInput& input);

// The smallest number of workers, up to `workers_max`, that finishes within 1 % of the time
// `workers_max` need, or by the deadline if there is one; `workers_max` if none does.
// Precondition: workers_max at least 1.
std::int32_t workers_needed(const Lanes& lanes, const PlanInput& input, std::int32_t workers_max,
                            const std::optional<Duration>& deadline = std::nullopt);

// How a limit would have to be for the deadline.
struct LimitNeed {
  std::string limit;  // "rpd of gpt-4o-mini".
  std::int64_t amount = 0;
  std::int64_t needed = 0;
};

struct DeadlineCheck {
  bool met = false;                     // As planned.
  bool reachable = false;               // With what `workers` and `limits` say.
  std::optional<std::int32_t> workers;  // The smallest number that meets it, where more are needed.
  std::vector<LimitNeed> limits;        // In the order in which they come into the way.
};

// The most workers that are tried to meet a deadline.
constexpr std::int32_t deadline_workers_max = 256;

// Whether `plan` (of the same inputs) meets the deadline, and if not, what would.
DeadlineCheck check_deadline(const Lanes& lanes, const PlanInput& input, const Plan& plan,
                             Duration deadline);

// Finish, bottleneck, pauses, tokens, cost, each lane's time, and what was assumed. `zone` is the
// one in which the finish is shown.
std::string plan_report(const Plan& plan, const PlanInput& input, const TimeZone& zone);

// One line per lane that has jobs, a character per sixtieth of the plan.
std::string plan_chart(const Plan& plan);

// A row per alternative: what was planned, and how it would go: "--workers 8", "--waves 3x15s".
struct PlanRow {
  std::string variant;
  Plan plan;
};
std::string plan_rows(std::span<const PlanRow> rows, const TimeZone& zone);

// "8 finish as early as 16", "16 or more: fewer finish later".
std::string workers_text(std::int32_t needed, std::int32_t workers_max);

// Whether the deadline is met, or what would have to change.
std::string deadline_text(const DeadlineCheck& check, const Plan& plan, Duration deadline);

// The size of waves as --waves takes it: "3x15s".
std::string waves_text(const Waves& waves);

// The same lanes, with these waves on those that have waves; on all image lanes where none has.
Lanes with_waves(Lanes lanes, const Waves& waves);

}  // namespace ratebatch::run
