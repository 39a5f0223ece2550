#include "ratebatch/run/limit_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/text.hpp"

namespace ratebatch::run {
namespace {

// A reset nearer than this is said as a length of time.
constexpr Duration near_reset = std::chrono::hours{1};

// Views of limits over all lanes of a provider begin with its name.
bool is_called(const LimitView& view, std::string_view limit) {
  if (view.limit == limit) return true;
  return view.limit.size() > limit.size() && view.limit.ends_with(limit) &&
         view.limit[view.limit.size() - limit.size() - 1] == ' ';
}

}  // namespace

const Limit* limit_behind(const Lanes& lanes, LaneId lane, std::string_view view_name) {
  const LaneSettings& settings = lanes.lanes[index_of(lane)];
  for (const Limit& limit : settings.limits.windows) {
    if (limit.name == view_name) return &limit;
  }
  const KeyPool& pool = lanes.pools[index_of(settings.pool)];
  for (const Limit& limit : pool.limits.windows) {
    if (view_name == pool.provider + " " + limit.name) return &limit;
  }
  return nullptr;
}

std::vector<ShownLimit> shown_limits(const Lanes& lanes, LaneId lane,
                                     const std::vector<LimitView>& views) {
  std::vector<ShownLimit> shown;
  for (const LimitView& view : views) {
    const Limit* limit = limit_behind(lanes, lane, view.limit);
    shown.push_back({view, limit == nullptr ? TimeZone{} : limit->reset.zone});
  }
  return shown;
}

std::string limit_text(const ShownLimit& limit, WallTime now) {
  const LimitView& view = limit.view;
  std::string text =
      fmt::format("{} {} of {}", escaped(view.limit), grouped(view.used), grouped(view.max));
  if (!view.is_long) return text;
  text += fmt::format(" (pauses at {})", grouped(view.threshold));
  if (!view.resets_at || *view.resets_at <= now) return text;
  const Duration left = *view.resets_at - now;
  if (left < near_reset) return text + ", resets in " + format_duration(in_whole_seconds(left));
  return text + ", resets " + limit.zone.format(*view.resets_at);
}

std::optional<std::string> pause_text(const LaneStatus& status,
                                      const std::vector<ShownLimit>& limits, WallTime now) {
  if (!status.until) return std::nullopt;
  const ShownLimit* found = nullptr;
  for (const ShownLimit& limit : limits) {
    const bool fits = limit.view.is_long && is_called(limit.view, status.reason);
    const bool is_full = limit.view.used >= limit.view.threshold;
    if (fits && (found == nullptr || is_full)) found = &limit;
  }
  if (found == nullptr) return std::nullopt;
  return fmt::format("{}, in {}: {} of {} {} ({})", found->zone.format(*status.until),
                     format_duration(in_whole_seconds(*status.until - now)),
                     grouped(found->view.used), grouped(found->view.max),
                     to_string(found->view.resource), escaped(found->view.limit));
}

}  // namespace ratebatch::run
