// A day quota over months: changes of summer time, steps of our clock, restarts, kills.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "bench/quota/cases.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/random.hpp"

namespace ratebatch::quota_bench {
namespace {

constexpr std::int64_t day_amount = 1000;
constexpr std::int64_t threshold = 800;

constexpr Duration off_max = minutes{15};

Situation::Setup day_setup(const std::vector<WallTime>& resets, std::int64_t jobs) {
  Limit limit = day_limit(day_amount);
  Situation::Setup setup;
  setup.lanes.lanes = {{"text", limits_of({limit})}};
  setup.jobs = {{route_of(0), jobs}};
  ServerLane served;
  served.service = {milliseconds{900}, milliseconds{1800}};
  served.limits = {served_day_limit(day_amount, resets)};
  setup.served.push_back(std::move(served));
  setup.network.way_there = {milliseconds{20}, milliseconds{200}};
  setup.network.way_back = {milliseconds{20}, milliseconds{200}};
  setup.start = start_at(resets.front() + hours{9});
  return setup;
}

// Steps, kills and restarts at random moments, a few a day; remembers when no client lived.
class Disturber {
 public:
  Disturber(Situation& situation, const Disturbances& wanted, std::uint64_t seed)
      : situation_(situation), wanted_(wanted), rng_(seed) {}

  void run_until(Instant end) {
    run::Rehearsal& rehearsal = situation_.rehearsal();
    while (rehearsal.true_now().steady < end) {
      const Instant next =
          rehearsal.true_now().steady +
          Duration{rng_.between(Duration{minutes{20}}.count(), Duration{hours{12}}.count())};
      if (rehearsal.run(std::min(next, end)) != run::RehearsalEnd::reached) return;
      disturb(rehearsal);
    }
  }

  // When the client could see a reset: at once, or when it lived again.
  [[nodiscard]] WallTime seen(WallTime reset) const {
    for (const auto& [from, to] : dead_) {
      if (reset >= from && reset < to) return to;
    }
    return reset;
  }
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  void disturb(run::Rehearsal& rehearsal) {
    const std::uint64_t what = rng_.below(3);
    if (what == 0 && wanted_.clock_steps) {
      ++count_;
      const Duration to{rng_.between(-off_max.count(), off_max.count())};
      rehearsal.step_wall(to - off_);
      off_ = to;
    } else if (what == 1 && wanted_.kills) {
      ++count_;
      rehearsal.kill();
      const Now dead = rehearsal.true_now();
      const Duration sleep{rng_.between(0, Duration{minutes{3}}.count())};
      rehearsal.sleep_until(dead.steady + sleep);
      dead_.emplace_back(dead.wall, dead.wall + sleep);
    } else if (what == 2 && wanted_.kills) {
      ++count_;
      const WallTime stopping = rehearsal.true_now().wall;
      rehearsal.stop(seconds{30});
      RB_ASSERT(rehearsal.run() == run::RehearsalEnd::finished);
      dead_.emplace_back(stopping, rehearsal.true_now().wall);
    }
  }

  Situation& situation_;
  Disturbances wanted_;
  Rng rng_;
  Duration off_{};
  std::vector<std::pair<WallTime, WallTime>> dead_;
  std::int64_t count_ = 0;
};

double in_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

DaysRun day_quota(std::int64_t year, std::int64_t month, std::int64_t day, std::int64_t resets,
                  const Disturbances& disturbances, std::uint64_t seed) {
  const auto begins = los_angeles_midnights(year, month, day, resets + 3);
  auto setup = day_setup(begins, (resets + 3) * day_amount);
  setup.seed = seed;
  const Now start = setup.start;
  Situation situation{std::move(setup)};
  Disturber disturber{situation, disturbances, seed};
  // The last day runs into the afternoon, so that it is a whole one too.
  const WallTime end = begins[static_cast<std::size_t>(resets)] + hours{9};
  disturber.run_until(start.steady + (end - start.wall));

  const auto& quota = dynamic_cast<DayQuota&>(situation.server().limiter(first_lane, KeyId{0}, 0));
  DaysRun run;
  run.least_in_a_day = threshold;
  run.earliest_s = 1e9;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(resets); ++i) {
    const DayQuota::Day& today = quota.days()[i];
    run.most_in_a_day = std::max(run.most_in_a_day, today.used);
    run.least_in_a_day = std::min(run.least_in_a_day, today.used);
    if (i == 0) continue;
    ++run.resets;
    const double late = today.first ? in_seconds(*today.first - disturber.seen(today.begin))
                                    : in_seconds(hours{24});
    run.latest_s = std::max(run.latest_s, late);
    run.earliest_s = std::min(run.earliest_s, late);
  }
  run.refused = situation.refused();
  run.failed = situation.rehearsal().counts().failed;
  run.disturbances = disturber.count();
  return run;
}

std::vector<Report> day_rows() {
  struct Row {
    const char* name;
    std::int64_t year, month, day;
    Disturbances disturbances;
  };
  std::vector<Report> reports;
  for (const Row& row : {Row{"undisturbed, into summer time", 2026, 1, 20, {false, false}},
                         Row{"kills and restarts, out of summer time", 2026, 8, 20, {true, false}},
                         Row{"clock steps up to 15 min", 2026, 1, 20, {false, true}},
                         Row{"kills, restarts and clock steps", 2026, 8, 20, {true, true}}}) {
    const DaysRun run = day_quota(row.year, row.month, row.day, 100, row.disturbances, 7);
    Report report;
    report.what =
        fmt::format("1,000 a day from midnight in Los Angeles, paused at 800; {}", row.name);
    report.measured = fmt::format(
        "{} to {} a day over {} resets, first request {:.2f} to {:.2f} s "
        "after them",
        run.least_in_a_day, run.most_in_a_day, run.resets, run.earliest_s, run.latest_s);
    report.floor = "by the server's count of its day";
    report.figures = {
        count_at_most("in a day", static_cast<double>(run.most_in_a_day), threshold),
        seconds_at_most("first ", run.latest_s, 2),
        count_at_most("refused or failed", static_cast<double>(run.refused + run.failed), 0)};
    report.notes = {fmt::format("{} disturbances.", run.disturbances)};
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace ratebatch::quota_bench
