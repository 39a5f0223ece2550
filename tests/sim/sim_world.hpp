// One simulated life of a checkpoint: runs that crash, are stopped and resumed, first with faults
// (safety: nothing wrong may happen), then without (liveness: it must finish). At the end an oracle
// that asks only the provider's books judges the result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/sim_options.hpp"

namespace ratebatch::sim {

struct SimReport {
  std::optional<std::string> violation;
  std::uint64_t trace_hash = 0;  // Equal for equal seeds.
  std::int64_t sends = 0;
  std::int32_t crashes = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t held = 0;
  std::int64_t resent = 0;
  std::int64_t rate_limited = 0;
  std::int64_t fetched = 0;   // Done with files that were downloaded.
  std::int64_t lost = 0;      // Failed for want of them.
  std::int64_t rejected = 0;  // With an answer that their type refused.
};

SimReport simulate(const SimOptions& options);

}  // namespace ratebatch::sim
