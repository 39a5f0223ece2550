#include "ratebatch/quota/quota_scope.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/integers.hpp"
#include "ratebatch/base/number_list.hpp"

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

// The worse of two refusals: the one that lasts longer; one without an end lasts longest.
std::optional<Refusal> worse(std::optional<Refusal> a, std::optional<Refusal> b) {
  if (!a || !b) return a ? a : b;
  if (!a->earliest) return a;
  if (!b->earliest) return b;
  return *a->earliest >= *b->earliest ? a : b;
}

}  // namespace

QuotaScope::QuotaScope(std::string name, const Limits& limits, const std::optional<Waves>& waves,
                       const RetrySettings& retry, bool learns)
    : name_(std::move(name)), concurrency_(limits.concurrency), gate_(retry) {
  if (waves) waves_.emplace(*waves);
  for (const Limit& limit : limits.windows) {
    if (limit.is_long()) {
      longs_.push_back({limit, LongWindow{limit}});
    } else {
      shorts_.push_back({limit, ShortLimit{limit}});
    }
  }
  if (learns) learned_.emplace();
  // Of a limit that nobody stated: gently.
  if (learns && !limits.stated) concurrency_.begin_ramp();
}

void QuotaScope::add_adopted(Resource resource, std::int64_t amount, Duration window) {
  const Limit limit{.name = "announced " + std::string{to_string(resource)},
                    .resource = resource,
                    .amount = amount,
                    .window = window};
  shorts_.push_back({limit, ShortLimit{limit}, true});
}

void QuotaScope::notice_clock(const QuotaNow& now) {
  for (Long& window : longs_) window.state.notice_clock(now.server);
}

std::optional<Refusal> QuotaScope::blocked(const QuotaNow& now, const Amounts& cost) const {
  const Instant steady = now.local.steady;
  std::optional<Refusal> refusal;
  const auto until = [&](Refusal::Cause cause, Instant earliest, const std::string& limit) {
    if (earliest > steady) refusal = worse(std::move(refusal), Refusal{cause, earliest, limit});
  };
  for (const Long& window : longs_) {
    const std::int64_t amount = cost[index_of(window.limit.resource)];
    if (amount == 0) continue;
    const Duration wait = window.state.opens_at(now.server, amount) - now.server;
    until(Refusal::Cause::pause, steady + wait, window.limit.name);
  }
  if (gate_.waiting(now.local)) {
    const auto cause = gate_.paused(now.local) ? Refusal::Cause::pause : Refusal::Cause::wait;
    until(cause, gate_.opens_at(now.local), "");
  }
  if (refusal) return refusal;
  if (concurrency_.full() || !gate_.allows(now.local, concurrency_.in_flight())) {
    return Refusal{Refusal::Cause::slots, std::nullopt, "concurrency"};
  }
  if (waves_) {
    const auto earliest = waves_->earliest(now.local.steady);
    if (!earliest) return Refusal{Refusal::Cause::slots, std::nullopt, "waves"};
    until(Refusal::Cause::window, *earliest, "waves");
  }
  for (const Short& window : shorts_) {
    const std::int64_t amount = cost[index_of(window.limit.resource)];
    if (amount > 0) {
      until(Refusal::Cause::window, window.state.earliest(steady, amount), window.limit.name);
    }
  }
  if (learned_) until(Refusal::Cause::window, learned_->earliest(steady), "learned rate");
  return refusal;
}

std::optional<std::string> QuotaScope::never_fits(const Amounts& certain) const {
  for (const Short& window : shorts_) {
    if (certain[index_of(window.limit.resource)] > window.limit.amount && !window.adopted) {
      return window.limit.name;
    }
  }
  for (const Long& window : longs_) {
    if (certain[index_of(window.limit.resource)] > window.limit.amount) return window.limit.name;
  }
  return std::nullopt;
}

QuotaScope::Ticket QuotaScope::take(const QuotaNow& now, const Amounts& cost) {
  Ticket ticket;
  ticket.taken = now.server;
  concurrency_.enter(now.local.steady);
  if (waves_) waves_->enter(now.local.steady);
  for (std::size_t i = 0; i < shorts_.size(); ++i) {
    const std::int64_t amount = cost[index_of(shorts_[i].limit.resource)];
    if (amount > 0) ticket.shorts.emplace_back(i, shorts_[i].state.take(now.local.steady, amount));
  }
  for (Long& window : longs_) {
    const std::int64_t amount = cost[index_of(window.limit.resource)];
    if (amount > 0) window.state.take(now.server, amount);
  }
  if (learned_) learned_->take(now.local.steady);
  changed_ = true;
  return ticket;
}

void QuotaScope::sent(Ticket& ticket, const QuotaNow& now) {
  for (auto& [index, own] : ticket.shorts) shorts_[index].state.sent(own, now.local.steady);
  changed_ = true;
}

void QuotaScope::release(const Ticket& ticket, const QuotaNow& now, const Amounts& reserved,
                         Instant started) {
  concurrency_.leave();
  concurrency_.ended_otherwise(started, now.local.steady);
  if (waves_) waves_->leave(now.local.steady);
  for (const auto& [index, own] : ticket.shorts) shorts_[index].state.release(own);
  for (Long& window : longs_) {
    window.state.correct(ticket.taken, -reserved[index_of(window.limit.resource)]);
  }
  changed_ = true;
}

void QuotaScope::settle(const Ticket& ticket, const QuotaNow& now, const Amounts& reserved,
                        const Amounts& actual, const Outcome& outcome, Instant started) {
  const bool passed = is_answer(outcome.kind);
  const bool refused_for_rate = outcome.kind == OutcomeClass::rate_limited;
  const bool overloaded = outcome.kind == OutcomeClass::overloaded;
  concurrency_.leave();
  if (waves_) {
    if (overloaded || refused_for_rate) waves_->refused();
    waves_->leave(now.local.steady);
  }
  for (const auto& [index, own] : ticket.shorts) {
    Short& window = shorts_[index];
    window.state.settle(own, now.local.steady, actual[index_of(window.limit.resource)], passed);
  }
  for (Long& window : longs_) {
    const std::int64_t delta = clamped_difference(actual[index_of(window.limit.resource)],
                                                  reserved[index_of(window.limit.resource)]);
    if (delta != 0) window.state.correct(ticket.taken, delta);
  }
  if (outcome.facts.concurrency_max) concurrency_.announced(*outcome.facts.concurrency_max);
  if (learned_ && outcome.http_status > 0 && !refused_for_rate) {
    learned_->succeeded(now.local.steady, started);
  }
  const bool too_many = refused_for_rate && outcome.limited == LimitedBy::concurrency;
  // Of what is asked of all lanes together only a stated number adapts: one model that can take no
  // more must not slow the others.
  const bool is_lane = learned_.has_value();
  if (too_many && (is_lane || concurrency_.limit())) {
    concurrency_.refused(started, now.local.steady);
  }
  if (passed) {
    concurrency_.succeeded(started, now.local.steady);
  } else if (overloaded && is_lane) {
    concurrency_.overloaded(started, now.local.steady);
  } else {
    concurrency_.ended_otherwise(started, now.local.steady);
  }
  changed_ = true;
}

std::int64_t QuotaScope::long_share(const QuotaNow& now) const {
  std::int64_t share = 0;
  for (const Long& window : longs_) {
    const std::int64_t threshold = window.state.threshold();
    const std::int64_t used = std::min(window.state.used(now.server), threshold);
    share = std::max(share, scaled(used, 1'000'000, threshold));
  }
  return share;
}

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
  if (std::ranges::any_of(shorts_, [](const Short& s) { return s.state.slowed(); })) {
    return {LaneState::slowed, "refusals", std::nullopt};
  }
  if (learned_ && learned_->active()) return {LaneState::slowed, "learned rate", std::nullopt};
  if (concurrency_.lowered()) return {LaneState::slowed, "concurrency", std::nullopt};
  return status;
}

std::vector<LimitView> QuotaScope::limits(const QuotaNow& now) const {
  std::vector<LimitView> views;
  // `at`: now, by the clock of the window.
  const auto add = [&](const auto& window, auto at, const auto& frees_at, bool is_long) {
    const Limit& limit = window.limit;
    views.push_back({limit.name, limit.resource, window.state.used(at), limit.amount,
                     window.state.threshold(), std::nullopt, is_long});
    if (frees_at) views.back().resets_at = now.local.wall + (*frees_at - at);
  };
  const Instant steady = now.local.steady;
  for (const Short& window : shorts_) add(window, steady, window.state.frees_at(steady), false);
  for (const Long& window : longs_) {
    add(window, now.server, window.state.resets_at(now.server), true);
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
  if (learned_) add(rate_item, learned_->store(now.local));
  for (const StoredState& old : stored_) {
    const bool is_kept = std::ranges::count(states, old.item, &StoredState::item) > 0;
    if (!is_kept) out.push_back({name_, old.item, ""});
  }
  for (const StoredState& state : states) {
    const auto old = std::ranges::find(stored_, state.item, &StoredState::item);
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
  if (state.item == concurrency_item) known = concurrency_.restore(now.local.steady, state.value);
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
