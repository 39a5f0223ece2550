#include "ratebatch/schedule/retry_policy.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::schedule {
namespace {

Decision server_failure(const Outcome& outcome, const AttemptContext& context,
                        const RetrySettings& settings, UnknownPolicy on_unknown, Rng& rng) {
  Decision decision;
  const bool nobody_answered = outcome.sent && outcome.http_status == 0;
  if (nobody_answered && on_unknown == UnknownPolicy::hold) {
    decision.to = JobState::held;
    return decision;
  }
  if (context.is_probe && health_of(outcome) == ServerHealth::failing) {
    decision.job_wait = context.probe_wait;
    return decision;
  }
  if (context.retries_used >= settings.server.retries) {
    decision.to = JobState::failed;
    return decision;
  }
  decision.uses_retry = true;
  const Duration own =
      quota::backoff(settings.server, context.retries_used, settings.jitter_per_mille, rng);
  decision.job_wait = std::max(own, outcome.facts.wait.value_or(Duration{}));
  return decision;
}

}  // namespace

Decision decide(const Outcome& outcome, const AttemptContext& context,
                const RetrySettings& settings, UnknownPolicy on_unknown, Rng& rng) {
  Decision decision;
  switch (outcome.kind) {
    case OutcomeClass::done:
      decision.to =
          outcome.answer && !outcome.answer->links.empty() ? JobState::fetching : JobState::done;
      return decision;
    case OutcomeClass::not_accepted:
      if (context.rejections + 1 >= rejections_max) decision.to = JobState::failed;
      return decision;
    case OutcomeClass::rate_limited:
    case OutcomeClass::quota_exhausted:
    case OutcomeClass::no_credit:
    case OutcomeClass::refused_key:
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
      return decision;
    case OutcomeClass::unknown:
      // What is paid is not paid twice without being told to.
      decision.to = outcome.answer_lost ? JobState::held : JobState::unknown;
      return decision;
  }
  RB_ASSERT(false);
}

}  // namespace ratebatch::schedule
