#include "provider/number_text.hpp"

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - from;
}

}  // namespace

std::string_view leading_number(std::string_view text) {
  std::size_t end = digits_at(text, 0);
  if (end > 0 && end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) {
    end += 1 + digits_at(text, end + 1);
  }
  return text.substr(0, end);
}

std::optional<std::int64_t> leading_count(std::string_view text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  std::int64_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_comma = text[at] == ',' && digits_at(text, at + 1) == 3;
    if (is_comma) continue;
    if (!is_digit(text[at])) break;
    count = count * 10 + (text[at] - '0');
    if (count > count_max) return std::nullopt;
  }
  return count;
}

std::optional<std::int64_t> header_count(std::string_view value) {
  const std::size_t end = value.find_first_of(",;");
  // A list, or thousands: nobody knows.
  const bool is_list = end != std::string_view::npos && value[end] == ',';
  if (is_list && end + 1 < value.size() && is_digit(value[end + 1])) return std::nullopt;
  const std::string_view first = trimmed(value.substr(0, end));
  if (leading_number(first).size() != first.size()) return std::nullopt;
  return leading_count(first);
}

std::string leading_go_duration(std::string_view text) {
  std::string duration;
  while (!text.empty()) {
    const std::string_view number = leading_number(text);
    std::string_view rest = text.substr(number.size());
    std::string_view unit;
    // The micro sign has two code points.
    for (const std::string_view candidate :
         {"\xC2\xB5s", "\xCE\xBCs", "us", "ns", "ms", "s", "m", "h", "d"}) {
      if (unit.empty() && rest.starts_with(candidate)) {
        unit = candidate.size() == 3 ? "us" : candidate;
        rest.remove_prefix(candidate.size());
      }
    }
    if (number.empty() || unit.empty()) return duration;
    duration.append(number).append(unit);
    text = rest;
  }
  return duration;
}

}  // namespace ratebatch::provider
