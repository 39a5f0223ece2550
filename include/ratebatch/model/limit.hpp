// Limits as they are configured: how much of a resource per window, and how many at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/time.hpp"

namespace ratebatch {

// Windows up to an hour are short: they are paced, never paused.
constexpr Duration short_window_max = std::chrono::hours{1};

// So many requests in any window of this length. The amount is the provider's number; which share
// of it is used is the quota monitor's business.
struct RequestLimit {
  std::string name;         // As configured: "rpm", or "requests per 10s". Unique in its lane.
  std::int64_t amount = 0;  // At least 1.
  Duration window{};        // 1 ms to short_window_max.

  friend bool operator==(const RequestLimit&, const RequestLimit&) = default;
};

struct Limits {
  std::optional<std::int32_t> concurrency;  // At least 1; absent: only the workers bound it.
  std::vector<RequestLimit> requests;

  friend bool operator==(const Limits&, const Limits&) = default;
};

}  // namespace ratebatch
