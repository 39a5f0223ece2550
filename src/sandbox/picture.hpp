// The pictures of the sandbox: PNG files that follow from a number, and base64 to send them.
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
void append_base64(std::string& out, std::string_view bytes);

// Of so many bytes.
constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

}  // namespace ratebatch::sandbox
