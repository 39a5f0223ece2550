// Base64, whole and in pieces: the same text means the same, however it is cut.
#include "ratebatch/base/base64.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ratebatch/base/random.hpp"

namespace ratebatch::base64_test {
namespace {

using std::literals::string_literals::operator""s;

// Decoded in pieces of this size.
std::optional<std::string> decoded_by(std::size_t piece, std::string_view text) {
  Base64Decoder decoder;
  std::string bytes;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    const std::string_view part = text.substr(0, piece);
    if (decoder.take(part, bytes) != part.size()) return std::nullopt;
  }
  if (!decoder.finish(bytes)) return std::nullopt;
  return bytes;
}

TEST_CASE("the vectors of RFC 4648 go both ways") {
  for (const auto& [bytes, text] : std::vector<std::pair<std::string, std::string>>{
           {"", ""},
           {"f", "Zg=="},
           {"fo", "Zm8="},
           {"foo", "Zm9v"},
           {"foob", "Zm9vYg=="},
           {"fooba", "Zm9vYmE="},
           {"foobar", "Zm9vYmFy"},
           {"\xFB\xFF\xBF\0"s, "+/+/AA=="},
       }) {
    CAPTURE(text);
    CHECK(encode_base64(bytes) == text);
    CHECK(decode_base64(text) == bytes);
    for (std::size_t piece = 1; piece <= 5; ++piece) CHECK(decoded_by(piece, text) == bytes);
  }
}

TEST_CASE("padding may be missing, but not in part, too much or inside") {
  CHECK(decode_base64("Zg") == "f");
  CHECK(decode_base64("Zm8") == "fo");
  for (const std::string& text : {"Z"s, "Zg="s, "Zm9vY"s, "="s, "===="s, "Z==="s, "Zg==="s, "Zg=A"s,
                                  "Zg==Zg=="s, "Zm9v===="s, "Zm8=Zm9v"s}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64(text));
    for (std::size_t piece = 1; piece <= 5; ++piece) CHECK_FALSE(decoded_by(piece, text));
  }
}

TEST_CASE("a byte outside the alphabet is refused wherever it stands") {
  const std::string good = "Zm9vYmFyZm9v";
  for (const char bad : "-_ \n\r\t:\"\\.\x80\xFF"s) {
    for (std::size_t at = 0; at < good.size(); ++at) {
      std::string text = good;
      text[at] = bad;
      CAPTURE(text);
      Base64Decoder decoder;
      std::string bytes;
      CHECK(decoder.take(text, bytes) == at);
      CHECK_FALSE(decode_base64(text));
    }
  }
}

TEST_CASE("what was decoded and what is pending together are what was taken") {
  const std::string text = "Zm9vYmFyZm8=";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Base64Decoder decoder;
    std::string bytes;
    REQUIRE(decoder.take(text.substr(0, cut), bytes) == cut);
    CHECK(encode_base64(bytes) + std::string(decoder.pending()) == text.substr(0, cut));
  }
}

TEST_CASE("any bytes come back, in pieces of any size") {
  Rng rng{7};
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes;
    while (bytes.size() < size) bytes += static_cast<char>(rng.next() & 0xFFU);
    const std::string text = encode_base64(bytes);
    CHECK(decode_base64(text) == bytes);
    CHECK(decoded_by(1 + size % 7, text) == bytes);
  }
}

}  // namespace
}  // namespace ratebatch::base64_test
