// How states are kept as text: whole numbers, of which the first names the form of the others, and
// times on the wall clock. All of it comes from a file, so nothing here overflows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ratebatch/base/integers.hpp"
#include "ratebatch/base/number_list.hpp"
#include "ratebatch/base/time.hpp"

namespace ratebatch::quota {

struct StoredNumbers {
  std::vector<std::int64_t> numbers;  // The form is the first of them.
  std::string_view rest;              // What follows them, without the blank between.
};

// The first `count` numbers of a state; nullopt if its form is another one, or it has fewer.
inline std::optional<StoredNumbers> read_stored(std::string_view text, std::int64_t form,
                                                std::size_t count) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < count && end != std::string_view::npos; ++i) {
    end = text.find(' ', end + (i == 0 ? 0 : 1));
  }
  auto numbers = read_number_list(text.substr(0, end), count);
  if (!numbers || numbers->size() != count || numbers->front() != form) return std::nullopt;
  return StoredNumbers{std::move(*numbers),
                       end == std::string_view::npos ? std::string_view{} : text.substr(end + 1)};
}

// The numbers of a state that consists of exactly `count` of them.
inline std::optional<std::vector<std::int64_t>> read_all_stored(std::string_view text,
                                                                std::int64_t form,
                                                                std::size_t count) {
  auto stored = read_stored(text, form, count);
  if (!stored || !stored->rest.empty()) return std::nullopt;
  return std::move(stored->numbers);
}

// A stored wall time on the steady clock: at most `ahead_max` after now, because a wall clock that
// was set back shows times that lie ahead; and not before long_ago.
inline Instant steady_time(Now now, WallTime stored, Duration ahead_max) {
  constexpr Duration past_max{std::int64_t{1} << 61U};
  const Duration ahead{clamped_difference(stored.ns, now.wall.ns)};
  return now.steady + std::clamp(ahead, -past_max, ahead_max);
}

// The same of milliseconds.
inline Instant steady_time_ms(Now now, std::int64_t stored_ms, Duration ahead_max) {
  const std::int64_t ahead_ms = clamped_difference(stored_ms, to_ms(now.wall));
  const std::int64_t ahead_ns = clamped_product(ahead_ms, 1'000'000);
  return steady_time(now, {clamped_sum(now.wall.ns, ahead_ns)}, ahead_max);
}

}  // namespace ratebatch::quota
