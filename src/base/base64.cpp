#include "ratebatch/base/base64.hpp"

#include <cstdint>

namespace ratebatch::inline base {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_value = 0xFF;  // Values have six bits.

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_value);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> values_of_bytes = make_values();

std::uint32_t value_of(char c) { return values_of_bytes[static_cast<unsigned char>(c)]; }

// Appends the first `count` of the three bytes in `bits`.
void append_bytes(std::string& to, std::uint32_t bits, std::size_t count) {
  const std::array<char, 3> bytes = {static_cast<char>(bits >> 16U & 0xFFU),
                                     static_cast<char>(bits >> 8U & 0xFFU),
                                     static_cast<char>(bits & 0xFFU)};
  to.append(bytes.data(), count);
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits <<= 8U;
      if (i < group.size()) bits |= static_cast<unsigned char>(group[i]);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t value = (bits >> (18U - 6U * i)) & 0x3FU;
      out += i <= group.size() ? alphabet[value] : '=';
    }
  }
}

std::string encode_base64(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  Base64Decoder decoder;
  if (decoder.take(text, bytes) != text.size() || !decoder.finish(bytes)) return std::nullopt;
  return bytes;
}

std::size_t Base64Decoder::take(std::string_view text, std::string& bytes) {
  std::size_t at = 0;
  while (at < text.size()) {
    // Whole groups at once: nearly all of a long text.
    while (size_ == 0 && text.size() - at >= 4) {
      const std::uint32_t a = value_of(text[at]);
      const std::uint32_t b = value_of(text[at + 1]);
      const std::uint32_t c = value_of(text[at + 2]);
      const std::uint32_t d = value_of(text[at + 3]);
      if (((a | b | c | d) & 0xC0U) != 0) break;
      append_bytes(bytes, a << 18U | b << 12U | c << 6U | d, 3);
      at += 4;
    }
    if (at == text.size()) break;
    if (!may_take(text[at])) return at;
    group_[size_++] = text[at++];
    if (size_ == group_.size() && group_.back() != '=') decode_group(bytes);
  }
  return at;
}

bool Base64Decoder::finish(std::string& bytes) {
  if (size_ == 0) return true;
  const bool is_padded = group_[size_ - 1] == '=';
  if (size_ == 1 || (is_padded && size_ < group_.size())) return false;
  while (size_ < group_.size()) group_[size_++] = '=';
  decode_group(bytes);
  return true;
}

bool Base64Decoder::may_take(char c) const {
  if (size_ == group_.size()) return false;
  const bool in_padding = size_ > 0 && group_[size_ - 1] == '=';
  if (c == '=') return size_ >= 2;
  return !in_padding && value_of(c) != no_value;
}

void Base64Decoder::decode_group(std::string& bytes) {
  std::uint32_t bits = 0;
  std::size_t count = 0;
  for (const char c : group_) {
    bits = bits << 6U | (c == '=' ? 0 : value_of(c));
    if (c != '=') ++count;
  }
  append_bytes(bytes, bits, count - 1);
  size_ = 0;
}

}  // namespace ratebatch::inline base
