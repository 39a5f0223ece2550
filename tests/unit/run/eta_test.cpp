#include "ratebatch/run/eta.hpp"

#include <doctest/doctest.h>

namespace ratebatch::eta_test {

using namespace run;
using namespace store;

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr WallTime now{1'795'334'400'000'000'000};  // 2026-11-22T08:00:00Z, midnight in PST.

const LaneStatus running{LaneState::running, "", std::nullopt};

EtaLane lane_of(std::int64_t open, double per_minute, LaneStatus status = running) {
  return {open, per_minute, std::move(status), {}};
}

// So many of a day's threshold used, beginning anew at midnight of this zone.
EtaWindow daily(double used, double threshold, const char* zone_name, WallTime resets_at) {
  auto zone = TimeZone::find(zone_name);
  REQUIRE(zone.has_value());
  EtaWindow window;
  window.left = threshold - used;
  window.threshold = threshold;
  window.resets_at = resets_at;
  window.window = hours{24};
  window.reset.kind = Reset::Kind::daily;
  window.reset.zone = *zone;
  return window;
}

std::optional<Eta> after(Duration d, std::int64_t pauses = 0) { return Eta{now + d, pauses}; }

TEST_CASE("without long limits it is the wait and then the rest at the known rate") {
  const LaneStatus waiting{LaneState::waiting, "429", now + minutes{5}};
  CHECK(eta_of(lane_of(60, 30), now) == after(minutes{2}));
  CHECK(eta_of(lane_of(60, 30, waiting), now) == after(minutes{7}));
  SUBCASE("a wait that is over adds nothing") {
    const auto eta = eta_of(lane_of(60, 30, waiting), now + minutes{6});
    CHECK(eta == after(minutes{8}));
  }
  SUBCASE("nothing left takes no time, whatever the rate") {
    CHECK(eta_of(lane_of(0, 0), now) == after({}));
  }
  SUBCASE("without a rate there is none") { CHECK(eta_of(lane_of(1, 0), now) == std::nullopt); }
  SUBCASE("a lane that needs a person never ends") {
    for (const LaneState state : {LaneState::no_key, LaneState::stopped}) {
      CHECK(eta_of(lane_of(1, 30, {state, "", std::nullopt}), now) == std::nullopt);
    }
  }
  SUBCASE("beyond a year it is none") {
    CHECK(eta_of(lane_of(527'039, 1), now).has_value());
    CHECK(eta_of(lane_of(527'041, 1), now) == std::nullopt);
  }
}

TEST_CASE(
    "jobs that fit into what is left of the day need no pause, more of them wait for a reset") {
  EtaLane lane = lane_of(1000, 100);
  lane.windows = {daily(7000, 8000, "America/Los_Angeles", now + hours{24})};
  CHECK(eta_of(lane, now) == after(minutes{10}));
  lane.open = 1100;
  CHECK(eta_of(lane, now) == after(hours{24} + minutes{1}, 1));
}

TEST_CASE("36,831 jobs at 8,000 a day end on the fifth day, with four pauses") {
  EtaLane lane = lane_of(36'831, 100);
  lane.windows = {daily(0, 8000, "America/Los_Angeles", now + hours{24})};
  const auto eta = eta_of(lane, now);
  REQUIRE(eta.has_value());
  CHECK(eta->pauses == 4);
  // 4,831 jobs are left for the fifth day.
  const Duration took = eta->finish_at - now;
  CHECK(took > days{4} + minutes{48});
  CHECK(took < days{4} + minutes{49});
}

TEST_CASE("a day of 25 hours is waited for as long as it is") {
  // 2026-11-01T07:00Z is midnight in PDT; clocks go back that night.
  const WallTime midnight{now.ns - Duration{days{21} + hours{1}}.count()};
  EtaLane lane = lane_of(8100, 100);
  lane.windows = {daily(0, 8000, "America/Los_Angeles", midnight + hours{25})};
  CHECK(eta_of(lane, midnight) == Eta{midnight + hours{25} + minutes{1}, 1});
}

TEST_CASE("a lane that is paused begins with its reset, and the pause counts") {
  EtaLane lane = lane_of(100, 100, {LaneState::paused, "rpd", now + hours{2}});
  lane.windows = {daily(8000, 8000, "UTC", now + hours{2})};
  CHECK(eta_of(lane, now) == after(hours{2} + minutes{1}, 1));
  // By clocks that differ a little it begins before the reset that is known.
  lane.windows.front().resets_at = now + hours{2} + seconds{1};
  CHECK(eta_of(lane, now) == after(hours{2} + minutes{1}, 1));
}

TEST_CASE("a window that begins anew while the lane works is full again") {
  EtaLane lane = lane_of(10'000, 100);
  lane.windows = {daily(2000, 8000, "UTC", now + minutes{50})};
  // 5,000 before the reset, of 6,000 that were left; 5,000 after it, of 8,000.
  CHECK(eta_of(lane, now) == after(minutes{100}));
}

TEST_CASE("a rolling window is free one window after it began to fill") {
  EtaLane lane = lane_of(150, 100);
  EtaWindow window;
  window.left = 100;
  window.threshold = 100;
  window.window = hours{3};
  lane.windows = {window};
  const auto eta = eta_of(lane, now);
  REQUIRE(eta.has_value());
  CHECK(eta->pauses == 1);
  CHECK(eta->finish_at - now == hours{3} + seconds{30});
}

TEST_CASE("of two long limits the tighter one decides, in what one job uses of each") {
  EtaLane lane = lane_of(200, 60);
  EtaWindow requests = daily(0, 8000, "UTC", now + hours{24});
  EtaWindow tokens = daily(0, 10'000, "UTC", now + hours{24});
  tokens.per_job = 100;
  lane.windows = {requests, tokens};
  const auto eta = eta_of(lane, now);
  REQUIRE(eta.has_value());
  CHECK(eta->pauses == 1);
  CHECK(eta->finish_at > now + hours{16});
}

TEST_CASE("a limit that jobs do not use is none, and one below a job's use never ends") {
  EtaLane lane = lane_of(200, 60);
  lane.windows = {daily(100, 100, "UTC", now + hours{24})};
  lane.windows.front().per_job = 0;
  CHECK(eta_of(lane, now)->pauses == 0);
  lane.windows = {daily(0, 0.5, "UTC", now + hours{24})};
  CHECK(eta_of(lane, now) == std::nullopt);
}

TEST_CASE("what a job uses comes from the calls that were counted") {
  const UsePerJob none = use_per_job({}, 0);
  CHECK(none[index_of(Resource::requests)] == 1.0);
  CHECK(none[index_of(Resource::tokens)] == 0.0);
  CallCounts calls;
  calls.sent = 12;
  calls.input_tokens = 100;
  calls.output_tokens = 300;
  calls.images = 5;
  const UsePerJob use = use_per_job(calls, 10);
  CHECK(use[index_of(Resource::requests)] == doctest::Approx(1.2));
  CHECK(use[index_of(Resource::tokens)] == doctest::Approx(40));
  CHECK(use[index_of(Resource::input_tokens)] == doctest::Approx(10));
  CHECK(use[index_of(Resource::output_tokens)] == doctest::Approx(30));
  CHECK(use[index_of(Resource::images)] == doctest::Approx(0.5));
}

TEST_CASE("the last lane to end decides, and an unknown one leaves the end unknown") {
  const Eta early{now, 2};
  const Eta late{now + hours{1}, 1};
  CHECK(later_of(early, late) == Eta{now + hours{1}, 2});
  CHECK(later_of(early, std::nullopt) == std::nullopt);
}

}  // namespace
}  // namespace ratebatch::eta_test
