#include "ratebatch/run/progress.hpp"

#include <doctest/doctest.h>

namespace ratebatch::limit_text_test {

using namespace run;

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr WallTime now{1'795'334'400'000'000'000};  // 2026-11-22T08:00:00Z.

TimeZone pacific() {
  auto zone = TimeZone::find("America/Los_Angeles");
  REQUIRE(zone.has_value());
  return *zone;
}

ShownLimit daily(std::int64_t used, std::optional<WallTime> resets_at) {
  return {{"rpd", Resource::requests, used, 10'000, 8000, resets_at, true}, pacific()};
}

TEST_CASE("a long limit says where it pauses and when it begins anew, in the zone of its reset") {
  CHECK(limit_text(daily(8000, now + hours{24}), now) ==
        "rpd 8,000 of 10,000 (pauses at 8,000), resets 2026-11-23 00:00 PST");
  CHECK(limit_text(daily(3, now + hours{1}), now) ==
        "rpd 3 of 10,000 (pauses at 8,000), resets 2026-11-22 01:00 PST");
  CHECK(limit_text(daily(3, now + hours{1} - milliseconds{1}), now) ==
        "rpd 3 of 10,000 (pauses at 8,000), resets in 1h");
  CHECK(limit_text(daily(3, now + seconds{42}), now) ==
        "rpd 3 of 10,000 (pauses at 8,000), resets in 42s");
  CHECK(limit_text(daily(0, std::nullopt), now) == "rpd 0 of 10,000 (pauses at 8,000)");
  CHECK(limit_text(daily(0, now), now) == "rpd 0 of 10,000 (pauses at 8,000)");
}

TEST_CASE("a short limit only says what is used") {
  const ShownLimit limit{{"rpm", Resource::requests, 12, 500, 495, now + seconds{9}, false}, {}};
  CHECK(limit_text(limit, now) == "rpm 12 of 500");
}

TEST_CASE("a pause names the limit it is for, and no other") {
  const LaneStatus paused{LaneState::paused, "rpd", now + hours{6} + minutes{12}};
  const ShownLimit other{{"tpd", Resource::tokens, 9, 10, 8, now + hours{1}, true}, TimeZone{}};
  CHECK(pause_text(paused, {other, daily(8000, now + hours{6})}, now) ==
        "2026-11-22 06:12 PST, in 6h 12min: 8,000 of 10,000 requests (rpd)");
  CHECK(pause_text(paused, {other}, now) == std::nullopt);
  CHECK(pause_text({LaneState::paused, "rpd", std::nullopt}, {daily(8000, now)}, now) ==
        std::nullopt);
  ShownLimit of_provider = daily(8000, now + hours{6});
  of_provider.view.limit = "openai rpd";
  CHECK(pause_text(paused, {other, of_provider}, now) ==
        "2026-11-22 06:12 PST, in 6h 12min: 8,000 of 10,000 requests (openai rpd)");
  // Of one of its own with room and one of the provider without, it is the latter.
  CHECK(pause_text(paused, {daily(5, now), of_provider}, now) ==
        "2026-11-22 06:12 PST, in 6h 12min: 8,000 of 10,000 requests (openai rpd)");
}

TEST_CASE("views find the limits behind them, those of the provider by its name") {
  Lanes lanes;
  lanes.pools = {{.provider = "openai", .limits = {}}};
  lanes.pools[0].limits.windows = {{.name = "rpd", .amount = 2}};
  LaneSettings lane;
  lane.model = "small";
  lane.limits.windows = {{.name = "rpd", .amount = 1}};
  lanes.lanes = {lane};
  REQUIRE(limit_behind(lanes, LaneId{0}, "rpd") != nullptr);
  CHECK(limit_behind(lanes, LaneId{0}, "rpd")->amount == 1);
  REQUIRE(limit_behind(lanes, LaneId{0}, "openai rpd") != nullptr);
  CHECK(limit_behind(lanes, LaneId{0}, "openai rpd")->amount == 2);
  CHECK(limit_behind(lanes, LaneId{0}, "announced requests") == nullptr);
}

}  // namespace
}  // namespace ratebatch::limit_text_test
