#include "sandbox/gate.hpp"

#include <algorithm>
#include <array>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::sandbox {
namespace {

// Which of two limits a client should hear of: the one that lasts longer if it is exhausted, else
// the one with the smaller share left. Cross-multiplied; both factors are at most 10^8.
bool is_tighter(const LimitView& a, const LimitView& b) {
  if (a.wait != b.wait) return a.wait > b.wait;
  return a.remaining * b.limit < b.remaining * a.limit;
}

}  // namespace

Gate::Gate(const SandboxOptions& options, Instant start)
    : algorithm_(options.algorithm),
      start_(start),
      limits_(options.models),
      every_model_(options.every_model) {
  add(overall_, options.overall);
}

void Gate::add(Pool& pool, const Limits& limits) const {
  for (const RequestLimit& limit : limits.requests) {
    pool.limiters.emplace_back(algorithm_, limit.amount, limit.window, start_);
  }
  if (!limits.concurrency) return;
  const std::int64_t most = *limits.concurrency;
  pool.concurrency_max = std::min(pool.concurrency_max.value_or(most), most);
}

Gate::Pool* Gate::find_or_add(const std::string& model) {
  if (const auto found = models_.find(model); found != models_.end()) return &found->second;
  if (models_.size() >= gate_models_max) return nullptr;
  Pool& pool = models_[model];
  if (const auto own = limits_.find(model); own != limits_.end()) add(pool, own->second);
  add(pool, every_model_);
  return &pool;
}

Decision Gate::ask(const std::string& model, Instant now) {
  Pool* own = find_or_add(model);
  if (own == nullptr) return {Decision::Kind::too_many_models, std::nullopt, 0};
  const std::array<Pool*, 2> pools{own, &overall_};

  const auto tightest = [&] {
    std::optional<LimitView> shown;
    for (Pool* pool : pools) {
      for (Limiter& limiter : pool->limiters) {
        const LimitView view = limiter.view(now);
        if (!shown || is_tighter(view, *shown)) shown = view;
      }
    }
    return shown;
  };

  const std::optional<LimitView> before = tightest();
  if (before && before->wait > Duration{}) return {Decision::Kind::rate_limited, before, 0};
  for (const Pool* pool : pools) {
    if (pool->concurrency_max && pool->in_flight >= *pool->concurrency_max) {
      return {Decision::Kind::too_many_at_once, before, *pool->concurrency_max};
    }
  }
  for (Pool* pool : pools) {
    for (Limiter& limiter : pool->limiters) limiter.take(now);
    ++pool->in_flight;
  }
  return {Decision::Kind::granted, tightest(), 0};
}

void Gate::release(const std::string& model) {
  const auto found = models_.find(model);
  RB_ASSERT(found != models_.end() && found->second.in_flight > 0);
  --found->second.in_flight;
  --overall_.in_flight;
}

}  // namespace ratebatch::sandbox
