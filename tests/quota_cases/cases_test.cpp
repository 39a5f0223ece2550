// The facts among the cases of `./dev bench quota`, on shorter times: refusals, thresholds, jobs
// that must not fail. How much of a limit is used is the measurement's business.
#include "bench/quota/cases.hpp"

#include <doctest/doctest.h>

namespace ratebatch::quota_bench::cases_test {

using namespace quota;
using namespace run;
using namespace schedule;

namespace {

TEST_CASE("a known limit is never exceeded on any server, whatever its way of counting") {
  for (const Server server :
       {Server::fixed, Server::sliding, Server::bucket_full, Server::bucket_10, Server::bucket_1}) {
    CAPTURE(to_string(server));
    for (const std::int64_t per_minute : {20, 60, 600}) {
      CAPTURE(per_minute);
      const Use use = known_limit(server, per_minute, minutes{1}, minutes{10}, Jitter::wandering);
      CHECK(use.refused == 0);
      CHECK(use.of_rate > 0.9);
    }
    const Use use = known_limit(server, 20, seconds{1}, minutes{3}, Jitter::wandering);
    CHECK(use.refused == 0);
    CHECK(use.of_rate > 0.9);
  }
}

TEST_CASE("requests that overtake each other stay within minutes and buckets of ten") {
  for (const Server server :
       {Server::fixed, Server::sliding, Server::bucket_full, Server::bucket_10}) {
    CAPTURE(to_string(server));
    CHECK(known_limit(server, 600, minutes{1}, minutes{10}, Jitter::each).refused == 0);
    CHECK(known_limit(server, 20, minutes{1}, minutes{10}, Jitter::each).refused == 0);
  }
}

TEST_CASE("tokens nobody can foresee do not exceed their limit") {
  for (const Server server : {Server::fixed, Server::sliding, Server::bucket_full}) {
    CAPTURE(to_string(server));
    CHECK(tokens_and_requests(server, minutes{15}).refused == 0);
  }
}

TEST_CASE("50 requests in any 10 s: filled at once where that is declared or told, else paced") {
  for (const Told told : {Told::shape, Told::headers, Told::nothing}) {
    const WindowRun run = fifty_per_ten_seconds(told);
    CHECK(run.done == 200);
    CHECK(run.refused == 0);
    CHECK(run.seconds < 41);
  }
  CHECK(fifty_per_ten_seconds(Told::shape).seconds < 31);
}

TEST_CASE("a day quota is never used above its threshold, and used again right after its reset") {
  // Both changes of summer time of 2026 in Los Angeles: March 8 and November 1.
  struct Row {
    std::int64_t month, day;
    Disturbances disturbances;
  };
  for (const Row& row : {Row{3, 5, {false, false}}, Row{10, 29, {false, false}},
                         Row{3, 5, {true, false}}, Row{10, 29, {false, true}}}) {
    CAPTURE(row.month);
    const DaysRun run = day_quota(2026, row.month, row.day, 7, row.disturbances, 3);
    CHECK(run.resets == 7);
    CHECK(run.most_in_a_day == 800);
    CHECK(run.least_in_a_day == 800);
    CHECK(run.earliest_s >= 0);
    CHECK(run.latest_s <= 2);
    CHECK(run.refused + run.failed == 0);
  }
}

TEST_CASE("two models on five keys: every key of its own quota is used alike") {
  const KeysRun both = five_keys(true, minutes{10});
  CHECK(both.text_spread <= 0.02);
  CHECK(both.image_spread <= 0.02);
  CHECK(both.refused == 0);
  CHECK(both.text == five_keys(false, minutes{10}).text);
}

TEST_CASE("one lane out: one probe per 30 s, the others go on, no job fails, and it comes back") {
  for (const OutcomeClass kind : {OutcomeClass::overloaded, OutcomeClass::network}) {
    CAPTURE(to_string(kind));
    const OutageRun run = one_lane_out(kind, minutes{10});
    CHECK(run.failed == 0);
    CHECK(static_cast<double>(run.probes) <= run.probes_due + 1);
    CHECK(static_cast<double>(run.probes) >= run.probes_due * 0.8);
    CHECK(run.others_of_rate > 0.95);
    CHECK(run.full_speed_after_s <= 35 + run.latency_s);
  }
}

TEST_CASE("503s at random cost little more than their own retries") {
  CHECK(random_overloads(400, 16, 1).of_ideal > 0.96);
  CHECK(random_overloads(10'000, 16, 1).of_ideal > 0.75);
}

TEST_CASE("a server that is overloaded above eight in flight is found out within a minute") {
  const OverloadRun run = overloads_above(8, 10'000, 64, 1);
  CHECK(run.of_ideal > 0.9);
  CHECK(run.overloaded < 0.02);
}

TEST_CASE("36,831 bios with a day quota of 10,000 paused at 8,000 are done on the fifth day") {
  const BiosRun run = bios(36'831);
  CHECK(run.planned_day == 5);
  CHECK(run.day == 5);
  CHECK(run.done == 36'831);
  CHECK(run.failed == 0);
  CHECK(run.refused == 0);
  CHECK(run.most_in_a_day == 8'000);
}

}  // namespace
}  // namespace ratebatch::quota_bench::cases_test
