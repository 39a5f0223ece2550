// Servers that say "overloaded": at random whatever the load, or because of it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bench/quota/cases.hpp"

namespace ratebatch::quota_bench {
namespace {

constexpr Duration overloaded_for = minutes{5};
constexpr Duration service_time = milliseconds{200};

struct Counts {
  std::int64_t arrived = 0;
  std::int64_t granted = 0;
};

// From `from` on.
Counts counts_with(Overloads overloads, std::int32_t workers, std::uint64_t seed, Duration from) {
  Situation::Setup setup;
  setup.lanes.lanes.push_back({"a", no_limits()});
  ServerLane served;
  served.service = {service_time, service_time};
  served.overloads = overloads;
  setup.served.push_back(std::move(served));
  setup.jobs.push_back({route_of(0), 1'000'000});
  setup.workers = workers;
  setup.seed = seed;
  Situation situation{std::move(setup)};
  situation.run_for(overloaded_for);
  return {situation.arrived(first_lane, from, overloaded_for),
          situation.granted(first_lane, from, overloaded_for)};
}

double share_of(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(whole, 1));
}

std::int64_t granted_of(std::int32_t workers, Duration length) {
  return workers * (length / service_time);
}

}  // namespace

OverloadRun random_overloads(std::int64_t per_100k, std::int32_t workers, std::uint64_t seed) {
  const Counts counts = counts_with({.per_100k = per_100k}, workers, seed, {});
  return {share_of(counts.granted, granted_of(workers, overloaded_for)),
          share_of(counts.arrived - counts.granted, counts.arrived)};
}

OverloadRun overloads_above(std::int32_t in_flight, std::int64_t per_100k, std::int32_t workers,
                            std::uint64_t seed) {
  const Duration from = minutes{1};
  const Counts counts =
      counts_with({.per_100k = per_100k, .above_in_flight = in_flight}, workers, seed, from);
  return {share_of(counts.granted, granted_of(in_flight, overloaded_for - from)),
          share_of(counts.arrived - counts.granted, counts.arrived)};
}

std::vector<Report> overload_rows() {
  struct Row {
    std::int64_t per_100k;
    double least_percent;
  };
  constexpr std::uint64_t seeds = 5;
  std::vector<Report> reports;
  Report random;
  random.what = "503 at random, 200 ms, 5 minutes; 4, 16 and 200 workers, 5 seeds: the worst";
  random.floor = "the rate without them";
  for (const Row& row :
       {Row{100, 97}, Row{400, 96}, Row{1000, 95}, Row{2000, 93}, Row{5000, 88}, Row{10'000, 75}}) {
    double worst = 1;
    for (const std::int32_t workers : {4, 16, 200}) {
      for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        worst = std::min(worst, random_overloads(row.per_100k, workers, seed).of_ideal);
      }
    }
    const double percent = static_cast<double>(row.per_100k) / 1000;
    random.figures.push_back(share(fmt::format("{} %: ", percent), worst, row.least_percent));
  }
  random.measured = "granted";
  reports.push_back(std::move(random));

  Report knee;
  knee.what =
      "10 % of 503 only above 8 in flight, 64 workers, from minute 1 on; 5 seeds: the worst";
  knee.floor = "8 in flight";
  OverloadRun worst{1, 0};
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const OverloadRun run = overloads_above(8, 10'000, 64, seed);
    worst.of_ideal = std::min(worst.of_ideal, run.of_ideal);
    worst.overloaded = std::max(worst.overloaded, run.overloaded);
  }
  knee.measured = "granted";
  knee.figures = {
      share("granted ", worst.of_ideal, 90),
      Figure{100 * worst.overloaded, fmt::format("503: {:.2f} %", 100 * worst.overloaded), 2,
             "503: at most 2 %", false}};
  reports.push_back(std::move(knee));
  return reports;
}

}  // namespace ratebatch::quota_bench
