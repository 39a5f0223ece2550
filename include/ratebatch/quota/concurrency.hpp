// A limit on how many requests are in flight at once: counts slots, nothing else.
#pragma once

#include <cstdint>
#include <optional>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {

class ConcurrencyLimit {
 public:
  // No maximum: never full.
  explicit ConcurrencyLimit(std::optional<std::int32_t> max) : max_(max) {
    RB_ASSERT(!max || *max >= 1);
  }

  [[nodiscard]] bool full() const { return max_ && in_flight_ >= *max_; }
  [[nodiscard]] std::int32_t in_flight() const { return in_flight_; }

  // Precondition: not full.
  void enter() {
    RB_ASSERT(!full());
    ++in_flight_;
  }

  // Precondition: an enter without its leave.
  void leave() {
    RB_ASSERT(in_flight_ > 0);
    --in_flight_;
  }

 private:
  std::optional<std::int32_t> max_;
  std::int32_t in_flight_ = 0;
};

}  // namespace ratebatch
