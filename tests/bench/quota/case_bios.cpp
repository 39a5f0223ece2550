// The run this tool was made for: what `plan` says of it, and how it goes.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "bench/quota/cases.hpp"
#include "ratebatch/run/plan.hpp"

namespace ratebatch::quota_bench {
namespace {

constexpr std::int64_t per_day = 10'000;
constexpr std::int32_t workers_max = 16;

// The day of the provider on which something happens, from 1 for the day of `start`.
std::int64_t day_of(WallTime start, WallTime at, const std::vector<WallTime>& resets) {
  return 1 + std::count_if(resets.begin(), resets.end(),
                           [&](WallTime reset) { return reset > start && reset <= at; });
}

void plan_it(const LanesInWords& words, std::int64_t jobs, Now start,
             const std::vector<WallTime>& resets, BiosRun& run) {
  const Lanes lanes = make_lanes(words);
  run::PlanInput input;
  input.jobs = {{route_of(0), jobs}};
  input.assumptions.resize(1);
  input.scheduler.workers = 4;
  input.start = start;
  const auto begin = std::chrono::steady_clock::now();
  const run::Plan plan = make_plan(lanes, input);
  run.planned_workers_needed = workers_needed(lanes, input, workers_max);
  run.planned_in_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  run.planned_day = plan.complete ? day_of(start.wall, plan.finish_at, resets) : 0;
}

}  // namespace

BiosRun bios(std::int64_t jobs) {
  const auto resets = los_angeles_midnights(2026, 11, 22, 16);
  const Now start = start_at(resets.front() + hours{9});
  Situation::Setup setup;
  setup.lanes.lanes = {{"gpt-4o-mini", limits_of({day_limit(per_day)})}};
  setup.jobs = {{route_of(0), jobs}};
  ServerLane served;
  served.limits = {served_day_limit(per_day, resets)};
  served.service = {milliseconds{900}, milliseconds{1700}};
  setup.served.push_back(std::move(served));
  setup.network.way_there = {milliseconds{20}, milliseconds{60}};
  setup.start = start;
  BiosRun run;
  plan_it(setup.lanes, jobs, start, resets, run);

  Situation situation{std::move(setup)};
  const run::RehearsalEnd end = situation.run_for(hours{24 * 14});
  run.day = end == run::RehearsalEnd::finished
                ? day_of(start.wall, situation.rehearsal().true_now().wall, resets)
                : 0;
  run.done = situation.rehearsal().counts().done;
  run.failed = situation.rehearsal().counts().failed;
  run.refused = situation.refused();
  const auto& quota = dynamic_cast<DayQuota&>(situation.server().limiter(LaneId{0}, KeyId{0}, 0));
  for (const DayQuota::Day& day : quota.days()) {
    run.most_in_a_day = std::max(run.most_in_a_day, day.used);
  }
  return run;
}

std::vector<Report> bios_rows() {
  constexpr std::int64_t jobs = 42'888;
  const BiosRun run = bios(jobs);
  Report planned;
  planned.what = "plan of 42,888 bios, rpd 10,000 paused at 8,000, 4 workers";
  planned.measured = fmt::format("day {}, {} workers needed, in {:.2f} s of real time",
                                 run.planned_day, run.planned_workers_needed, run.planned_in_s);
  planned.floor = "42,888 / 8,000: day 6";
  planned.figures = {seconds_at_most("", run.planned_in_s, 2),
                     {static_cast<double>(run.planned_day == 6),
                      fmt::format("day {}", run.planned_day), 1, "day 6", true}};
  Report went;
  went.what = "the run of it, in virtual time";
  went.measured =
      fmt::format("{} done on day {}, {} in the fullest day", run.done, run.day, run.most_in_a_day);
  went.figures = {
      {static_cast<double>(run.day == 6), fmt::format("day {}", run.day), 1, "day 6", true},
      count_at_most("not done", static_cast<double>(jobs - run.done), 0),
      count_at_most("refused", static_cast<double>(run.refused), 0),
      count_at_most("in a day", static_cast<double>(run.most_in_a_day), 8000)};
  return {planned, went};
}

}  // namespace ratebatch::quota_bench
