#include "ratebatch/schedule/retry_policy.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

// A random share, up to `per_mille`, of `d`.
Duration random_share(Duration d, std::int32_t per_mille, Rng& rng) {
  const std::int64_t most = d.count() / 1000 * per_mille;
  return Duration{most > 0 ? rng.between(0, most) : 0};
}

// The server knows best when it will take requests again; jitter keeps several clients apart.
Duration hinted_or(const Facts& facts, const RetryRule& rule, const AttemptContext& context,
                   const RetrySettings& settings, Rng& rng) {
  if (!facts.wait) return backoff(rule, context.lane_refusals, settings.jitter_per_mille, rng);
  const Duration most_jitter = std::min<Duration>(*facts.wait, std::chrono::seconds{1});
  return *facts.wait + random_share(most_jitter, settings.jitter_per_mille, rng);
}

LaneWait quota_wait(const Outcome& outcome, const AttemptContext& context,
                    const RetrySettings& settings, Rng& rng) {
  const bool probed_in_vain = context.lane_refusals >= settings.quota.retries;
  if (!outcome.facts.wait && probed_in_vain) return {settings.quota_pause, LaneState::paused};
  return {hinted_or(outcome.facts, settings.quota, context, settings, rng), LaneState::paused};
}

Decision refused(LaneWait wait) {
  Decision decision;
  decision.lane_wait = wait;
  return decision;
}

Decision server_failure(const Outcome& outcome, const AttemptContext& context,
                        const RetrySettings& settings, UnknownPolicy on_unknown, Rng& rng) {
  Decision decision;
  decision.breaker = BreakerVerdict::failure;
  const bool nobody_answered = outcome.sent && outcome.http_status == 0;
  if (nobody_answered && on_unknown == UnknownPolicy::hold) {
    decision.to = JobState::held;
    return decision;
  }
  if (context.is_probe) {
    decision.job_wait = context.probe_wait;
    return decision;
  }
  if (context.retries_used >= settings.server.retries) {
    decision.to = JobState::failed;
    return decision;
  }
  decision.uses_retry = true;
  const Duration own =
      backoff(settings.server, context.retries_used, settings.jitter_per_mille, rng);
  decision.job_wait = std::max(own, outcome.facts.wait.value_or(Duration{}));
  return decision;
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

Decision decide(const Outcome& outcome, const AttemptContext& context,
                const RetrySettings& settings, UnknownPolicy on_unknown, Rng& rng) {
  Decision decision;
  switch (outcome.kind) {
    case OutcomeClass::done:
      decision.to = JobState::done;
      decision.breaker = BreakerVerdict::success;
      return decision;
    case OutcomeClass::rate_limited: {
      const bool concurrency = outcome.limited == LimitedBy::concurrency;
      const RetryRule& rule = concurrency ? settings.concurrency : settings.rate_limit;
      return refused({hinted_or(outcome.facts, rule, context, settings, rng), LaneState::waiting});
    }
    case OutcomeClass::quota_exhausted:
      return refused(quota_wait(outcome, context, settings, rng));
    case OutcomeClass::no_credit:
    case OutcomeClass::refused_key:
      decision.refuses_key = true;
      return decision;
    case OutcomeClass::server_error:
    case OutcomeClass::overloaded:
    case OutcomeClass::timeout:
    case OutcomeClass::network:
    case OutcomeClass::bad_reply:
      return server_failure(outcome, context, settings, on_unknown, rng);
    case OutcomeClass::invalid_request:
    case OutcomeClass::too_large:
    case OutcomeClass::content_policy:
    case OutcomeClass::not_found:
      decision.to = JobState::failed;
      // A request that we could not even send says nothing about the server.
      decision.breaker = outcome.sent ? BreakerVerdict::success : BreakerVerdict::none;
      return decision;
    case OutcomeClass::unknown:
      decision.to = JobState::unknown;
      return decision;
  }
  RB_ASSERT(false);
}

}  // namespace ratebatch
