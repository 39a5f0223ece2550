// Files that come inside an answer: their bytes out of base64, their kind out of their bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ratebatch {

// Decodes base64 of RFC 4648, section 4; the padding may be missing. Nothing where any other byte
// stands in the text, line ends included.
std::optional<std::string> decode_base64(std::string_view text);

// "png", "jpg", "webp" or "gif" by the first bytes; "bin" for all others.
std::string image_extension(std::string_view bytes);

}  // namespace ratebatch
