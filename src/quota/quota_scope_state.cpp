// What a scope shows, and what it keeps.
#include <algorithm>
#include <utility>

#include "ratebatch/base/number_list.hpp"
#include "ratebatch/quota/quota_scope.hpp"

namespace ratebatch::quota {
namespace {

constexpr std::string_view wait_item = "wait";
constexpr std::string_view concurrency_item = "concurrency";
constexpr std::string_view waves_item = "waves";
constexpr std::string_view rate_item = "learned rate";
// Followed by "RESOURCE AMOUNT WINDOW_MS": a limit that replies announced.
constexpr std::string_view adopted_item = "announced ";

std::string item_of_adopted(const Limit& limit) {
  return std::string{adopted_item} + number_list({static_cast<std::int64_t>(limit.resource),
                                                  limit.amount, to_ms(limit.window)});
}

}  // namespace

LaneStatus QuotaScope::status(const QuotaNow& now) const {
  LaneStatus status{LaneState::running, "", std::nullopt};
  if (gate_.waiting(now.local)) status = gate_.status(now.local);
  for (const Long& window : longs_) {
    const Duration wait = window.state.opens_at(now.server, 1) - now.server;
    if (wait <= Duration{}) continue;
    const WallTime opens = now.local.wall + wait;
    if (status.state != LaneState::paused || !status.until || *status.until < opens) {
      status = {LaneState::paused, window.limit.name, opens};
    }
  }
  if (status.state != LaneState::running) return status;
  const bool slow_window =
      std::any_of(shorts_.begin(), shorts_.end(), [](const Short& s) { return s.state.slowed(); });
  if (slow_window) return {LaneState::slowed, "refusals", std::nullopt};
  if (learned_ && learned_->active()) return {LaneState::slowed, "learned rate", std::nullopt};
  if (concurrency_.lowered()) return {LaneState::slowed, "concurrency", std::nullopt};
  return status;
}

std::vector<LimitView> QuotaScope::limits(const QuotaNow& now) const {
  std::vector<LimitView> views;
  const auto add = [&](const Limit& limit, std::int64_t used, std::int64_t threshold,
                       std::optional<Duration> frees_in, bool is_long) {
    views.push_back(
        {limit.name, limit.resource, used, limit.amount, threshold, std::nullopt, is_long});
    if (frees_in) views.back().resets_at = now.local.wall + *frees_in;
  };
  const auto until = [](const auto& at, auto from) {
    return at ? std::optional<Duration>{*at - from} : std::nullopt;
  };
  const Instant steady = now.local.steady;
  for (const Short& window : shorts_) {
    add(window.limit, window.state.used(steady), window.state.threshold(),
        until(window.state.frees_at(steady), steady), false);
  }
  for (const Long& window : longs_) {
    add(window.limit, window.state.used(now.server), window.state.threshold(),
        until(window.state.resets_at(now.server), now.server), true);
  }
  return views;
}

bool QuotaScope::set_used(const QuotaNow& now, std::string_view limit, std::int64_t used) {
  for (Long& window : longs_) {
    if (window.limit.name != limit) continue;
    window.state.set_used(now.server, used);
    changed_ = true;
    return true;
  }
  return false;
}

void QuotaScope::reset(const QuotaNow& now) {
  for (Long& window : longs_) window.state.set_used(now.server, 0);
  std::erase_if(shorts_, [](const Short& window) { return window.adopted; });
  for (Short& window : shorts_) window.state = ShortLimit{window.limit};
  gate_.reset();
  concurrency_.reset();
  if (learned_) learned_.emplace();
  changed_ = true;
}

void QuotaScope::take_changes(const QuotaNow& now, std::vector<StoredState>& out) {
  if (!std::exchange(changed_, false)) return;
  std::vector<StoredState> states;
  const auto add = [&](std::string_view item, std::string value) {
    states.push_back({name_, std::string{item}, std::move(value)});
  };
  for (const Short& window : shorts_) {
    add(window.adopted ? item_of_adopted(window.limit) : window.limit.name,
        window.state.store(now.local));
  }
  for (const Long& window : longs_) add(window.limit.name, window.state.store());
  add(wait_item, gate_.store(now.local));
  add(concurrency_item, concurrency_.store());
  if (waves_) add(waves_item, waves_->store(now.local));
  if (learned_) add(rate_item, learned_->active() ? learned_->store(now.local) : "");
  for (StoredState& old : stored_) {
    const bool kept = std::any_of(states.begin(), states.end(),
                                  [&](const StoredState& s) { return s.item == old.item; });
    if (!kept) out.push_back({name_, old.item, ""});
  }
  for (const StoredState& state : states) {
    const auto old = std::find_if(stored_.begin(), stored_.end(),
                                  [&](const StoredState& s) { return s.item == state.item; });
    const bool same = old == stored_.end() ? state.value.empty() : old->value == state.value;
    if (!same) out.push_back(state);
  }
  stored_ = std::move(states);
}

void QuotaScope::restore(const QuotaNow& now, const StoredState& state) {
  if (state.scope != name_ || state.value.empty()) return;
  bool known = false;
  for (Short& window : shorts_) {
    if (window.limit.name == state.item) known = window.state.restore(now.local, state.value);
  }
  for (Long& window : longs_) {
    if (window.limit.name == state.item) known = window.state.restore(state.value);
  }
  if (state.item == wait_item) known = gate_.restore(now.local, state.value);
  if (state.item == concurrency_item) known = concurrency_.restore(state.value);
  if (waves_ && state.item == waves_item) known = waves_->restore(now.local, state.value);
  if (learned_ && state.item == rate_item) known = learned_->restore(now.local, state.value);
  if (state.item.starts_with(adopted_item)) {
    const auto numbers = read_number_list(std::string_view{state.item}.substr(adopted_item.size()));
    if (numbers && numbers->size() == 3 && (*numbers)[0] >= 0 &&
        (*numbers)[0] < static_cast<std::int64_t>(resource_count) && (*numbers)[1] >= 1 &&
        (*numbers)[2] >= 1 && (*numbers)[2] <= to_ms(short_window_max)) {
      add_adopted(static_cast<Resource>((*numbers)[0]), (*numbers)[1],
                  std::chrono::milliseconds{(*numbers)[2]});
      known = shorts_.back().state.restore(now.local, state.value);
    }
  }
  if (known) stored_.push_back(state);
}

}  // namespace ratebatch::quota
