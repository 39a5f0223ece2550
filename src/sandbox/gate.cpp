#include "sandbox/gate.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/integers.hpp"

namespace ratebatch::sandbox {
namespace {

// Which of two limits a client should hear of: one that is never met, else the one that lasts
// longer if it is exhausted, else the one with the smaller share left.
bool is_tighter(const LimitView& a, const LimitView& b) {
  if (a.never_fits() != b.never_fits()) return a.never_fits();
  if (a.reading.wait != b.reading.wait) return a.reading.wait > b.reading.wait;
  // Two amounts multiplied take 80 bits.
  return WideInteger{a.reading.room} * b.terms->most < WideInteger{b.reading.room} * a.terms->most;
}

using Pools = std::array<GatePool*, 2>;

void keep_tighter(std::optional<LimitView>& kept, const LimitView& view) {
  if (!kept || is_tighter(view, *kept)) kept = view;
}

// Looks at every limit for a request of that cost, and notes what stands in its way, what the
// headers tell, and the smaller limit of requests in flight.
void survey(const Pools& pools, const Amounts& cost, Now now, Decision& decision) {
  decision.tightest = {};
  decision.concurrency_max.reset();
  for (GatePool* pool : pools) {
    const auto& most = pool->concurrency_max;
    if (most && *most < decision.concurrency_max.value_or(*most + 1)) {
      decision.concurrency_max = most;
      decision.in_flight = pool->in_flight;
    }
    for (Limiter& limiter : pool->limiters) {
      const Resource resource = limiter.terms().resource;
      const std::int64_t wanted = cost[index_of(resource)];
      const LimitView view = limiter.view(now, std::max<std::int64_t>(wanted, 1));
      keep_tighter(decision.tightest[index_of(resource)], view);
      if (wanted > 0 && !view.fits()) keep_tighter(decision.refusing, view);
    }
  }
}

void take(const Pools& pools, const Amounts& cost, Now now, Grant& grant) {
  grant.pools = pools;
  grant.cost = cost;
  for (GatePool* pool : pools) {
    ++pool->in_flight;
    for (Limiter& limiter : pool->limiters) {
      const std::int64_t wanted = cost[index_of(limiter.terms().resource)];
      if (wanted > 0) grant.marks.push_back({&limiter, limiter.take(now, wanted)});
    }
  }
}

}  // namespace

Gate::Gate(const SandboxOptions& options, Now start) : options_(options), start_(start) {}

void Gate::add(GatePool& pool, const Limits& limits, const char* prefix) const {
  for (const Limit& limit : limits.windows) {
    pool.limiters.emplace_back(limit, options_, start_, prefix);
  }
  if (!limits.concurrency) return;
  const std::int64_t most = *limits.concurrency;
  pool.concurrency_max = std::min(pool.concurrency_max.value_or(most), most);
}

std::optional<Gate::Found> Gate::find_or_add(std::string_view key, const std::string& model) {
  if (options_.keys == KeyCounters::shared) key = {};
  auto at = accounts_.find(key);
  if (at != accounts_.end()) {
    const auto own = at->second.models.find(model);
    if (own != at->second.models.end()) return Found{&at->second, &own->second};
  }
  if (model_count_ >= gate_models_max) return std::nullopt;
  ++model_count_;
  if (at == accounts_.end()) {
    at = accounts_.try_emplace(std::string(key)).first;
    at->second.name = "key " + std::to_string(accounts_.size());
    add(at->second.overall, options_.overall, "total ");
  }
  GatePool& pool = at->second.models[model];
  if (const auto own = options_.models.find(model); own != options_.models.end()) {
    add(pool, own->second, "");
  }
  add(pool, options_.every_model, "");
  return Found{&at->second, &pool};
}

Decision Gate::ask(std::string_view key, const std::string& model, const Amounts& cost, Now now) {
  Decision decision;
  const std::optional<Found> found = find_or_add(key, model);
  if (!found) {
    decision.kind = Decision::Kind::too_many_models;
    return decision;
  }
  decision.key_name = found->account->name;
  const Pools pools{found->own, &found->account->overall};

  survey(pools, cost, now, decision);
  if (decision.refusing) {
    decision.kind =
        decision.refusing->never_fits() ? Decision::Kind::too_large : Decision::Kind::rate_limited;
    return decision;
  }
  for (const GatePool* pool : pools) {
    if (pool->concurrency_max && pool->in_flight >= *pool->concurrency_max) {
      decision.kind = Decision::Kind::too_many_at_once;
      decision.concurrency_max = pool->concurrency_max;
      decision.in_flight = pool->in_flight;
      return decision;
    }
  }
  take(pools, cost, now, decision.grant);
  survey(pools, Amounts{}, now, decision);
  return decision;
}

void Gate::end(const Grant& grant, const Amounts& use, Now now) {
  for (const Grant::Mark& mark : grant.marks) {
    const std::size_t index = index_of(mark.limiter->terms().resource);
    const std::int64_t difference = use[index] - grant.cost[index];
    if (difference != 0) mark.limiter->correct(mark.ticket, now, difference);
  }
  for (GatePool* pool : grant.pools) {
    RB_ASSERT(pool->in_flight > 0);
    --pool->in_flight;
  }
}

}  // namespace ratebatch::sandbox
