#include "ratebatch/quota/quota_monitor.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {

QuotaMonitor::QuotaMonitor(const Lanes& lanes, std::int32_t pace_at_per_mille, Now now,
                           const std::vector<LimitState>& stored)
    : lanes_(lanes), keys_(lanes.keys.size()) {
  const auto make_scope = [&](std::string name, const Limits& limits) {
    Scope scope{std::move(name), ConcurrencyLimit{limits.concurrency}, limits.requests, {}};
    for (const RequestLimit& limit : limits.requests) {
      RateLimiter limiter{limit, pace_at_per_mille};
      for (const LimitState& state : stored) {
        if (state.scope == scope.name && state.limit == limit.name) {
          limiter.restore(now, state.arrival);
        }
      }
      scope.limiters.push_back(limiter);
    }
    return scope;
  };
  for (const LaneSettings& lane : lanes.lanes) {
    lane_scopes_.push_back(make_scope("lane " + lane.model, lane.limits));
  }
  for (const KeyPool& pool : lanes.pools) {
    pool_scopes_.push_back(make_scope("provider " + pool.provider, pool.limits));
  }
}

std::variant<Reservation, Refusal> QuotaMonitor::reserve(Now now, LaneId lane, const Cost& cost) {
  RB_ASSERT(cost.requests == 1);
  Scope& own = lane_scopes_[index_of(lane)];
  Scope& pool = pool_of(lane);
  const auto key = best_key(lanes_.lanes[index_of(lane)].pool);
  if (!key) return Refusal{Refusal::Cause::no_key, std::nullopt};
  if (own.concurrency.full() || pool.concurrency.full()) {
    return Refusal{Refusal::Cause::concurrency, std::nullopt};
  }
  Instant earliest = now.steady;
  for (const Scope* scope : {&own, &pool}) {
    for (const RateLimiter& limiter : scope->limiters) {
      earliest = std::max(earliest, limiter.earliest(now.steady));
    }
  }
  if (earliest > now.steady) return Refusal{Refusal::Cause::window, earliest};

  for (Scope* scope : {&own, &pool}) {
    scope->concurrency.enter();
    for (RateLimiter& limiter : scope->limiters) limiter.take(now.steady);
    scope->changed = true;
  }
  ++keys_[index_of(*key)].in_flight;
  const ReservationId id{++last_id_};
  held_.emplace(id, Held{lane, *key, now.steady});
  return Reservation{id, *key};
}

void QuotaMonitor::sent(Now now, ReservationId id) {
  const auto found = held_.find(id);
  RB_ASSERT(found != held_.end());
  const Held& held = found->second;
  for (Scope* scope : {&lane_scopes_[index_of(held.lane)], &pool_of(held.lane)}) {
    for (RateLimiter& limiter : scope->limiters) limiter.sent(held.reserved_at, now.steady);
    scope->changed = true;
  }
}

void QuotaMonitor::settle(Now /*now*/, ReservationId id, const Facts& /*facts*/) { end(id); }

void QuotaMonitor::release(ReservationId id) { end(id); }

void QuotaMonitor::end(ReservationId id) {
  const auto found = held_.find(id);
  RB_ASSERT(found != held_.end());
  const Held& held = found->second;
  lane_scopes_[index_of(held.lane)].concurrency.leave();
  pool_of(held.lane).concurrency.leave();
  --keys_[index_of(held.key)].in_flight;
  held_.erase(found);
}

void QuotaMonitor::refuse_key(KeyId key) { keys_[index_of(key)].usable = false; }

bool QuotaMonitor::has_usable_key(LaneId lane) const {
  return best_key(lanes_.lanes[index_of(lane)].pool).has_value();
}

std::int32_t QuotaMonitor::in_flight(LaneId lane) const {
  return lane_scopes_[index_of(lane)].concurrency.in_flight();
}

std::vector<LimitState> QuotaMonitor::take_changes(Now now) {
  std::vector<LimitState> changes;
  for (std::vector<Scope>* scopes : {&lane_scopes_, &pool_scopes_}) {
    for (Scope& scope : *scopes) {
      if (!std::exchange(scope.changed, false)) continue;
      for (std::size_t i = 0; i < scope.limits.size(); ++i) {
        changes.push_back(
            {scope.name, scope.limits[i].name, scope.limiters[i].stored_arrival(now)});
      }
    }
  }
  return changes;
}

std::optional<KeyId> QuotaMonitor::best_key(PoolId pool) const {
  // The keys of a pool share one quota, so the least busy one has the most headroom; the first of
  // equals keeps the choice the same in every run.
  std::optional<KeyId> best;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (lanes_.keys[i].pool != pool || !keys_[i].usable) continue;
    if (!best || keys_[i].in_flight < keys_[index_of(*best)].in_flight) {
      best = KeyId{static_cast<std::int32_t>(i)};
    }
  }
  return best;
}

QuotaMonitor::Scope& QuotaMonitor::pool_of(LaneId lane) {
  return pool_scopes_[index_of(lanes_.lanes[index_of(lane)].pool)];
}

}  // namespace ratebatch
