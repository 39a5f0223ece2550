#include "ratebatch/base/time.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace ratebatch::time_test {
namespace {

TEST_CASE("durations are read in every unit, mixed and with fractions") {
  struct Row {
    const char* text;
    std::int64_t ns;
  };
  constexpr Row rows[] = {
      {"0", 0},
      {"0s", 0},
      {"1ns", 1},
      {"1us", 1'000},
      {"250ms", 250'000'000},
      {"2", 2'000'000'000},
      {"1.5s", 1'500'000'000},
      {"1.146s", 1'146'000'000},
      {"1m30s", 90'000'000'000},
      {"6m0s", 360'000'000'000},
      {"1h", 3'600'000'000'000},
      {"7d", 604'800'000'000'000},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto read = parse_duration(row.text);
    REQUIRE(read.has_value());
    CHECK(read->count() == row.ns);
  }
}

TEST_CASE("what is no duration is refused with an example of one") {
  for (const char* text : {"", "s", "-1s", "1x", "1.s", ".5s", "1 s", "1s2", "s1", "1e3s",
                           "99999999999999999999s", "40000d", "1mm"}) {
    CAPTURE(text);
    const auto read = parse_duration(text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::invalid_input);
    CHECK(read.error().message == "'" + std::string{text} +
                                      "' is not a duration; expected for example 500ms, 30s, "
                                      "1m30s, 24h");
  }
}

TEST_CASE("durations are shown by their two largest units") {
  struct Row {
    std::int64_t ms;
    const char* text;
  };
  constexpr Row rows[] = {
      {0, "0ms"},        {999, "999ms"},           {1'000, "1s"},       {1'250, "1.2s"},
      {9'999, "9.9s"},   {10'999, "10s"},          {60'000, "1min"},    {61'000, "1min 1s"},
      {3'600'000, "1h"}, {22'320'000, "6h 12min"}, {172'800'000, "2d"}, {273'600'000, "3d 4h"},
      {-1'000, "-1s"}};
  for (const Row& row : rows) CHECK(format_duration(std::chrono::milliseconds{row.ms}) == row.text);
}

TEST_CASE("wall times are shown in UTC, before 1970 and after 2038 too") {
  CHECK(format_utc(wall_from_ms(0)) == "1970-01-01T00:00:00Z");
  CHECK(format_utc(wall_from_ms(1'795'420'801'000)) == "2026-11-23T08:00:01Z");
  CHECK(format_utc(wall_from_ms(-1)) == "1969-12-31T23:59:59Z");
  CHECK(format_utc(wall_from_ms(4'102'444'800'000)) == "2100-01-01T00:00:00Z");
  CHECK(format_utc_ms(wall_from_ms(1'795'420'801'042)) == "2026-11-23T08:00:01.042Z");
  CHECK(format_utc_ms(wall_from_ms(1'709'164'799'999)) == "2024-02-28T23:59:59.999Z");
  CHECK(format_utc_ms(wall_from_ms(1'709'164'800'000)) == "2024-02-29T00:00:00.000Z");
  CHECK(format_utc_ms(WallTime{-1}) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("instants and wall times differ by durations of their own kind") {
  CHECK(Instant{5} - Instant{3} == Duration{2});
  CHECK(Instant{5} + Duration{3} == Instant{8});
  CHECK(WallTime{5} - Duration{3} == WallTime{2});
  CHECK(Instant{1} < Instant{2});
}

}  // namespace
}  // namespace ratebatch::time_test
