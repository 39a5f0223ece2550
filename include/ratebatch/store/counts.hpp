// The counters of a checkpoint. They change in the same commit as what they count, so `status`
// reads a handful of rows however many jobs there are.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "ratebatch/model/job.hpp"

namespace ratebatch::store {

// Jobs by state.
struct JobCounts {
  std::array<std::int64_t, job_state_count> by_state{};
  std::int64_t truncated = 0;  // Of the done ones: cut at max_tokens.

  [[nodiscard]] std::int64_t of(JobState state) const {
    return by_state[static_cast<std::size_t>(state)];
  }
  [[nodiscard]] std::int64_t total() const {
    std::int64_t sum = 0;
    for (const std::int64_t n : by_state) sum += n;
    return sum;
  }
  // Jobs a run may still start or finish.
  [[nodiscard]] std::int64_t open() const {
    return of(JobState::pending) + of(JobState::running) + of(JobState::fetching) +
           of(JobState::unknown);
  }

  JobCounts& operator+=(const JobCounts& more) {
    for (std::size_t i = 0; i < job_state_count; ++i) by_state[i] += more.by_state[i];
    truncated += more.truncated;
    return *this;
  }

  friend bool operator==(const JobCounts&, const JobCounts&) = default;
};

// Requests and what they cost, over all runs.
struct CallCounts {
  std::int64_t sent = 0;          // Attempts started.
  std::int64_t resent = 0;        // Of these: of jobs that were unknown.
  std::int64_t rate_limited = 0;  // Ended rate_limited or quota_exhausted.
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t images = 0;
  std::int64_t cost_pico_usd = 0;  // By the configured prices.

  friend CallCounts operator-(const CallCounts& a, const CallCounts& b) {
    return {a.sent - b.sent,
            a.resent - b.resent,
            a.rate_limited - b.rate_limited,
            a.input_tokens - b.input_tokens,
            a.output_tokens - b.output_tokens,
            a.images - b.images,
            a.cost_pico_usd - b.cost_pico_usd};
  }
  friend bool operator==(const CallCounts&, const CallCounts&) = default;
};

struct Counts {
  std::map<RouteId, JobCounts> routes;
  CallCounts calls;

  [[nodiscard]] JobCounts jobs() const {
    JobCounts sum;
    for (const auto& [route, counts] : routes) sum += counts;
    return sum;
  }

  // Jobs of one route that a run may still start or finish.
  [[nodiscard]] std::int64_t open(RouteId route) const {
    const auto found = routes.find(route);
    return found == routes.end() ? 0 : found->second.open();
  }

  friend bool operator==(const Counts&, const Counts&) = default;
};

}  // namespace ratebatch::store
