// Points in time and lengths of time, as values that cannot be mixed up.
//
// `Instant` follows CLOCK_BOOTTIME (it goes on while the machine sleeps, and never jumps);
// `WallTime` is UTC and may jump. Nothing here reads a clock: time comes in as an argument, read
// once per turn by the driver (see system_clock.hpp).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"

namespace ratebatch::inline base {

// A length of time in nanoseconds; negative where a difference is.
using Duration = std::chrono::nanoseconds;

// A point in time by one clock. Those of different clocks are different types.
template <typename Clock>
struct TimePoint {
  std::int64_t ns = 0;

  friend auto operator<=>(const TimePoint&, const TimePoint&) = default;
  friend TimePoint operator+(TimePoint at, Duration d) { return {at.ns + d.count()}; }
  friend TimePoint operator-(TimePoint at, Duration d) { return {at.ns - d.count()}; }
  friend Duration operator-(TimePoint a, TimePoint b) { return Duration{a.ns - b.ns}; }
};

// Nanoseconds since the machine started. Means nothing to another process or after a reboot:
// anything stored on disk is a WallTime.
using Instant = TimePoint<struct SteadyClock>;

// Before anything: far enough, and differences to it still fit.
constexpr Instant long_ago{-(std::int64_t{1} << 60U)};

// Nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
using WallTime = TimePoint<struct WallClock>;

// Both clocks, read together. Pacing and backoff use `steady`; resets and whatever is stored use
// `wall`.
struct Now {
  Instant steady;
  WallTime wall;

  // What the wall clock shows at an instant, if nobody sets it.
  [[nodiscard]] WallTime wall_at(Instant at) const { return wall + (at - steady); }
};

// The stored form of a wall time: milliseconds since 1970.
constexpr std::int64_t to_ms(WallTime at) { return at.ns / 1'000'000; }
constexpr WallTime wall_from_ms(std::int64_t ms) { return {ms * 1'000'000}; }
constexpr std::int64_t to_ms(Duration d) { return d.count() / 1'000'000; }

// Reads "500ms", "2s", "1m30s", "1h", "7d", "1.5s" or a bare number of seconds. Units: ns, us, ms,
// s, m, h, d, in any order; the total must be at least 0 and below 100 years. Surrounding spaces
// are not accepted. Fails with invalid_input and a message that says what was expected.
Result<Duration> parse_duration(std::string_view text);

// "132ms", "2s", "1m 30s", "6h 12min", "3d 4h": the two largest units, for people.
std::string format_duration(Duration d);

// Reads the three forms of RFC 9110, section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday,
// 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994". The day of the week is not compared with the
// date. nullopt for any other text, for dates that do not exist, and outside 1970 to 2200.
// Allocates nothing: every reply has a date.
std::optional<WallTime> parse_http_date(std::string_view text);

// Reads RFC 3339: "2026-08-01T12:00:00Z", "2026-08-01T14:00:00.5+02:00". nullopt as above.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// RFC 3339 in UTC: "2026-11-23T08:00:01Z"; milliseconds only in the second form.
std::string format_utc(WallTime at);
std::string format_utc_ms(WallTime at);

}  // namespace ratebatch::inline base
