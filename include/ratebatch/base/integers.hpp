// Whole numbers that cannot overflow: amounts, costs and nanoseconds come from files and servers.
// All results are clamped to 64 bits; nothing here divides by zero, see the preconditions.
#pragma once

#include <cstdint>
#include <limits>

namespace ratebatch::inline base {

__extension__ using WideInteger = __int128;

constexpr std::int64_t clamped(WideInteger value) {
  constexpr WideInteger most = std::numeric_limits<std::int64_t>::max();
  constexpr WideInteger least = std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value > most ? most : value < least ? least : value);
}

constexpr std::int64_t clamped_sum(std::int64_t a, std::int64_t b) {
  return clamped(static_cast<WideInteger>(a) + b);
}

constexpr std::int64_t clamped_difference(std::int64_t a, std::int64_t b) {
  return clamped(static_cast<WideInteger>(a) - b);
}

constexpr std::int64_t clamped_product(std::int64_t a, std::int64_t b) {
  return clamped(static_cast<WideInteger>(a) * b);
}

// a * b / c, rounded towards zero. Precondition: c is not 0.
constexpr std::int64_t scaled(std::int64_t a, std::int64_t b, std::int64_t c) {
  return clamped(static_cast<WideInteger>(a) * b / c);
}

// a / b, rounded up. Preconditions: a >= 0, b > 0.
constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return a / b + (a % b > 0 ? 1 : 0);
}

// `per_mille` thousandths of `amount`, rounded down. Precondition: both are at least 0.
constexpr std::int64_t share_of(std::int64_t amount, std::int64_t per_mille) {
  return scaled(amount, per_mille, 1000);
}

}  // namespace ratebatch::inline base
