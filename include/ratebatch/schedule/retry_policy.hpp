// What an outcome means for its job: one pure function, so that the rules can be read, and tested,
// as a table. What it means for limits, keys and accounts is the quota monitor's to say.
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
#include "ratebatch/quota/refusal_wait.hpp"

namespace ratebatch::schedule {

// After the disk was full: the wait before it is tried again.
constexpr Duration no_room_wait = std::chrono::seconds{5};

// Answers of one job that its type's rules may refuse before it fails: each of them is paid.
constexpr std::int32_t rejections_max = 2;

// What is known when an attempt ends.
struct AttemptContext {
  std::int32_t retries_used = 0;  // Of the job, before this outcome.
  std::int32_t rejections = 0;    // Likewise.
  bool is_probe = false;          // Sent through an open breaker: uses no retries.
  Duration probe_wait{};          // Of a failed probe's job, so that the next probe is another job.
};

struct Decision {
  JobState to = JobState::pending;
  bool uses_retry = false;
  Duration job_wait{};  // Before the job may start again, if pending.
};

// Decides on an outcome's job. A server's own wait is a floor for the job's.
Decision decide(const Outcome& outcome, const AttemptContext& context,
                const RetrySettings& settings, UnknownPolicy on_unknown, Rng& rng);

}  // namespace ratebatch::schedule
