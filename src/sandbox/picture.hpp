// The pictures of the sandbox: small PNG files that follow from a number, and base64 to send them.
//
// Uncompressed (deflate's stored blocks), so that no library is needed and the size is known.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ratebatch::sandbox {

// A square truecolour PNG of at least 64 x 64 pixels and at least `bytes_min` bytes: discs over a
// gradient, chosen by `number`. Same arguments, same file.
std::string picture_png(std::uint64_t number, std::int64_t bytes_min);

// RFC 4648 section 4, with padding.
std::string base64(std::string_view bytes);

}  // namespace ratebatch::sandbox
