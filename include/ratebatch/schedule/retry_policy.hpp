// What an outcome means for its job, its lane and its key: one pure function per question, so that
// the rules can be read, and tested, as a table.
//
// Waiting for a limit never uses up a job's retries, and no limit or quota makes a job fail.
#pragma once

#include <cstdint>
#include <optional>

#include "ratebatch/base/random.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/quota/quota_monitor.hpp"
#include "ratebatch/quota/wait_gate.hpp"

namespace ratebatch::schedule {

// After the disk was full: the wait before it is tried again.
constexpr Duration no_room_wait = std::chrono::seconds{5};

// Answers of one job that its type's rules may refuse before it fails: each of them is paid.
constexpr std::int32_t rejections_max = 2;

// What a breaker counts.
enum class BreakerVerdict : std::uint8_t { none, success, failure };

// What is known when an attempt ends.
struct AttemptContext {
  std::int32_t retries_used = 0;  // Of the job, before this outcome.
  std::int32_t rejections = 0;    // Likewise.
  bool is_probe = false;          // Sent through an open breaker: uses no retries.
  Duration probe_wait{};          // Of a failed probe's job, so that the next probe is another job.
  quota::SettleNotes notes{};     // What the limits of the lane say of a refusal.
};

struct Decision {
  JobState to = JobState::pending;
  bool uses_retry = false;
  Duration job_wait{};                  // Before the job may start again, if pending.
  std::optional<quota::GateWait> wait;  // Refused for a limit: the lane or account waits.
  bool refuses_key = false;
  bool refuses_group = false;  // The account behind the key cannot pay.
  BreakerVerdict breaker = BreakerVerdict::none;
};

// The wait of the n-th try (from 0) by `rule`: base, growing to max, shortened at random by up to
// `jitter_per_mille` (so it stays inside the maximum).
Duration backoff(const RetryRule& rule, std::int32_t tries, std::int32_t jitter_per_mille,
                 Rng& rng);

// Decides on an outcome. A wait the server asked for is a floor: jitter is only added to it.
Decision decide(const Outcome& outcome, const AttemptContext& context,
                const RetrySettings& settings, UnknownPolicy on_unknown, Rng& rng);

}  // namespace ratebatch::schedule
