// ASCII text: classes of letters, lower case, trimming, whole numbers and hexadecimal digits.
// Nothing here looks at the locale, and bytes above 0x7f are never letters, digits or blanks.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace ratebatch::inline base {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_letter(char c) { return is_lower(c) || is_upper(c); }
constexpr bool is_letter_or_digit(char c) { return is_letter(c) || is_digit(c); }

// Space, tab and the two bytes that end lines: what RFC 8259 (JSON) and RFC 9110 (HTTP) skip.
constexpr std::string_view blanks = " \t\r\n";
constexpr bool is_blank(char c) { return blanks.find(c) != std::string_view::npos; }

// False for control bytes that are neither a tab nor the end of a line.
constexpr bool is_text_byte(char c) {
  return is_blank(c) || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}
constexpr bool is_text(std::string_view text) { return std::ranges::all_of(text, is_text_byte); }

constexpr char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

constexpr bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// `text` without any of `marks` at both ends.
constexpr std::string_view trimmed(std::string_view text, std::string_view marks = blanks) {
  const std::size_t first = text.find_first_not_of(marks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(marks) - first + 1);
}

// What stands before the first `mark`, and what after it; the second is nullopt without a mark.
struct Parted {
  std::string_view before;
  std::optional<std::string_view> after;
};
constexpr Parted parted(std::string_view text, char mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, at), text.substr(at + 1)};
}

// The number that all of `text` writes, in decimal unless `radix` says otherwise; nullopt for
// anything else, such as an empty text, a plus sign, a blank, or a number that does not fit.
template <typename Number>
std::optional<Number> whole_number(std::string_view text, int radix = 10) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, radix);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

constexpr bool is_hex_digit(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

// Two hexadecimal digits: "0a", or "0A" with upper-case digits.
inline std::string hex_of(char c, bool in_upper_case = false) {
  const std::string_view digits = in_upper_case ? "0123456789ABCDEF" : "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return {digits[byte >> 4U], digits[byte & 0xFU]};
}

}  // namespace ratebatch::inline base
