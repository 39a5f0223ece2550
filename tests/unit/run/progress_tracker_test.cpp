#include "ratebatch/run/progress_tracker.hpp"

#include <doctest/doctest.h>

namespace ratebatch::progress_tracker_test {

using namespace run;
using namespace store;

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr Now start{{5'000'000'000'000}, {1'795'334'400'000'000'000}};

Now after(Duration d) { return {start.steady + d, start.wall + d}; }

// Two lanes; the second has two routes.
Lanes lanes() {
  Lanes lanes;
  lanes.lanes.resize(2);
  lanes.lanes[0].model = "fast";
  lanes.lanes[1].model = "slow";
  lanes.routes = {{RouteId{1}, LaneId{0}}, {RouteId{2}, LaneId{1}}, {RouteId{3}, LaneId{1}}};
  return lanes;
}

void set(Counts& counts, std::int64_t route, JobState state, std::int64_t jobs) {
  counts.routes[RouteId{route}].by_state[static_cast<std::size_t>(state)] = jobs;
}

Snapshot snapshot(const LaneStatus& first, const LaneStatus& second) {
  Snapshot snapshot;
  snapshot.lanes = {{LaneId{0}, first, 1, 0}, {LaneId{1}, second, 2, 0}};
  snapshot.in_flight = 3;
  snapshot.workers = 4;
  return snapshot;
}

const LaneStatus running{LaneState::running, "", std::nullopt};

TEST_CASE("jobs of earlier runs are shown but are no rate") {
  const Lanes two = lanes();
  Counts counts;
  set(counts, 1, JobState::done, 1000);
  ProgressTracker tracker{two, start, counts};
  tracker.turned(after(seconds{60}), snapshot(running, running), counts);
  const Progress progress = tracker.progress(after(seconds{60}));
  CHECK(progress.lanes[0].jobs.of(JobState::done) == 1000);
  CHECK(progress.lanes[0].per_minute == 0.0);
  CHECK(progress.per_minute == 0.0);
}

TEST_CASE("done and failed jobs make the rate, per lane and in all") {
  const Lanes two = lanes();
  Counts counts;
  ProgressTracker tracker{two, start, counts};
  set(counts, 1, JobState::done, 30);
  set(counts, 2, JobState::done, 4);
  set(counts, 3, JobState::failed, 2);
  tracker.turned(after(seconds{60}), snapshot(running, running), counts);
  const Progress progress = tracker.progress(after(seconds{60}));
  CHECK(progress.lanes[0].per_minute == doctest::Approx(30));
  CHECK(progress.lanes[1].per_minute == doctest::Approx(6));
  CHECK(progress.per_minute == doctest::Approx(36));
  CHECK(progress.in_flight == 3);
  CHECK(progress.workers == 4);
}

TEST_CASE("the slowest lane decides when all is done") {
  const Lanes two = lanes();
  Counts counts;
  ProgressTracker tracker{two, start, counts};
  set(counts, 1, JobState::done, 30);
  set(counts, 1, JobState::pending, 60);
  set(counts, 3, JobState::done, 6);
  set(counts, 3, JobState::pending, 60);
  tracker.turned(after(seconds{60}), snapshot(running, running), counts);
  const Progress progress = tracker.progress(after(seconds{60}));
  CHECK(progress.lanes[0].eta == Duration{minutes{2}});
  CHECK(progress.lanes[1].eta == Duration{minutes{10}});
  CHECK(progress.eta == Duration{minutes{10}});
}

TEST_CASE("one lane without a rate leaves the end unknown") {
  const Lanes two = lanes();
  Counts counts;
  ProgressTracker tracker{two, start, counts};
  set(counts, 1, JobState::done, 30);
  set(counts, 3, JobState::pending, 1);
  tracker.turned(after(seconds{60}), snapshot(running, running), counts);
  CHECK(tracker.progress(after(seconds{60})).eta == std::nullopt);
}

TEST_CASE("a lane that waits is forecast with the rate it had while it worked") {
  const Lanes two = lanes();
  Counts counts;
  ProgressTracker tracker{two, start, counts};
  set(counts, 1, JobState::done, 30);
  set(counts, 1, JobState::pending, 60);
  tracker.turned(after(seconds{60}), snapshot(running, running), counts);
  const LaneStatus waiting{LaneState::waiting, "429: requests", after(minutes{65}).wall};
  tracker.turned(after(minutes{60}), snapshot(waiting, running), counts);
  const Progress progress = tracker.progress(after(minutes{60}));
  CHECK(progress.lanes[0].per_minute == 0.0);
  CHECK(progress.lanes[0].eta == Duration{minutes{7}});
}

TEST_CASE("the forecast waits for the reset of a long limit, and counts down in between") {
  Lanes two = lanes();
  two.pools.resize(1);
  two.lanes[0].limits.windows = {{.name = "rpd", .amount = 100, .window = std::chrono::hours{24}}};
  Counts counts;
  ProgressTracker tracker{two, start, counts};
  set(counts, 1, JobState::done, 30);
  set(counts, 1, JobState::pending, 60);
  counts.calls.sent = 30;
  LaneQuota quota;
  quota.limits = {{"rpd", Resource::requests, 30, 100, 80, after(minutes{30}).wall, true}};
  tracker.usage(LaneId{0}, quota);
  tracker.turned(after(seconds{60}), snapshot(running, running), counts);
  // 50 of 60 fit; the others wait until half an hour after the start.
  const Progress progress = tracker.progress(after(seconds{60}));
  CHECK(progress.lanes[0].eta == Duration{minutes{29} + seconds{20}});
  CHECK(progress.eta_pauses == 1);
  CHECK(progress.lanes[0].limits.front().view.used == 30);
  CHECK(tracker.progress(after(seconds{65})).eta == Duration{minutes{29} + seconds{15}});
  CHECK(tracker.progress(after(minutes{60})).eta == Duration{});
}

TEST_CASE("time spent standing still is added up by lane and reason") {
  const Lanes two = lanes();
  const Counts counts;
  ProgressTracker tracker{two, start, counts};
  const LaneStatus requests{LaneState::waiting, "429: requests", std::nullopt};
  const LaneStatus quota{LaneState::paused, "quota used up", std::nullopt};
  const LaneStatus tripped{LaneState::tripped, "server failures", std::nullopt};
  tracker.turned(after(seconds{1}), snapshot(running, running), counts);
  tracker.turned(after(seconds{2}), snapshot(requests, running), counts);
  tracker.turned(after(seconds{5}), snapshot(running, tripped), counts);
  tracker.turned(after(seconds{9}), snapshot(requests, quota), counts);
  tracker.turned(after(seconds{10}), snapshot(running, quota), counts);
  tracker.turned(after(seconds{30}), snapshot(running, running), counts);
  const std::vector<TimeWaited> expected = {{"slow", "quota used up", seconds{21}},
                                            {"fast", "429: requests", seconds{4}},
                                            {"slow", "server failures", seconds{4}}};
  CHECK(tracker.waits() == expected);
}

}  // namespace
}  // namespace ratebatch::progress_tracker_test
