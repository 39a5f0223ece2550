// How long a text is for people.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace ratebatch::inline base {

// The Unicode code points of UTF-8 text: what providers that charge by character count. Bytes that
// are no UTF-8 count as one each, or as none where they look like the middle of a character.
inline std::int64_t code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

}  // namespace ratebatch::inline base
