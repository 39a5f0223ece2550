// Limits as people read them: how much is used, where it pauses, when it begins anew.
//
// Pure. Names of limits and models come from the configuration or from a provider, and are escaped
// here.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/base/time_zone.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/quota_view.hpp"

namespace ratebatch::run {

// Rounded up, and at least one second: what a person is told to wait.
constexpr Duration in_whole_seconds(Duration d) {
  return std::max<Duration>(std::chrono::ceil<std::chrono::seconds>(d), std::chrono::seconds{1});
}

// A limit, and the time zone of its reset.
struct ShownLimit {
  LimitView view;
  TimeZone zone;

  friend bool operator==(const ShownLimit&, const ShownLimit&) = default;
};

// The configured limit behind a view of a lane, its provider's included; nullptr where a reply
// announced it.
const Limit* limit_behind(const Lanes& lanes, LaneId lane, std::string_view view_name);

std::vector<ShownLimit> shown_limits(const Lanes& lanes, LaneId lane,
                                     const std::vector<LimitView>& views);

// "rpd 8,000 of 10,000 (pauses at 8,000), resets 2026-11-23 00:00 PST"; within an hour "resets in
// 42s"; a short one as "rpm 12 of 500".
std::string limit_text(const ShownLimit& limit, WallTime now);

// "2026-11-23 00:00 PST, in 6h 12min: 8,000 of 10,000 requests (rpd)", of the limit that a paused
// lane waits for; nothing where none of the limits is the one.
std::optional<std::string> pause_text(const LaneStatus& status,
                                      const std::vector<ShownLimit>& limits, WallTime now);

}  // namespace ratebatch::run
