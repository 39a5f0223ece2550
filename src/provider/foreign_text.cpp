#include "provider/foreign_text.hpp"

#include <algorithm>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::provider {

std::string as_message(std::string_view text) {
  text = trimmed(text);
  if (text.size() <= message_bytes_max && is_valid_utf8(text)) return std::string(text);
  std::string message;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const std::string piece =
        length == 0 ? "\\x" + hex_of(text[at]) : std::string(text.substr(at, length));
    if (message.size() + piece.size() > message_bytes_max) break;
    message += piece;
    at += std::max<std::size_t>(length, 1);
  }
  return message;
}

}  // namespace ratebatch::provider
