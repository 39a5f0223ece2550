#include "ratebatch/base/time_zone.hpp"

#include <date/date.h>
#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <vector>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::inline base {
namespace {

using SysTime = date::sys_time<Duration>;
using LocalTime = date::local_time<Duration>;

constexpr std::string_view utc_name = "UTC";

WallTime wall_of(SysTime at) { return {at.time_since_epoch().count()}; }

LocalTime local_of(const date::time_zone* zone, WallTime at) {
  const Duration since_epoch{at.ns};
  if (zone == nullptr) return LocalTime{since_epoch};
  return zone->to_local(SysTime{since_epoch});
}

// The instant at which the local clock first shows `local`, or skips it.
WallTime instant_of(const date::time_zone* zone, LocalTime local) {
  if (zone == nullptr) return wall_of(SysTime{local.time_since_epoch()});
  const date::local_info info = zone->get_info(local);
  if (info.result == date::local_info::nonexistent) return wall_of(SysTime{info.first.end});
  return wall_of(SysTime{local.time_since_epoch() - info.first.offset});
}

// All names the system knows, to suggest one.
std::vector<std::string> known_names(const date::tzdb& zones) {
  std::vector<std::string> names{std::string{utc_name}};
  names.reserve(zones.zones.size() + 1);
  for (const date::time_zone& zone : zones.zones) names.push_back(zone.name());
  return names;
}

const date::tzdb* load_zones() {
  try {
    return &date::get_tzdb();
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace

Result<TimeZone> TimeZone::find(std::string_view name) {
  TimeZone found;
  if (name == utc_name) return found;
  const date::tzdb* zones = load_zones();
  if (zones == nullptr) {
    return fail(ErrorCode::invalid_input,
                fmt::format("time zone '{}' cannot be looked up: this system has no zone data; "
                            "install the package tzdata, or give the time in UTC",
                            escaped(name)));
  }
  const auto by_name = [&](const date::time_zone& zone) { return zone.name() == name; };
  const auto at = std::find_if(zones->zones.begin(), zones->zones.end(), by_name);
  if (at == zones->zones.end()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("unknown time zone '{}'{}; expected UTC or an IANA name such as "
                            "America/Los_Angeles",
                            escaped(name), did_you_mean(name, known_names(*zones))));
  }
  try {
    // The file of a zone is read with the first question; later ones cannot fail.
    static_cast<void>(at->get_info(date::sys_seconds{}));
  } catch (const std::exception& e) {
    return fail(ErrorCode::invalid_input,
                fmt::format("the data of time zone '{}' cannot be read ({}); reinstall the package "
                            "tzdata, or give the time in UTC",
                            escaped(name), escaped(e.what())));
  }
  found.zone_ = &*at;
  return found;
}

std::string TimeZone::name() const {
  return zone_ == nullptr ? std::string{utc_name} : zone_->name();
}

WallTime TimeZone::next_daily(WallTime after, Duration time_of_day) const {
  RB_ASSERT(time_of_day >= Duration{} && time_of_day < date::days{1});
  // From the day before: where a clock goes back over midnight, a day comes twice.
  date::local_days day = date::floor<date::days>(local_of(zone_, after)) - date::days{1};
  while (instant_of(zone_, day + time_of_day) <= after) day += date::days{1};
  return instant_of(zone_, day + time_of_day);
}

WallTime TimeZone::next_monthly(WallTime after, std::int32_t day, Duration time_of_day) const {
  RB_ASSERT(day >= 1 && day <= 31);
  RB_ASSERT(time_of_day >= Duration{} && time_of_day < date::days{1});
  const date::year_month_day today{date::floor<date::days>(local_of(zone_, after))};
  date::year_month month = today.year() / today.month() - date::months{1};
  while (true) {
    const date::year_month_day last{month / date::last};
    const date::day wanted{static_cast<unsigned>(day)};
    const date::local_days date{month / std::min(wanted, last.day())};
    const WallTime at = instant_of(zone_, date + time_of_day);
    if (at > after) return at;
    month += date::months{1};
  }
}

std::string TimeZone::format(WallTime at) const {
  const LocalTime local = local_of(zone_, at);
  const date::local_days day = date::floor<date::days>(local);
  const date::year_month_day ymd{day};
  const auto minutes = date::floor<std::chrono::minutes>(local - day).count();
  const std::string zone =
      zone_ == nullptr ? std::string{utc_name} : zone_->get_info(SysTime{Duration{at.ns}}).abbrev;
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} {}", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                     minutes / 60, minutes % 60, zone);
}

}  // namespace ratebatch::inline base
