// What the quota monitor shows, and what a person may correct.
#include <algorithm>
#include <array>

#include "ratebatch/base/integers.hpp"
#include "ratebatch/quota/quota_monitor.hpp"

namespace ratebatch::quota {
namespace {

// The later of two waits of one key group.
LaneStatus later(LaneStatus a, LaneStatus b) {
  const auto stands = [](const LaneStatus& s) {
    return s.state == LaneState::waiting || s.state == LaneState::paused;
  };
  if (!stands(b)) return stands(a) || a.state == LaneState::slowed ? a : b;
  if (!stands(a)) return b;
  if (!a.until) return a;
  return !b.until || *b.until > *a.until ? b : a;
}

// What a lane shows of two of its key groups: that of the one which may work, or goes on first.
LaneStatus freer(LaneStatus a, LaneStatus b) {
  const auto rank = [](const LaneStatus& s) {
    switch (s.state) {
      case LaneState::running:
        return 0;
      case LaneState::slowed:
        return 1;
      case LaneState::idle:
      case LaneState::waiting:
      case LaneState::tripped:
      case LaneState::no_key:
      case LaneState::stopped:
        return 2;
      case LaneState::paused:
        return 3;
    }
    return 3;
  };
  if (rank(a) != rank(b)) return rank(a) < rank(b) ? a : b;
  return a.until && b.until && *b.until < *a.until ? b : a;
}

void add_views(std::vector<LimitView>& sum, const std::vector<LimitView>& views) {
  for (const LimitView& view : views) {
    const auto same = std::ranges::find(sum, view.limit, &LimitView::limit);
    if (same == sum.end()) {
      sum.push_back(view);
      continue;
    }
    same->used = clamped_sum(same->used, view.used);
    same->max = clamped_sum(same->max, view.max);
    same->threshold = clamped_sum(same->threshold, view.threshold);
    if (view.resets_at && (!same->resets_at || *view.resets_at < *same->resets_at)) {
      same->resets_at = view.resets_at;
    }
  }
}

}  // namespace

LaneStatus QuotaMonitor::group_status(const QuotaNow& now, LaneId lane, GroupId group) const {
  const Group& own = groups_[index_of(group)];
  if (!best_key(group)) return {LaneState::no_key, "key refused", std::nullopt};
  return later(own.lanes.at(lane).status(now), own.all_lanes.status(now));
}

LaneStatus QuotaMonitor::status(Now now, LaneId lane) const {
  const QuotaNow at = clock(now, pool_of(lane));
  std::optional<LaneStatus> status;
  for (const GroupId group : groups_of(lane)) {
    if (!best_key(group)) continue;
    LaneStatus own = group_status(at, lane, group);
    status = status ? freer(std::move(*status), std::move(own)) : std::move(own);
  }
  return status.value_or(LaneStatus{LaneState::no_key, "no usable key", std::nullopt});
}

LaneQuota QuotaMonitor::view(Now now, LaneId lane) const {
  const QuotaNow at = clock(now, pool_of(lane));
  const std::string& provider = lanes_.pools[index_of(pool_of(lane))].provider;
  LaneQuota view;
  view.status = status(now, lane);
  for (const GroupId id : groups_of(lane)) {
    const Group& group = groups_[index_of(id)];
    KeyView keys;
    keys.group = lanes_.groups[index_of(id)].name;
    keys.status = group_status(at, lane, id);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (lanes_.keys[i].group == id && keys_[i].usable) keys.keys.push_back(lanes_.keys[i].name);
    }
    keys.limits = group.lanes.at(lane).limits(at);
    for (LimitView outer : group.all_lanes.limits(at)) {
      outer.limit = provider + " " + outer.limit;
      keys.limits.push_back(std::move(outer));
    }
    const auto slots = group.lanes.at(lane).concurrency().limit();
    const auto outer_slots = group.all_lanes.concurrency().limit();
    if (slots || outer_slots) {
      const std::int32_t most =
          slots && outer_slots ? std::min(*slots, *outer_slots) : (slots ? *slots : *outer_slots);
      view.concurrency = view.concurrency.value_or(0) + most;
    }
    // What only refused keys had is no quota of this run.
    if (best_key(id)) add_views(view.limits, keys.limits);
    view.keys.push_back(std::move(keys));
  }
  for (const LimitView& limit : view.limits) {
    if (!limit.is_long) continue;
    const std::int64_t warn_at = share_of(limit.threshold, options_.warn_at_per_mille);
    view.critical = view.critical || limit.used >= std::max<std::int64_t>(1, warn_at);
  }
  return view;
}

bool QuotaMonitor::account_paused(Now now, LaneId lane) const {
  return std::ranges::all_of(groups_of(lane), [&](GroupId id) {
    return !best_key(id) || groups_[index_of(id)].all_lanes.gate().paused(now);
  });
}

bool QuotaMonitor::set_used(Now now, LaneId lane, std::optional<GroupId> group,
                            std::string_view limit, std::int64_t used) {
  const QuotaNow at = clock(now, pool_of(lane));
  bool known = false;
  for (const GroupId id : groups_of(lane)) {
    if (group && *group != id) continue;
    known = groups_[index_of(id)].lanes.at(lane).set_used(at, limit, used) || known;
  }
  return known;
}

void QuotaMonitor::reset(Now now, LaneId lane, std::optional<GroupId> group) {
  const QuotaNow at = clock(now, pool_of(lane));
  for (const GroupId id : groups_of(lane)) {
    if (group && *group != id) continue;
    groups_[index_of(id)].lanes.at(lane).reset(at);
    groups_[index_of(id)].all_lanes.gate().reset();
    groups_[index_of(id)].all_lanes.mark_changed();
  }
}

}  // namespace ratebatch::quota
