// How long a refusal makes its lane or account wait: the server's own hint first, else a known
// reset, else what the learned rate asks for, else a backoff. Pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "ratebatch/base/random.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/quota/wait_gate.hpp"

namespace ratebatch::quota {

// What our own counts say of a refusal.
struct RefusalEvidence {
  std::int32_t refusals_before = 0;      // Of this class in a row.
  std::optional<Duration> learned_wait;  // Of a refusal for a limit that nobody stated.
  std::optional<Duration> window;        // Of the known limit that the refusal was for.
  std::optional<Duration> reset_in;      // Of a quota that is used up: its known reset.
};

// The wait of the n-th try (from 0) by `rule`: base, growing to max, shortened at random by up to
// `jitter_per_mille` (so it stays inside the maximum).
Duration backoff(const RetryRule& rule, std::int32_t tries, std::int32_t jitter_per_mille,
                 Rng& rng);

// A wait the server asked for is a floor: jitter is only added to it. Precondition: the outcome is
// rate_limited or quota_exhausted.
GateWait refusal_wait(const Outcome& outcome, const RefusalEvidence& evidence,
                      const RetrySettings& settings, Rng& rng);

}  // namespace ratebatch::quota
