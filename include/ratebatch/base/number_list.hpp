// Integers as text, separated by blanks: how small states are stored.
#pragma once

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ratebatch::inline base {

inline void append_number(std::string& out, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  if (!out.empty()) out += ' ';
  out.append(digits, end);
}

inline void append_numbers(std::string& out, std::initializer_list<std::int64_t> numbers) {
  for (const std::int64_t number : numbers) append_number(out, number);
}

inline std::string number_list(std::initializer_list<std::int64_t> numbers) {
  std::string out;
  append_numbers(out, numbers);
  return out;
}

// The numbers of a text as number_list writes it; nullopt if it is none, or holds more
// than `count_max`.
inline std::optional<std::vector<std::int64_t>> read_number_list(std::string_view text,
                                                                 std::size_t count_max = 1024) {
  std::vector<std::int64_t> numbers;
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || numbers.size() >= count_max) return std::nullopt;
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) break;
    if (text.front() != ' ') return std::nullopt;
    text.remove_prefix(1);
  }
  return numbers;
}

}  // namespace ratebatch::inline base
