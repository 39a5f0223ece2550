#include "ratebatch/quota/quota_scope.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/integers.hpp"

namespace ratebatch::quota {
namespace {

std::int64_t amount_of(const Amounts& amounts, Resource resource) {
  return amounts[index_of(resource)];
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
  Limit limit;
  limit.name = "announced " + std::string{to_string(resource)};
  limit.resource = resource;
  limit.amount = amount;
  limit.window = window;
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
    const std::int64_t amount = amount_of(cost, window.limit.resource);
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
    const std::int64_t amount = amount_of(cost, window.limit.resource);
    if (amount > 0) {
      until(Refusal::Cause::window, window.state.earliest(steady, amount), window.limit.name);
    }
  }
  if (learned_) until(Refusal::Cause::window, learned_->earliest(steady), "learned rate");
  return refusal;
}

std::optional<std::string> QuotaScope::never_fits(const Amounts& certain) const {
  for (const Short& window : shorts_) {
    if (amount_of(certain, window.limit.resource) > window.limit.amount && !window.adopted) {
      return window.limit.name;
    }
  }
  for (const Long& window : longs_) {
    if (amount_of(certain, window.limit.resource) > window.limit.amount) return window.limit.name;
  }
  return std::nullopt;
}

QuotaScope::Ticket QuotaScope::take(const QuotaNow& now, const Amounts& cost) {
  Ticket ticket;
  ticket.taken = now.server;
  concurrency_.enter();
  if (waves_) waves_->enter(now.local.steady);
  for (std::size_t i = 0; i < shorts_.size(); ++i) {
    const std::int64_t amount = amount_of(cost, shorts_[i].limit.resource);
    if (amount == 0) continue;
    ticket.shorts.push_back(shorts_[i].state.take(now.local.steady, amount));
    ticket.short_index.push_back(i);
  }
  for (Long& window : longs_) {
    const std::int64_t amount = amount_of(cost, window.limit.resource);
    if (amount > 0) window.state.take(now.server, amount);
  }
  if (learned_) learned_->take(now.local.steady);
  changed_ = true;
  return ticket;
}

void QuotaScope::sent(Ticket& ticket, const QuotaNow& now) {
  for (std::size_t i = 0; i < ticket.shorts.size(); ++i) {
    shorts_[ticket.short_index[i]].state.sent(ticket.shorts[i], now.local.steady);
  }
  changed_ = true;
}

void QuotaScope::release(const Ticket& ticket, const QuotaNow& now, const Amounts& reserved) {
  concurrency_.leave();
  if (waves_) waves_->leave(now.local.steady);
  for (std::size_t i = 0; i < ticket.shorts.size(); ++i) {
    shorts_[ticket.short_index[i]].state.release(ticket.shorts[i]);
  }
  for (Long& window : longs_) {
    window.state.correct(ticket.taken, -amount_of(reserved, window.limit.resource));
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
  for (std::size_t i = 0; i < ticket.shorts.size(); ++i) {
    Short& window = shorts_[ticket.short_index[i]];
    window.state.settle(ticket.shorts[i], now.local.steady,
                        amount_of(actual, window.limit.resource), passed);
  }
  for (Long& window : longs_) {
    const std::int64_t delta = clamped_difference(amount_of(actual, window.limit.resource),
                                                  amount_of(reserved, window.limit.resource));
    if (delta != 0) window.state.correct(ticket.taken, delta);
  }
  if (outcome.facts.concurrency_max) concurrency_.announced(*outcome.facts.concurrency_max);
  if (passed) {
    concurrency_.succeeded();
  }
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
  if (overloaded && is_lane) concurrency_.overloaded(started, now.local.steady);
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

}  // namespace ratebatch::quota
