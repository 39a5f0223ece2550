#include "ratebatch/quota/quota_monitor.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::quota {
namespace {

constexpr std::string_view tokens_item = "tokens per request";
constexpr std::string_view budget_scope = "budget";
constexpr std::string_view clock_item = "clock";

std::string clock_scope_name(const KeyPool& pool) { return "provider " + pool.provider; }

std::string route_scope_name(RouteId route) {
  return "route " + std::to_string(static_cast<std::int64_t>(route));
}

// Of refusals by several key groups: the lane may go on when the first of them may. One that only
// waits for a slot needs no time.
Refusal first_to_open(Refusal a, Refusal b) {
  if (!b.earliest) return a.earliest && a.cause == Refusal::Cause::pause ? b : a;
  if (!a.earliest) return b.cause == Refusal::Cause::pause ? a : b;
  return *a.earliest <= *b.earliest ? a : b;
}

}  // namespace

std::string lane_scope_name(std::string_view model, std::string_view group) {
  return "lane " + std::string{model} + ", keys " + std::string{group};
}

std::string provider_scope_name(std::string_view provider, std::string_view group) {
  return "provider " + std::string{provider} + ", keys " + std::string{group};
}

QuotaMonitor::QuotaMonitor(const Lanes& lanes, const QuotaOptions& options, Now now,
                           const std::vector<StoredState>& stored)
    : lanes_(lanes),
      options_(options),
      clocks_(lanes.pools.size()),
      stored_clocks_(lanes.pools.size()),
      groups_of_pool_(lanes.pools.size()),
      keys_(lanes.keys.size()),
      budget_(options.budget) {
  for (std::size_t i = 0; i < lanes.groups.size(); ++i) {
    const KeyGroup& group = lanes.groups[i];
    const KeyPool& pool = lanes.pools[index_of(group.pool)];
    groups_of_pool_[index_of(group.pool)].push_back(GroupId{static_cast<std::int32_t>(i)});
    Group made{QuotaScope{provider_scope_name(pool.provider, group.name), pool.limits, std::nullopt,
                          RetrySettings{}, false},
               {},
               {}};
    for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
      const LaneSettings& lane = lanes.lanes[l];
      if (lane.pool != group.pool) continue;
      made.lanes.emplace(LaneId{static_cast<std::int32_t>(l)},
                         QuotaScope{lane_scope_name(lane.model, group.name), lane.limits,
                                    lane.waves, lane.retry, true});
    }
    groups_.push_back(std::move(made));
  }
  for (const RouteSettings& route : lanes.routes) {
    const PoolId pool = pool_of(route.lane);
    estimates_.emplace(route.route,
                       TokenEstimate{route.estimate, lanes.pools[index_of(pool)].token_rule});
  }
  for (const StoredState& state : stored) {
    for (std::size_t i = 0; i < clocks_.size(); ++i) {
      const bool own = state.item == clock_item && state.scope == clock_scope_name(lanes.pools[i]);
      if (own && clocks_[i].restore(options.boot, state.value)) stored_clocks_[i] = state.value;
    }
  }
  for (const StoredState& state : stored) {
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      const QuotaNow at = clock(now, lanes.groups[i].pool);
      groups_[i].all_lanes.restore(at, state);
      for (auto& [lane, scope] : groups_[i].lanes) scope.restore(at, state);
    }
    for (auto& [route, estimate] : estimates_) {
      if (state.item == tokens_item && state.scope == route_scope_name(route)) {
        estimate.restore(state.value);
      }
    }
    if (state.scope == budget_scope) budget_.restore(state.value);
  }
}

PoolId QuotaMonitor::pool_of(LaneId lane) const { return lanes_.lanes[index_of(lane)].pool; }

const std::vector<GroupId>& QuotaMonitor::groups_of(LaneId lane) const {
  return groups_of_pool_[index_of(pool_of(lane))];
}

QuotaNow QuotaMonitor::clock(Now now, PoolId pool) const {
  return {now, clocks_[index_of(pool)].at(now)};
}

TokenEstimate& QuotaMonitor::estimate_of(RouteId route) {
  const auto found = estimates_.find(route);
  RB_ASSERT(found != estimates_.end());
  return found->second;
}

std::optional<KeyId> QuotaMonitor::best_key(GroupId group) const {
  // The keys of a group share one quota: the least busy one, the first of equals.
  std::optional<KeyId> best;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (lanes_.keys[i].group != group || !keys_[i].usable) continue;
    if (!best || keys_[i].in_flight < keys_[index_of(*best)].in_flight) {
      best = KeyId{static_cast<std::int32_t>(i)};
    }
  }
  return best;
}

// Which of two groups that both may start has more headroom: less of its long windows used; of
// equals the one that was used longer ago.
bool QuotaMonitor::is_better(const QuotaNow& now, LaneId lane, GroupId a, GroupId b) const {
  const auto share = [&](GroupId g) {
    const Group& group = groups_[index_of(g)];
    return std::max(group.lanes.at(lane).long_share(now), group.all_lanes.long_share(now));
  };
  const auto last = [&](GroupId g) {
    const auto& used = groups_[index_of(g)].last_used;
    const auto found = used.find(lane);
    return found == used.end() ? 0 : found->second;
  };
  const std::int64_t share_a = share(a);
  const std::int64_t share_b = share(b);
  return share_a != share_b ? share_a < share_b : last(a) < last(b);
}

std::variant<Reservation, Refusal> QuotaMonitor::reserve(Now now, LaneId lane, RouteId route,
                                                         const JobSize& size) {
  const QuotaNow at = clock(now, pool_of(lane));
  const TokenEstimate& estimate = estimate_of(route);
  Held held{.lane = lane,
            .route = route,
            .size = size,
            .amounts = estimate.reserve(size),
            .reserved_at = now.steady,
            .reserved_at_wall = now.wall};
  const auto& price = lanes_.lanes[index_of(lane)].price;
  if (price) held.cost_pico_usd = cost_of(*price, held.amounts);

  std::optional<GroupId> best;
  std::optional<Refusal> refusal;
  const Amounts certain = estimate.certain(size);
  for (const GroupId id : groups_of(lane)) {
    if (!best_key(id)) continue;
    Group& group = groups_[index_of(id)];
    QuotaScope& own = group.lanes.at(lane);
    for (QuotaScope* scope : {&own, &group.all_lanes}) {
      scope->notice_clock(at);
      if (const auto limit = scope->never_fits(certain)) {
        return Refusal{Refusal::Cause::never_fits, std::nullopt, *limit};
      }
    }
    std::optional<Refusal> blocked = own.blocked(at, held.amounts);
    if (!blocked || blocked->earliest) {
      const auto outer = group.all_lanes.blocked(at, held.amounts);
      const bool is_later =
          outer && (!blocked || !outer->earliest || *outer->earliest > *blocked->earliest);
      if (is_later) blocked = outer;
    }
    if (blocked) {
      if (blocked->cause == Refusal::Cause::pause) own.concurrency().begin_ramp();
      refusal =
          refusal ? first_to_open(std::move(*refusal), std::move(*blocked)) : std::move(blocked);
      continue;
    }
    if (!best || is_better(at, lane, id, *best)) best = id;
  }
  if (!best) return refusal.value_or(Refusal{Refusal::Cause::no_key, std::nullopt, ""});
  if (!budget_.allows(now.wall, held.cost_pico_usd)) {
    Refusal over_budget{Refusal::Cause::budget, std::nullopt, "max-cost"};
    if (const auto from = budget_.earliest(now.wall, held.cost_pico_usd)) {
      over_budget.earliest = now.steady + std::max<Duration>(*from - now.wall, Duration{1});
    }
    return over_budget;
  }
  held.group = *best;
  return take(at, std::move(held));
}

Reservation QuotaMonitor::take(const QuotaNow& now, Held held) {
  Group& group = groups_[index_of(held.group)];
  held.key = *best_key(held.group);
  held.lane_ticket = group.lanes.at(held.lane).take(now, held.amounts);
  held.group_ticket = group.all_lanes.take(now, held.amounts);
  budget_.reserve(now.local.wall, held.cost_pico_usd);
  ++keys_[index_of(held.key)].in_flight;
  const Reservation reservation{ReservationId{++last_id_}, held.key};
  group.last_used[held.lane] = last_id_;
  held_.emplace(reservation.id, std::move(held));
  return reservation;
}

void QuotaMonitor::sent(Now now, ReservationId id) {
  Held& held = held_by(id);
  const QuotaNow at = clock(now, pool_of(held.lane));
  Group& group = groups_[index_of(held.group)];
  group.lanes.at(held.lane).sent(held.lane_ticket, at);
  group.all_lanes.sent(held.group_ticket, at);
}

Verdict QuotaMonitor::settle(Now now, ReservationId id, const Outcome& outcome, Rng& rng) {
  const Held& held = held_by(id);
  const PoolId pool = pool_of(held.lane);
  if (outcome.facts.server_time) clocks_[index_of(pool)].saw(now, *outcome.facts.server_time);
  const QuotaNow at = clock(now, pool);
  Group& group = groups_[index_of(held.group)];
  Verdict verdict;
  verdict.cost_pico_usd = charge(at, held, outcome);
  const bool is_refusal =
      outcome.kind == OutcomeClass::rate_limited || outcome.kind == OutcomeClass::quota_exhausted;
  if (is_refusal) {
    verdict.wait = impose_wait(at, held, outcome, rng);
  } else {
    learn_limits(at, held, outcome);
  }
  if (health_of(outcome) == ServerHealth::well) {
    group.lanes.at(held.lane).gate().passed(held.reserved_at);
    group.all_lanes.gate().passed(held.reserved_at);
  }
  if (is_answer(outcome.kind)) {
    estimate_of(held.route).learn(held.size, outcome.usage);
    changed_estimates_.insert(held.route);
  }
  verdict.refuses_key = outcome.kind == OutcomeClass::refused_key;
  verdict.refuses_group = outcome.kind == OutcomeClass::no_credit;
  if (verdict.refuses_key) keys_[index_of(held.key)].usable = false;
  if (verdict.refuses_group) refuse_keys(held.group);
  end(id);
  return verdict;
}

// What the request really used, and cost: in the place of what was reserved.
std::int64_t QuotaMonitor::charge(const QuotaNow& now, const Held& held, const Outcome& outcome) {
  Amounts actual = estimate_of(held.route).actual(outcome.usage, held.amounts);
  // A request that was refused, or never came through, used no tokens; that it counts as a request
  // is the careful reading. One that could not even be made used nothing.
  if (outcome.http_status >= 400 || !outcome.sent) {
    const bool was_made =
        outcome.sent || (outcome.kind != OutcomeClass::invalid_request && !outcome.local);
    actual = Amounts{};
    actual[index_of(Resource::requests)] = was_made ? 1 : 0;
  }
  const auto& price = lanes_.lanes[index_of(held.lane)].price;
  const std::int64_t cost = price ? cost_of(*price, actual) : 0;
  budget_.settle(held.reserved_at_wall, held.cost_pico_usd, cost);
  Group& group = groups_[index_of(held.group)];
  group.lanes.at(held.lane).settle(held.lane_ticket, now, held.amounts, actual, outcome,
                                   held.reserved_at);
  group.all_lanes.settle(held.group_ticket, now, held.amounts, actual, outcome, held.reserved_at);
  return cost;
}

// The scope that a refusal is about.
QuotaScope& QuotaMonitor::marked_scope(Group& group, LaneId lane, const Outcome& outcome) {
  const bool whole_group = outcome.facts.scope == RefusalScope::provider;
  return whole_group ? group.all_lanes : group.lanes.at(lane);
}

void QuotaMonitor::learn_limits(const QuotaNow& now, const Held& held, const Outcome& outcome) {
  Group& group = groups_[index_of(held.group)];
  QuotaScope& own = group.lanes.at(held.lane);
  for (const LimitFact& fact : outcome.facts.limits) {
    const auto window = own.believed_window(fact);
    const std::int32_t slow_at = options_.slow_at_per_mille;
    if (own.learn(held.lane_ticket, now, fact, window, slow_at)) continue;
    if (group.all_lanes.learn(held.group_ticket, now, fact, window, slow_at)) continue;
    own.adopt(fact, window);
  }
}

// What our counts say of a refusal, which teaches them at the same time.
RefusalEvidence QuotaMonitor::evidence_of(const QuotaNow& now, const Held& held,
                                          const Outcome& outcome) {
  Group& group = groups_[index_of(held.group)];
  QuotaScope& own = group.lanes.at(held.lane);
  RefusalEvidence evidence;
  evidence.refusals_before =
      marked_scope(group, held.lane, outcome).gate().refusals_before(outcome, held.reserved_at);
  learn_limits(now, held, outcome);
  if (outcome.kind == OutcomeClass::quota_exhausted) {
    // An absent one is less than any other.
    evidence.reset_in =
        std::max(own.known_reset(now, outcome), group.all_lanes.known_reset(now, outcome));
  } else if (outcome.limited != LimitedBy::concurrency) {
    evidence.window = std::max(own.teach(held.lane_ticket, now, outcome),
                               group.all_lanes.teach(held.group_ticket, now, outcome));
    if (!evidence.window) evidence.learned_wait = own.teach_rate(now, held.reserved_at);
  }
  return evidence;
}

Duration QuotaMonitor::impose_wait(const QuotaNow& now, const Held& held, const Outcome& outcome,
                                   Rng& rng) {
  Group& group = groups_[index_of(held.group)];
  const RetrySettings& settings = lanes_.lanes[index_of(held.lane)].retry;
  const GateWait wait = refusal_wait(outcome, evidence_of(now, held, outcome), settings, rng);
  QuotaScope& marked = marked_scope(group, held.lane, outcome);
  marked.gate().refused(now.local, outcome, held.reserved_at, wait);
  group.lanes.at(held.lane).concurrency().begin_ramp();
  marked.mark_changed();
  return wait.wait;
}

void QuotaMonitor::release(Now now, ReservationId id) {
  const Held& held = held_by(id);
  const QuotaNow at = clock(now, pool_of(held.lane));
  Group& group = groups_[index_of(held.group)];
  group.lanes.at(held.lane).release(held.lane_ticket, at, held.amounts, held.reserved_at);
  group.all_lanes.release(held.group_ticket, at, held.amounts, held.reserved_at);
  budget_.settle(held.reserved_at_wall, held.cost_pico_usd, 0);
  end(id);
}

QuotaMonitor::Held& QuotaMonitor::held_by(ReservationId id) {
  const auto found = held_.find(id);
  RB_ASSERT(found != held_.end());
  return found->second;
}

void QuotaMonitor::end(ReservationId id) {
  --keys_[index_of(held_by(id).key)].in_flight;
  held_.erase(id);
}

void QuotaMonitor::lane_went_down(LaneId lane) {
  for (const GroupId id : groups_of(lane)) {
    groups_[index_of(id)].lanes.at(lane).concurrency().mark();
  }
}

void QuotaMonitor::lane_came_back(LaneId lane) {
  for (const GroupId id : groups_of(lane)) {
    groups_[index_of(id)].lanes.at(lane).concurrency().back_to_mark();
  }
}

void QuotaMonitor::refuse_keys(GroupId group) {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (lanes_.keys[i].group == group) keys_[i].usable = false;
  }
}

KeyId QuotaMonitor::any_key(LaneId lane) const {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const GroupId group = lanes_.keys[i].group;
    if (lanes_.groups[index_of(group)].pool == pool_of(lane)) {
      return KeyId{static_cast<std::int32_t>(i)};
    }
  }
  RB_ASSERT(false);
}

void QuotaMonitor::lift_waits() {
  for (Group& group : groups_) {
    group.all_lanes.gate().lift();
    for (auto& [lane, scope] : group.lanes) scope.gate().lift();
  }
}

bool QuotaMonitor::has_usable_key(LaneId lane) const {
  return std::ranges::any_of(groups_of(lane),
                             [&](GroupId group) { return best_key(group).has_value(); });
}

std::vector<StoredState> QuotaMonitor::take_changes(Now now) {
  std::vector<StoredState> changes;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const QuotaNow at = clock(now, lanes_.groups[i].pool);
    groups_[i].all_lanes.take_changes(at, changes);
    for (auto& [lane, scope] : groups_[i].lanes) scope.take_changes(at, changes);
  }
  for (const RouteId route : std::exchange(changed_estimates_, {})) {
    std::string value = estimates_.at(route).store();
    if (value.empty()) continue;
    changes.push_back({route_scope_name(route), std::string{tokens_item}, std::move(value)});
  }
  for (std::size_t i = 0; i < clocks_.size(); ++i) {
    std::string stored = clocks_[i].store(options_.boot);
    if (stored == stored_clocks_[i]) continue;
    stored_clocks_[i] = stored;
    changes.push_back(
        {clock_scope_name(lanes_.pools[i]), std::string{clock_item}, std::move(stored)});
  }
  if (const std::string spent = budget_.store(); !spent.empty()) {
    changes.push_back({std::string{budget_scope}, "day", spent});
  }
  return changes;
}

}  // namespace ratebatch::quota
