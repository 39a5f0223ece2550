// A small seeded generator (SplitMix64, Steele, Lea and Flood 2014).
//
// The distributions of the standard library differ between implementations, so the same seed would
// not give the same run everywhere. Not for secrets.
#pragma once

#include <cstdint>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::inline base {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}

  // The next 64 random bits.
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  // A number in [0, bound). Precondition: bound > 0. The bias of the remainder is below bound /
  // 2^64.
  std::uint64_t below(std::uint64_t bound) {
    RB_ASSERT(bound > 0);
    return next() % bound;
  }

  // A number in [low, high]. Precondition: low <= high.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    RB_ASSERT(low <= high);
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }

  // True in `per_mille` of a thousand cases.
  bool chance(std::uint64_t per_mille) { return below(1000) < per_mille; }

 private:
  std::uint64_t state_;
};

}  // namespace ratebatch::inline base
