// What replies teach a scope.
#include <algorithm>
#include <array>

#include "ratebatch/base/integers.hpp"
#include "ratebatch/quota/quota_scope.hpp"

namespace ratebatch::quota {
namespace {

// Header values are rounded: a window is known up to this share.
constexpr std::int64_t window_tolerance_percent = 5;

// So often in a row an inferred window must show before it is believed.
constexpr std::int32_t guesses_enough = 3;

bool is_near(Duration a, Duration b) {
  const Duration difference = a > b ? a - b : b - a;
  return difference <= b / 100 * window_tolerance_percent;
}

// A bucket that refills evenly tells its window by how long it takes to be full again.
std::optional<Duration> inferred_window(const LimitFact& fact) {
  if (fact.window) return fact.window;
  if (!fact.refills || !fact.limit || !fact.remaining || !fact.full_in) return std::nullopt;
  const std::int64_t missing = clamped_difference(*fact.limit, *fact.remaining);
  if (missing <= 0) return std::nullopt;
  // In milliseconds: a bucket that is nearly full and far from it at once would fill for centuries.
  constexpr Duration day = std::chrono::hours{24};
  const std::int64_t window_ms = scaled(to_ms(*fact.full_in), *fact.limit, missing);
  if (window_ms > to_ms(2 * day)) return std::nullopt;
  const Duration window = std::chrono::milliseconds{window_ms};
  for (const Duration known :
       {Duration{std::chrono::minutes{1}}, Duration{std::chrono::hours{1}}, day}) {
    if (is_near(window, known)) return known;
  }
  return std::nullopt;
}

// The refusal that is about a limit of this resource, by Resource; no refusal names characters.
constexpr std::array<std::optional<LimitedBy>, resource_count> refusal_for = {
    LimitedBy::requests, LimitedBy::tokens, LimitedBy::tokens,
    LimitedBy::tokens,   LimitedBy::images, std::nullopt};

bool is_about(const Limit& limit, const LimitFact& fact, std::optional<Duration> window) {
  if (limit.resource != fact.resource) return false;
  if (window) return is_near(*window, limit.window);
  return fact.limit && *fact.limit == limit.amount;
}

}  // namespace

std::optional<Duration> QuotaScope::believed_window(const LimitFact& fact) {
  if (fact.window) return fact.window;
  const auto window = inferred_window(fact);
  auto guess = std::ranges::find(guesses_, fact.resource, &Guess::resource);
  if (guess == guesses_.end()) {
    guess = guesses_.insert(guess, {fact.resource, window.value_or(Duration{}), 0});
  }
  const bool again = window && guess->window == *window;
  guess->times = again ? std::min(guess->times + 1, guesses_enough) : (window ? 1 : 0);
  guess->window = window.value_or(Duration{});
  return guess->times >= guesses_enough ? window : std::nullopt;
}

bool QuotaScope::learn(const Ticket& ticket, const QuotaNow& now, const LimitFact& fact,
                       std::optional<Duration> window_of_fact, std::int32_t slow_at_per_mille) {
  bool known = false;
  for (const auto& [index, own] : ticket.shorts) {
    Short& window = shorts_[index];
    if (!is_about(window.limit, fact, window_of_fact)) continue;
    if (window.adopted && fact.limit && *fact.limit != window.limit.amount) {
      window.limit.amount = *fact.limit;
      window.state.set_amount(*fact.limit);
    }
    window.state.learn(own, now.local.steady, fact, slow_at_per_mille);
    known = true;
  }
  for (Long& window : longs_) {
    if (!is_about(window.limit, fact, window_of_fact)) continue;
    known = true;
    // Others may use the same quota; that the server counts less than we do proves nothing.
    // A limit that is lower than the configured one leaves so much less.
    const std::int64_t most = std::max(fact.limit.value_or(0), window.limit.amount);
    const std::optional<std::int64_t> used = used_of(fact, most);
    if (used && *used > window.state.used(now.server)) window.state.set_used(now.server, *used);
  }
  changed_ = changed_ || known;
  return known;
}

void QuotaScope::adopt(const LimitFact& fact, std::optional<Duration> window) {
  if (!window || !fact.limit || *window > short_window_max) return;
  const bool is_covered = std::ranges::any_of(shorts_, [&](const Short& own) {
    return own.limit.resource == fact.resource && is_near(*window, own.limit.window);
  });
  if (is_covered) return;
  add_adopted(fact.resource, *fact.limit, *window);
  changed_ = true;
}

std::optional<Duration> QuotaScope::teach(const Ticket& ticket, const QuotaNow& now,
                                          const Outcome& outcome) {
  std::optional<Duration> longest;
  const bool is_named = outcome.limited != LimitedBy::unspecified;
  const LimitedBy limited = is_named ? outcome.limited : LimitedBy::requests;
  for (const auto& [index, own] : ticket.shorts) {
    Short& window = shorts_[index];
    if (refusal_for[index_of(window.limit.resource)] != limited) continue;
    window.state.refused(own, now.local.steady);
    longest = std::max(longest.value_or(Duration{}), window.limit.window);
  }
  return longest;
}

Duration QuotaScope::teach_rate(const QuotaNow& now, Instant started) {
  changed_ = true;
  if (!learned_) return {};
  return learned_->refused(now.local.steady, started);
}

std::optional<Duration> QuotaScope::known_reset(const QuotaNow& now, const Outcome& outcome) {
  std::optional<Duration> latest;
  for (Long& window : longs_) {
    const bool named = std::ranges::any_of(outcome.facts.limits, [&](const LimitFact& fact) {
      return fact.violated && fact.resource == window.limit.resource &&
             (!fact.window || is_near(*fact.window, window.limit.window));
    });
    // A rolling window is refilled bit by bit: the server's own hint says when.
    if (!named || window.limit.reset.kind == Reset::Kind::rolling) continue;
    // It is used up, whatever our own count says.
    window.state.set_used(now.server, std::max(window.state.used(now.server), window.limit.amount));
    changed_ = true;
    // A provider that names a time hours ahead knows its reset better than our rule of it.
    if (outcome.facts.wait && *outcome.facts.wait >= short_window_max) {
      window.state.server_resets_at(now.server, now.server + *outcome.facts.wait);
    }
    const auto reset = window.state.resets_at(now.server);
    if (!reset) continue;
    const Duration wait = *reset - now.server + std::chrono::seconds{1};
    latest = std::max(latest.value_or(wait), wait);
  }
  return latest;
}

}  // namespace ratebatch::quota
