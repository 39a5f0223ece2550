// A job: its identity, its states, and the one table of legal changes between them.
//
// The table here is the law: the scheduler asserts it, the checkpoint's SQL repeats it as
// `where state = <expected>`, and the CHECK constraints of the schema repeat it once more.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ratebatch/base/time.hpp"

namespace ratebatch::inline model {

// The place of a job in the checkpoint: its order of loading. Unique, never reused.
enum class JobSeq : std::int64_t {};

// A pair of type and explicit model, by its row in the checkpoint. Jobs of one route are alike to
// the scheduler; which lane serves a route is decided by the configuration of each run.
enum class RouteId : std::int64_t {};

// Counts the requests of one job from 1. (job, attempt) names a request for ever.
enum class AttemptNumber : std::int32_t {};
constexpr AttemptNumber next(AttemptNumber n) {
  return AttemptNumber{static_cast<std::int32_t>(n) + 1};
}

// Written to disk as these numbers: never renumber.
enum class JobState : std::uint8_t {
  pending = 0,    // Waits for its turn, or for a retry.
  running = 1,    // An attempt is committed as started; its outcome is not stored.
  fetching = 2,   // The answer is stored, the file it points to is not downloaded.
  unknown = 3,    // Sent by a run that died or gave up before an answer was stored.
  held = 4,       // Unknown, and kept back for a person to decide.
  done = 5,       // Has its result.
  failed = 6,     // Failed for good.
  cancelled = 7,  // Taken out by a person before it started.
};
constexpr std::size_t job_state_count = 8;
constexpr std::array<JobState, job_state_count> all_job_states = {
    JobState::pending, JobState::running, JobState::fetching, JobState::unknown,
    JobState::held,    JobState::done,    JobState::failed,   JobState::cancelled};

constexpr std::string_view to_string(JobState state) {
  constexpr std::array<std::string_view, job_state_count> names = {
      "pending", "running", "fetching", "unknown", "held", "done", "failed", "cancelled"};
  return names[static_cast<std::size_t>(state)];
}

struct JobTransition {
  JobState from;
  JobState to;
  std::string_view cause;
};

constexpr std::array<JobTransition, 18> job_transitions = {{
    {JobState::pending, JobState::running, "start"},
    {JobState::pending, JobState::cancelled, "cancel"},
    {JobState::unknown, JobState::running, "start again (counted as resent)"},
    {JobState::unknown, JobState::held, "--on-unknown hold, or unknown too often"},
    {JobState::unknown, JobState::cancelled, "cancel"},
    {JobState::running, JobState::pending, "retry later, or refused unharmed"},
    {JobState::running, JobState::done, "answer"},
    {JobState::running, JobState::failed, "final error"},
    {JobState::running, JobState::fetching, "answer that points to a file"},
    {JobState::running, JobState::unknown, "given up, or found after a crash"},
    {JobState::running, JobState::held, "sent, and no answer kept: --on-unknown hold, or a disk"},
    {JobState::fetching, JobState::done, "file complete"},
    {JobState::fetching, JobState::failed, "file cannot be had"},
    {JobState::held, JobState::pending, "retry --unknown"},
    {JobState::failed, JobState::pending, "retry --failed"},
    {JobState::cancelled, JobState::pending, "retry --id"},
    {JobState::done, JobState::pending, "retry --truncated, --changed or --id"},
    {JobState::held, JobState::cancelled, "cancel"},
}};

constexpr bool is_legal(JobState from, JobState to) {
  for (const JobTransition& t : job_transitions) {
    if (t.from == from && t.to == to) return true;
  }
  return false;
}

// States a run may start a job from.
constexpr bool is_startable(JobState state) { return is_legal(state, JobState::running); }

// What happens to a job that was sent, and whose answer nobody saw: it may have been paid for.
enum class UnknownPolicy : std::uint8_t {
  retry,  // Sent again, and counted as resent.
  hold,   // Kept back for a person.
};

// A job is unknown for at most this many times before it is held whatever the policy: something
// about it may be what kills the runs.
constexpr std::int32_t unknown_times_max = 3;

// What a job line says of the size of its request, known since it was loaded.
struct JobSize {
  std::int64_t input_bytes = 0;            // Of the texts it sends.
  std::optional<std::int64_t> output_max;  // Its own max_tokens.
  std::int64_t images = 0;                 // Its own n; 0: it names none.
  bool raw_body = false;                   // It gives the whole request body.

  friend bool operator==(const JobSize&, const JobSize&) = default;
};

// What the scheduler knows of a job: never its text, so that memory does not grow with payloads.
struct JobRef {
  JobSeq seq{};
  RouteId route{};
  std::int64_t priority = 0;           // Larger first; equal ones by seq.
  JobState state = JobState::pending;  // pending or unknown.
  AttemptNumber attempts{};            // Requests sent so far.
  std::int32_t retries_used = 0;       // Of the server class; waiting for a limit uses none.
  std::optional<WallTime> ready_at{};  // Not before, where it waits for a retry.
  JobSize size{};
  bool of_run = false;          // This run has started it before.
  std::int32_t rejections = 0;  // Answers that the rules of its type refused.
};

// A job whose answer is stored, while the files that the answer announced are not all here.
struct FetchingJob {
  JobSeq seq{};
  RouteId route{};
  AttemptNumber attempt{};             // Whose answer it was.
  std::int32_t tries = 0;              // To download the files.
  std::optional<WallTime> ready_at{};  // Not before, where it waits for the next try.
  WallTime answered_at{};              // When the answer came.
};

// The order of jobs within a lane.
constexpr bool comes_before(const JobRef& a, const JobRef& b) {
  return a.priority != b.priority ? a.priority > b.priority : a.seq < b.seq;
}

// Everything of a route that comes after this job, in that order, is not loaded yet.
struct JobCursor {
  std::int64_t priority = 0;
  JobSeq seq{};
};

}  // namespace ratebatch::inline model
