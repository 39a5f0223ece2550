// The engine itself: jobs page by page, kills, stops, steps of the clock, the same run twice.
#include "ratebatch/run/rehearsal.hpp"

#include <doctest/doctest.h>

#include <map>
#include <vector>

#include "bench/quota/situation.hpp"

namespace ratebatch::quota_bench::rehearsal_test {

using namespace quota;
using namespace run;
using namespace schedule;

namespace {

Situation::Setup plain(std::int64_t jobs, std::int32_t workers = 4) {
  Situation::Setup setup;
  setup.lanes.lanes = {{"text", no_limits()}};
  setup.jobs = {{route_of(0), jobs}};
  ServerLane served;
  served.service = {milliseconds{500}, milliseconds{1500}};
  setup.served.push_back(served);
  setup.network.way_there = {milliseconds{20}, milliseconds{200}};
  setup.workers = workers;
  return setup;
}

std::vector<std::int64_t> jobs_arrived(const Situation& situation, const VirtualServer& server) {
  std::vector<std::int64_t> jobs;
  for (const Arrival& arrival : server.log()) jobs.push_back(arrival.job);
  CHECK(situation.elapsed() > Duration{});
  return jobs;
}

TEST_CASE("every job is done once, over several pages of them") {
  Situation situation{plain(1'000)};
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().counts().done == 1'000);
  CHECK(situation.rehearsal().counts().starts == 1'000);
  std::map<std::int64_t, int> times;
  for (const std::int64_t job : jobs_arrived(situation, situation.server())) ++times[job];
  CHECK(times.size() == 1'000);
  CHECK(times.begin()->first == 1);
  CHECK(times.rbegin()->first == 1'000);
}

TEST_CASE("nothing to do is finished at once, and takes no time") {
  Situation situation{plain(0)};
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.elapsed() == Duration{});
}

TEST_CASE("classes go by priority, then in their order") {
  Situation::Setup setup = plain(0, 1);
  setup.jobs = {{route_of(0), 2, {}, 0}, {route_of(0), 2, {}, 5}, {route_of(0), 2, {}, 5}};
  Situation situation{std::move(setup)};
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(jobs_arrived(situation, situation.server()) == std::vector<std::int64_t>{3, 4, 5, 6, 1, 2});
}

TEST_CASE("the same inputs give the same run, another seed another one") {
  const auto moments = [](std::uint64_t seed) {
    Situation::Setup setup = plain(200);
    setup.seed = seed;
    Situation situation{std::move(setup)};
    CHECK(situation.run() == RehearsalEnd::finished);
    std::vector<std::int64_t> all;
    for (const Arrival& arrival : situation.server().log()) all.push_back(arrival.at.ns);
    return all;
  };
  const auto once = moments(1);
  CHECK(once == moments(1));
  CHECK(once != moments(2));
}

TEST_CASE("it stops at the time asked for, to the nanosecond, and goes on from there") {
  Situation situation{plain(1'000)};
  const Instant begin = situation.rehearsal().now().steady;
  const Instant until = begin + Duration{10'000'000'001};
  CHECK(situation.rehearsal().run(until) == RehearsalEnd::reached);
  CHECK(situation.rehearsal().now().steady == until);
  const std::int64_t done = situation.rehearsal().counts().done;
  CHECK(done > 0);
  CHECK(done < 1'000);
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().counts().done == 1'000);
}

TEST_CASE(
    "a killed client loses no job: those under way are sent again, at most as many as it has "
    "workers") {
  Situation::Setup setup = plain(400);
  setup.network.stalled_commits_per_mille = 300;
  Situation situation{std::move(setup)};
  constexpr int kills = 20;
  for (int i = 1; i <= kills; ++i) {
    if (situation.run_for(seconds{3 * i}) != RehearsalEnd::reached) break;
    situation.rehearsal().kill();
    CHECK(!situation.rehearsal().alive());
  }
  CHECK(situation.run() == RehearsalEnd::finished);
  const RehearsalCounts& counts = situation.rehearsal().counts();
  CHECK(counts.done + counts.held == 400);
  CHECK(counts.resent > 0);
  CHECK(counts.resent <= kills * 4);
  CHECK(counts.starts == 400 + counts.resent - counts.held);
}

TEST_CASE("a job that was under way in four dead clients is held") {
  Situation::Setup setup = plain(1, 1);
  setup.served[0].service = {hours{1}, hours{1}};
  Situation situation{std::move(setup)};
  for (int i = 1; i <= 4; ++i) {
    CHECK(situation.rehearsal().counts().held == 0);
    CHECK(situation.run_for(minutes{i}) == RehearsalEnd::reached);
    situation.rehearsal().kill();
  }
  CHECK(situation.rehearsal().counts().held == 1);
  CHECK(situation.run() == RehearsalEnd::finished);
}

TEST_CASE("a stop ends the run within its grace, and the next one does the rest") {
  Situation situation{plain(100)};
  CHECK(situation.run_for(seconds{5}) == RehearsalEnd::reached);
  situation.rehearsal().stop(seconds{30});
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().finish().reason == action::FinishReason::stopped);
  CHECK(situation.elapsed() < seconds{8});
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().counts().done == 100);
  CHECK(situation.rehearsal().counts().resent == 0);
}

TEST_CASE("a stop without grace makes what is under way unknown, and it is sent again") {
  Situation situation{plain(100)};
  CHECK(situation.run_for(seconds{5}) == RehearsalEnd::reached);
  situation.rehearsal().stop({});
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.elapsed() == seconds{5});
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().counts().done == 100);
  CHECK(situation.rehearsal().counts().resent >= 1);
  CHECK(situation.rehearsal().counts().resent <= 4);
}

TEST_CASE("a step of the wall clock shows to the client, not to the world") {
  Situation situation{plain(100)};
  CHECK(situation.run_for(seconds{5}) == RehearsalEnd::reached);
  const Now before = situation.rehearsal().true_now();
  situation.rehearsal().step_wall(-hours{1});
  CHECK(situation.rehearsal().true_now().wall == before.wall);
  CHECK(situation.rehearsal().now().wall == before.wall - hours{1});
  CHECK(situation.rehearsal().now().steady == before.steady);
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().counts().done == 100);
}

TEST_CASE("while a commit stalls, nothing leaves") {
  Situation::Setup setup = plain(50, 1);
  setup.network = {};
  setup.network.stalled_commits_per_mille = 1000;
  setup.network.stall = seconds{2};
  setup.served[0].service = {seconds{1}, seconds{1}};
  Situation situation{std::move(setup)};
  CHECK(situation.run() == RehearsalEnd::finished);
  const auto& log = situation.server().log();
  for (std::size_t i = 1; i < log.size(); ++i) CHECK(log[i].at - log[i - 1].at >= seconds{3});
}

TEST_CASE("a million jobs are as quick to begin with as ten") {
  Situation situation{plain(1'000'000, 16)};
  CHECK(situation.run_for(seconds{10}) == RehearsalEnd::reached);
  CHECK(situation.rehearsal().counts().total == 1'000'000);
  CHECK(situation.rehearsal().counts().done > 50);
}

}  // namespace
}  // namespace ratebatch::quota_bench::rehearsal_test
