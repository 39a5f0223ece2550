#include "ratebatch/base/percent_encoding.hpp"

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::inline base {

std::string percent_encoded(std::string_view text, std::string_view kept) {
  constexpr std::string_view unreserved_marks = "-._~";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool stays =
        is_letter_or_digit(c) || contains(unreserved_marks, {&c, 1}) || contains(kept, {&c, 1});
    if (stays) {
      encoded += c;
    } else {
      encoded.append(1, '%').append(hex_of(c, true));
    }
  }
  return encoded;
}

}  // namespace ratebatch::inline base
