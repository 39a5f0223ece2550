// Time zones, for resets at a local time of day: days of 23, 24 and 25 hours.
//
// A TimeZone is a small value; the zone data behind it are read once by `find` and live for ever.
// Everything else is pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"

namespace date {
class time_zone;
}

namespace ratebatch::inline base {

class TimeZone {
 public:
  // UTC.
  TimeZone() = default;

  // The zone of an IANA name ("America/Los_Angeles") or "UTC". Reads the system's zone data. Fails
  // with invalid_input, naming the nearest known zone or saying that the data are missing.
  static Result<TimeZone> find(std::string_view name);

  [[nodiscard]] std::string name() const;  // "UTC" or the IANA name.

  // The first instant after `after` at which the local clock shows `time_of_day`. A time that a
  // change to summer time leaves out counts as the instant of the change; of one that occurs twice
  // the first is meant. Precondition: 0 <= time_of_day < 24 h.
  [[nodiscard]] WallTime next_daily(WallTime after, Duration time_of_day) const;

  // The same on `day` of a month, or its last day where it is shorter. Precondition: 1 to 31.
  [[nodiscard]] WallTime next_monthly(WallTime after, std::int32_t day, Duration time_of_day) const;

  // Local time for people: "2026-11-23 00:00 PST".
  [[nodiscard]] std::string format(WallTime at) const;

  friend bool operator==(const TimeZone&, const TimeZone&) = default;

 private:
  const date::time_zone* zone_ = nullptr;  // Null: UTC.
};

}  // namespace ratebatch::inline base
