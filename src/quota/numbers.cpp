#include "quota/numbers.hpp"

#include <charconv>
#include <system_error>

namespace ratebatch {

void append_numbers(std::string& out, std::initializer_list<std::int64_t> numbers) {
  for (const std::int64_t number : numbers) {
    if (!out.empty()) out += ' ';
    out += std::to_string(number);
  }
}

std::optional<std::vector<std::int64_t>> read_numbers(std::string_view text,
                                                      std::size_t count_max) {
  std::vector<std::int64_t> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (!numbers.empty() && *at++ != ' ') return std::nullopt;
    if (numbers.size() == count_max) return std::nullopt;
    std::int64_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) return std::nullopt;
    numbers.push_back(number);
    at = next;
  }
  return numbers;
}

}  // namespace ratebatch
