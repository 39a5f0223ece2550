#include "ratebatch/base/time_zone.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace ratebatch::time_zone_test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TimeZone zone_of(const char* name) {
  const Result<TimeZone> zone = TimeZone::find(name);
  REQUIRE_MESSAGE(zone, (zone ? "" : zone.error().message));
  return *zone;
}

// Midnight UTC.
WallTime utc(int year, unsigned month, unsigned day, Duration time = {}) {
  const std::chrono::sys_days date{std::chrono::year{year} / static_cast<int>(month) /
                                   static_cast<int>(day)};
  return WallTime{} + date.time_since_epoch() + time;
}

TEST_CASE("UTC needs no zone data and has days of 24 hours") {
  CHECK(zone_of("UTC") == TimeZone{});
  CHECK(TimeZone{}.name() == "UTC");
  const WallTime midnight = utc(2026, 3, 8);
  CHECK(TimeZone{}.next_daily(midnight - Duration{1}, {}) == midnight);
  CHECK(TimeZone{}.next_daily(midnight, {}) == midnight + hours{24});
  CHECK(TimeZone{}.next_daily(midnight + Duration{1}, {}) == midnight + hours{24});
  CHECK(TimeZone{}.next_daily(midnight, hours{24} - Duration{1}) ==
        midnight + hours{24} - Duration{1});
}

TEST_CASE("times before 1970 are days like others") {
  CHECK(TimeZone{}.next_daily(WallTime{-1}, {}) == WallTime{0});
  CHECK(TimeZone{}.next_daily(WallTime{-1}, hours{1}) == WallTime{0} + hours{1});
}

TEST_CASE("a day in Los Angeles has 23, 24 or 25 hours") {
  const TimeZone zone = zone_of("America/Los_Angeles");
  CHECK(zone.name() == "America/Los_Angeles");
  struct Row {
    WallTime midnight;  // Local.
    int hours_long;
  };
  const Row rows[] = {{utc(2026, 3, 7, hours{8}), 24},   {utc(2026, 3, 8, hours{8}), 23},
                      {utc(2026, 3, 9, hours{7}), 24},   {utc(2026, 10, 31, hours{7}), 24},
                      {utc(2026, 11, 1, hours{7}), 25},  {utc(2026, 11, 2, hours{8}), 24},
                      {utc(2027, 3, 14, hours{8}), 23},  {utc(2036, 3, 9, hours{8}), 23},
                      {utc(2026, 12, 31, hours{8}), 24}, {utc(2028, 2, 28, hours{8}), 24}};
  for (const Row& row : rows) {
    CAPTURE(format_utc(row.midnight));
    CHECK(zone.next_daily(row.midnight - Duration{1}, {}) == row.midnight);
    CHECK(zone.next_daily(row.midnight, {}) == row.midnight + hours{row.hours_long});
  }
}

TEST_CASE("a time of day that summer time leaves out is the instant of the change") {
  const TimeZone zone = zone_of("America/Los_Angeles");
  const Duration half_past_two = hours{2} + minutes{30};
  const WallTime change = utc(2026, 3, 8, hours{10});  // 02:00 PST becomes 03:00 PDT.
  const WallTime before = zone.next_daily(utc(2026, 3, 7), half_past_two);
  CHECK(before == utc(2026, 3, 7, hours{10} + minutes{30}));
  CHECK(zone.next_daily(before, half_past_two) == change);
  CHECK(zone.next_daily(change - Duration{1}, half_past_two) == change);
  CHECK(zone.next_daily(change, half_past_two) == utc(2026, 3, 9, hours{9} + minutes{30}));
}

TEST_CASE("of a time of day that comes twice the first is meant, and only that") {
  const TimeZone zone = zone_of("America/Los_Angeles");
  const Duration half_past_one = hours{1} + minutes{30};
  const WallTime first = utc(2026, 11, 1, hours{8} + minutes{30});
  CHECK(zone.next_daily(first - Duration{1}, half_past_one) == first);
  const WallTime next_day = utc(2026, 11, 2, hours{9} + minutes{30});
  CHECK(zone.next_daily(first, half_past_one) == next_day);
  CHECK(zone.next_daily(first + hours{1}, half_past_one) == next_day);
  CHECK(zone.next_daily(first + hours{1} + minutes{1}, half_past_one) == next_day);
}

TEST_CASE("Berlin changes at other dates and hours") {
  const TimeZone zone = zone_of("Europe/Berlin");
  CHECK(zone.next_daily(utc(2026, 3, 28, hours{23}), {}) == utc(2026, 3, 29, hours{22}));
  CHECK(zone.next_daily(utc(2026, 10, 24, hours{22}), {}) == utc(2026, 10, 25, hours{23}));
  CHECK(zone.next_daily(utc(2026, 3, 29), hours{2} + minutes{30}) == utc(2026, 3, 29, hours{1}));
  CHECK(zone.next_daily(utc(2026, 10, 25), hours{2} + minutes{30}) ==
        utc(2026, 10, 25, minutes{30}));
}

TEST_CASE("a clock that goes back over midnight shows it twice: the first counts") {
  // Havana's clocks go from 01:00 to 00:00 on 2026-11-01: 00:00 CDT is 04:00 UTC.
  const TimeZone zone = zone_of("America/Havana");
  CHECK(zone.next_daily(utc(2026, 11, 1), {}) == utc(2026, 11, 1, hours{4}));
  CHECK(zone.next_daily(utc(2026, 11, 1, hours{4}), {}) == utc(2026, 11, 2, hours{5}));
}

TEST_CASE("a day that a zone leaves out has no reset of its own") {
  // Samoa had no 2011-12-30.
  const TimeZone zone = zone_of("Pacific/Apia");
  const WallTime change = utc(2011, 12, 30, hours{10});
  CHECK(zone.next_daily(change - hours{1}, {}) == change);
  CHECK(zone.next_daily(change, {}) == change + hours{24});
}

TEST_CASE("a month begins anew on its day, or on its last") {
  const TimeZone utc_zone;
  struct Row {
    WallTime after;
    std::int32_t day;
    WallTime next;
  };
  const Row rows[] = {
      {utc(2026, 1, 31) - Duration{1}, 31, utc(2026, 1, 31)},
      {utc(2026, 1, 31), 31, utc(2026, 2, 28)},
      {utc(2026, 2, 28), 31, utc(2026, 3, 31)},
      {utc(2028, 1, 31), 31, utc(2028, 2, 29)},
      {utc(2028, 2, 28), 29, utc(2028, 2, 29)},
      {utc(2026, 12, 1), 1, utc(2027, 1, 1)},
      {utc(2026, 12, 31), 15, utc(2027, 1, 15)},
      {utc(2026, 4, 30), 30, utc(2026, 5, 30)},
  };
  for (const Row& row : rows) {
    CAPTURE(format_utc(row.after));
    CHECK(format_utc(utc_zone.next_monthly(row.after, row.day, {})) == format_utc(row.next));
  }
  CHECK(zone_of("America/Los_Angeles").next_monthly(utc(2026, 3, 1, hours{8}), 1, {}) ==
        utc(2026, 4, 1, hours{7}));
  CHECK(zone_of("Asia/Tokyo").next_monthly(utc(2026, 1, 31), 1, hours{9}) == utc(2026, 2, 1));
}

TEST_CASE("local time is shown with the zone's letters") {
  CHECK(TimeZone{}.format(utc(2026, 11, 23, hours{8})) == "2026-11-23 08:00 UTC");
  const TimeZone zone = zone_of("America/Los_Angeles");
  CHECK(zone.format(utc(2026, 11, 23, hours{8})) == "2026-11-23 00:00 PST");
  CHECK(zone.format(utc(2026, 7, 1, hours{8} + minutes{5})) == "2026-07-01 01:05 PDT");
}

TEST_CASE("an unknown zone is refused with the nearest name") {
  struct Row {
    const char* name;
    const char* part;
  };
  constexpr Row rows[] = {{"America/Los_Angles", "did you mean 'America/Los_Angeles'?"},
                          {"Europe/Berln", "did you mean 'Europe/Berlin'?"},
                          {"UCT1", "unknown time zone 'UCT1'"},
                          {"", "unknown time zone ''"},
                          {"../../etc/passwd", "unknown time zone '../../etc/passwd'"},
                          {"Europe/\x1b[31m", "unknown time zone 'Europe/\\x1b[31m'"}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Result<TimeZone> zone = TimeZone::find(row.name);
    REQUIRE(!zone);
    CHECK(zone.error().code == ErrorCode::invalid_input);
    CHECK(zone.error().message.find(row.part) != std::string::npos);
    CHECK(zone.error().message.find("expected UTC or an IANA name") != std::string::npos);
  }
}

}  // namespace
}  // namespace ratebatch::time_zone_test
