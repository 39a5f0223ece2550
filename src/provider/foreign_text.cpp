#include "provider/foreign_text.hpp"

#include <algorithm>

#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

// Length of the character that starts at `at`; 0 where there is none in UTF-8.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  const bool whole = at + length <= text.size() && is_valid_utf8(text.substr(at, length));
  return whole ? length : 0;
}

std::string hex_escape(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return {'\\', 'x', digits[byte >> 4U], digits[byte & 0xFU]};
}

}  // namespace

std::string with_utf8_repaired(std::string_view text) {
  if (is_valid_utf8(text)) return std::string(text);
  std::string repaired;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_length(text, at);
    repaired += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return repaired;
}

std::string as_message(std::string_view text) {
  text = without_blanks(text);
  if (text.size() <= message_bytes_max && is_valid_utf8(text)) return std::string(text);
  std::string message;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_length(text, at);
    const std::string piece =
        length == 0 ? hex_escape(text[at]) : std::string(text.substr(at, length));
    if (message.size() + piece.size() > message_bytes_max) break;
    message += piece;
    at += std::max<std::size_t>(length, 1);
  }
  return message;
}

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace ratebatch
