#include "ratebatch/base/percent_encoding.hpp"

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::inline base {

std::string percent_encoded(std::string_view text, std::string_view kept) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool is_kept =
        is_letter_or_digit(c) || contains("-._~", {&c, 1}) || contains(kept, {&c, 1});
    if (is_kept) {
      encoded += c;
    } else {
      encoded += '%' + hex_of(c, true);
    }
  }
  return encoded;
}

}  // namespace ratebatch::inline base
