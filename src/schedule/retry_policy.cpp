#include "ratebatch/schedule/retry_policy.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::schedule {
namespace {

// A random share, up to `per_mille`, of `d`.
Duration random_share(Duration d, std::int32_t per_mille, Rng& rng) {
  const std::int64_t most = d.count() / 1000 * per_mille;
  return Duration{most > 0 ? rng.between(0, most) : 0};
}

// The server knows best when it will take requests again; jitter keeps several clients apart.
Duration hinted_or(const std::optional<Duration>& hint, const RetryRule& rule,
                   const AttemptContext& context, const RetrySettings& settings, Rng& rng) {
  if (!hint) return backoff(rule, context.notes.refusals_before, settings.jitter_per_mille, rng);
  const Duration most_jitter = std::min<Duration>(*hint, std::chrono::seconds{1});
  return *hint + random_share(most_jitter, settings.jitter_per_mille, rng);
}

// A server's own wait for a quota may be short although the quota is used up until its reset.
quota::GateWait quota_wait(const Outcome& outcome, const AttemptContext& context,
                           const RetrySettings& settings, Rng& rng) {
  if (context.notes.reset_in) {
    return {std::max(*context.notes.reset_in, outcome.facts.wait.value_or(Duration{})),
            LaneState::paused};
  }
  const bool probed_in_vain = context.notes.refusals_before >= settings.quota.retries;
  // A hint that led to another refusal was none.
  const bool has_hint = outcome.facts.wait && (context.notes.refusals_before == 0 ||
                                               *outcome.facts.wait >= settings.quota.base);
  if (!has_hint && probed_in_vain) return {settings.quota_pause, LaneState::paused};
  return {hinted_or(has_hint ? outcome.facts.wait : std::nullopt, settings.quota, context, settings,
                    rng),
          LaneState::paused};
}

quota::GateWait limit_wait(const Outcome& outcome, const AttemptContext& context,
                           const RetrySettings& settings, Rng& rng) {
  const bool concurrency = outcome.limited == LimitedBy::concurrency;
  RetryRule rule = concurrency ? settings.concurrency : settings.rate_limit;
  // A limit per second is over in a second.
  if (context.notes.window) rule.base = std::min(rule.base, *context.notes.window);
  if (!outcome.facts.wait && context.notes.learned_wait) {
    return {*context.notes.learned_wait, LaneState::waiting};
  }
  return {hinted_or(outcome.facts.wait, rule, context, settings, rng), LaneState::waiting};
}

Decision server_failure(const Outcome& outcome, const AttemptContext& context,
                        const RetrySettings& settings, UnknownPolicy on_unknown, Rng& rng) {
  Decision decision;
  // An answer without content is the model's doing, not a server that is down.
  const bool is_well = outcome.kind == OutcomeClass::bad_reply && !outcome.unreadable;
  decision.breaker = is_well ? BreakerVerdict::success : BreakerVerdict::failure;
  if (outcome.local) decision.breaker = BreakerVerdict::none;
  const bool nobody_answered = outcome.sent && outcome.http_status == 0;
  if (nobody_answered && on_unknown == UnknownPolicy::hold) {
    decision.to = JobState::held;
    return decision;
  }
  if (context.is_probe && decision.breaker == BreakerVerdict::failure) {
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
      decision.to =
          outcome.answer && !outcome.answer->links.empty() ? JobState::fetching : JobState::done;
      decision.breaker = BreakerVerdict::success;
      return decision;
    case OutcomeClass::not_accepted:
      if (context.rejections + 1 >= rejections_max) decision.to = JobState::failed;
      decision.breaker = BreakerVerdict::success;
      return decision;
    case OutcomeClass::rate_limited:
      decision.wait = limit_wait(outcome, context, settings, rng);
      return decision;
    case OutcomeClass::quota_exhausted:
      decision.wait = quota_wait(outcome, context, settings, rng);
      return decision;
    case OutcomeClass::no_credit:
      decision.refuses_group = true;
      return decision;
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
      // What is paid is not paid twice without being told to.
      decision.to = outcome.answer_lost ? JobState::held : JobState::unknown;
      return decision;
  }
  RB_ASSERT(false);
}

}  // namespace ratebatch::schedule
