// Base64 of RFC 4648, section 4, whole or as it arrives.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ratebatch::inline base {

// With padding.
std::string encode_base64(std::string_view bytes);
void append_base64(std::string& out, std::string_view bytes);

// The padding may be missing. nullopt if any other byte stands in the text, line ends included.
std::optional<std::string> decode_base64(std::string_view text);

// Decodes a text that comes in pieces, by the rules of decode_base64.
class Base64Decoder {
 public:
  // Appends the bytes of all groups of four that are complete and have no padding. Returns how much
  // of the text it took: where that is not all, the next character cannot stand there.
  std::size_t take(std::string_view text, std::string& bytes);

  // The text is over: appends its last bytes. False where it ends within a group that means none.
  [[nodiscard]] bool finish(std::string& bytes);

  // What was taken and is not among the bytes yet: at most four characters.
  [[nodiscard]] std::string_view pending() const { return {group_.data(), size_}; }

 private:
  [[nodiscard]] bool may_take(char c) const;
  void decode_group(std::string& bytes);

  std::array<char, 4> group_{};
  std::size_t size_ = 0;  // All four: the last group, which is padded.
};

}  // namespace ratebatch::inline base
