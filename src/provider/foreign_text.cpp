#include "provider/foreign_text.hpp"

#include <algorithm>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::provider {
namespace {

// Length of the character that starts at `at`; 0 where there is none in UTF-8.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  const bool whole = at + length <= text.size() && is_valid_utf8(text.substr(at, length));
  return whole ? length : 0;
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
  text = trimmed(text);
  if (text.size() <= message_bytes_max && is_valid_utf8(text)) return std::string(text);
  std::string message;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_length(text, at);
    const std::string piece =
        length == 0 ? "\\x" + hex_of(text[at]) : std::string(text.substr(at, length));
    if (message.size() + piece.size() > message_bytes_max) break;
    message += piece;
    at += std::max<std::size_t>(length, 1);
  }
  return message;
}

}  // namespace ratebatch::provider
