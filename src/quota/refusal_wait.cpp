#include "ratebatch/quota/refusal_wait.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::quota {
namespace {

// A random share, up to `per_mille`, of `d`.
Duration random_share(Duration d, std::int32_t per_mille, Rng& rng) {
  const std::int64_t most = d.count() / 1000 * per_mille;
  return Duration{most > 0 ? rng.between(0, most) : 0};
}

// The server knows best when it will take requests again; jitter keeps several clients apart.
Duration hinted_or(const std::optional<Duration>& hint, const RetryRule& rule,
                   std::int32_t refusals_before, const RetrySettings& settings, Rng& rng) {
  if (!hint) return backoff(rule, refusals_before, settings.jitter_per_mille, rng);
  const Duration most_jitter = std::min<Duration>(*hint, std::chrono::seconds{1});
  return *hint + random_share(most_jitter, settings.jitter_per_mille, rng);
}

// A server's own wait for a quota may be short although the quota is used up until its reset.
Duration quota_wait(const std::optional<Duration>& hint, const RefusalEvidence& evidence,
                    const RetrySettings& settings, Rng& rng) {
  if (evidence.reset_in) return std::max(*evidence.reset_in, hint.value_or(Duration{}));
  const bool probed_in_vain = evidence.refusals_before >= settings.quota.retries;
  // A hint that led to another refusal was none.
  const bool has_hint = hint && (evidence.refusals_before == 0 || *hint >= settings.quota.base);
  if (!has_hint && probed_in_vain) return settings.quota_pause;
  return hinted_or(has_hint ? hint : std::nullopt, settings.quota, evidence.refusals_before,
                   settings, rng);
}

Duration limit_wait(const Outcome& outcome, const RefusalEvidence& evidence,
                    const RetrySettings& settings, Rng& rng) {
  if (!outcome.facts.wait && evidence.learned_wait) return *evidence.learned_wait;
  const bool concurrency = outcome.limited == LimitedBy::concurrency;
  RetryRule rule = concurrency ? settings.concurrency : settings.rate_limit;
  // A limit per second is over in a second.
  if (evidence.window) rule.base = std::min(rule.base, *evidence.window);
  return hinted_or(outcome.facts.wait, rule, evidence.refusals_before, settings, rng);
}

}  // namespace

Duration backoff(const RetryRule& rule, std::int32_t tries, std::int32_t jitter_per_mille,
                 Rng& rng) {
  RB_ASSERT(tries >= 0);
  Duration wait = rule.base;
  for (std::int32_t i = 0; i < tries && wait < rule.max; ++i) {
    wait = rule.growth == Growth::doubling ? wait * 2 : wait + rule.base;
  }
  wait = std::min(wait, rule.max);
  return wait - random_share(wait, jitter_per_mille, rng);
}

GateWait refusal_wait(const Outcome& outcome, const RefusalEvidence& evidence,
                      const RetrySettings& settings, Rng& rng) {
  if (outcome.kind == OutcomeClass::quota_exhausted) {
    return {quota_wait(outcome.facts.wait, evidence, settings, rng), LaneState::paused};
  }
  RB_ASSERT(outcome.kind == OutcomeClass::rate_limited);
  return {limit_wait(outcome, evidence, settings, rng), LaneState::waiting};
}

}  // namespace ratebatch::quota
