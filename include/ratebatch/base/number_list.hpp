// How small states are kept as text: integers separated by blanks, of which the first names the
// form of the others. All of it comes from a file, so nothing here overflows.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ratebatch/base/integers.hpp"
#include "ratebatch/base/time.hpp"

namespace ratebatch::inline base {

// The first number of a state; one that begins otherwise is of another version and forgotten. To
// raise it forgets them all, day quotas too: a state whose layout changes gets a form of its own.
constexpr std::int64_t stored_form = 1;

inline void append_number(std::string& out, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  if (!out.empty()) out += ' ';
  out.append(digits, end);
}

inline std::string number_list(std::initializer_list<std::int64_t> numbers) {
  std::string out;
  for (const std::int64_t number : numbers) append_number(out, number);
  return out;
}

struct StoredNumbers {
  std::vector<std::int64_t> numbers;
  std::string_view rest;  // What follows them, without the blank between.
};

// The numbers that a text begins with, at most `count_max`; nullopt if something else stands
// between them.
inline std::optional<StoredNumbers> read_numbers(std::string_view text, std::size_t count_max) {
  StoredNumbers read;
  while (!text.empty() && read.numbers.size() < count_max) {
    const char* const text_end = text.data() + text.size();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text_end, number);
    if (error != std::errc{} || (end != text_end && *end != ' ')) return std::nullopt;
    read.numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + (end == text_end ? 0 : 1));
  }
  read.rest = text;
  return read;
}

// The numbers of a text as number_list writes it; nullopt if it is none, or holds more than
// `count_max`.
inline std::optional<std::vector<std::int64_t>> read_number_list(std::string_view text,
                                                                 std::size_t count_max = 1024) {
  auto read = read_numbers(text, count_max);
  if (!read || !read->rest.empty()) return std::nullopt;
  return std::move(read->numbers);
}

// The first `count` numbers of a state; nullopt if its form is another one, or it has fewer.
inline std::optional<StoredNumbers> read_stored(std::string_view text, std::size_t count) {
  auto read = read_numbers(text, count);
  if (!read || read->numbers.size() != count || read->numbers[0] != stored_form) return {};
  return read;
}

// The numbers of a state that consists of exactly `count` of them.
inline std::optional<std::vector<std::int64_t>> read_all_stored(std::string_view text,
                                                                std::size_t count) {
  auto stored = read_stored(text, count);
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

}  // namespace ratebatch::inline base
