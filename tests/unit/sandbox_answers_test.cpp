// Texts and pictures of the sandbox.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "ratebatch/base/text.hpp"
#include "sandbox/picture.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox_answers_test {

using namespace sandbox;

namespace {

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST_CASE("names are found in prompts as the samples write them") {
  struct Row {
    std::string prompt;
    std::vector<std::string> names;
  };
  const std::vector<Row> rows = {
      {"Write a biography of about 120 words.\nArtist: Nina Simone\nGenre: jazz\nCountry, if "
       "known: United States\n",
       {"Nina Simone", "United States"}},
      {"Write a biography of Sister Rosetta Tharpe in about 120 words.", {"Sister Rosetta Tharpe"}},
      {"To: Odalys Fairweather of Tidepool Records\nWe offer: vinyl",
       {"Odalys Fairweather", "Tidepool Records"}},
      {"Artist: Émile Öberg\nArtist: Björk", {"Émile Öberg", "Björk"}},
      {"about Bach, Telemann, Bach and Vivaldi and Rameau", {"Bach", "Telemann", "Vivaldi"}},
      {"Who was \"Django Reinhardt\"?", {"Django Reinhardt"}},
      {"nothing here. Nothing there\nNor here", {}},
      {"", {}},
      {"...", {}},
      {"see " + std::string(81, 'A'), {}},
      {"see " + std::string(80, 'A'), {std::string(80, 'A')}},
      {"bell A\x07", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.prompt);
    CHECK(names_in(row.prompt) == row.names);
  }
}

TEST_CASE("the answer follows from seed and prompt and speaks of whom the prompt names") {
  const std::string prompt = "Write a biography of about 120 words.\nArtist: Nina Simone\n";
  const std::string text = answer_text(1, prompt);
  CHECK(text == answer_text(1, prompt));
  CHECK(holds(text, "Nina Simone"));
  CHECK(is_valid_utf8(text));
  std::set<std::string> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) different.insert(answer_text(seed, prompt));
  CHECK(different.size() > 15);
}

TEST_CASE("emails have a subject and a name, other prompts a plain answer") {
  const std::string mail =
      answer_text(3, "Write an email.\nTo: Piet Hazelrigg of The Drowned Organ");
  CHECK(mail.starts_with("Subject: "));
  CHECK(holds(mail, "Piet Hazelrigg"));
  CHECK(holds(mail, "The Drowned Organ"));
  CHECK_FALSE(holds(answer_text(3, "Explain tides."), "Subject"));
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (const char* prompt : {"an email to Ada", "a biography of Ada", "about Ada"}) {
      const std::string text = answer_text(seed, prompt);
      CHECK(text.size() >= 200);
      CHECK(text.size() <= 1200);
      CHECK_FALSE(holds(text, "@"));
      CHECK_FALSE(holds(text, "#"));
    }
  }
}

TEST_CASE("tokens are quarters of characters, and a cut never splits a character") {
  CHECK(token_count(0) == 0);
  CHECK(token_count(1) == 1);
  CHECK(token_count(4) == 1);
  CHECK(token_count(5) == 2);
  CHECK(character_count("Björk") == 5);
  CHECK(first_tokens("abcdefgh", 1) == "abcd");
  CHECK(first_tokens("abcdefgh", 2) == "abcdefgh");
  CHECK(first_tokens("abcdefgh", 3) == "abcdefgh");
  CHECK(first_tokens("äöüßäöüß", 1) == "äöüß");
  CHECK(first_tokens("abc", 0).empty());
}

TEST_CASE("base64 is that of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("\xFF\xEF\xBE") == "/+++");
}

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = (value << 8U) | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

// The CRC of PNG bit by bit, unlike the table of the code under test.
std::uint32_t slow_crc(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const std::uint32_t in = (static_cast<unsigned char>(c) >> bit) & 1U;
      crc = ((crc ^ in) & 1U) != 0 ? (crc >> 1U) ^ 0xEDB88320U : crc >> 1U;
    }
  }
  return ~crc;
}

// The content of the stored blocks of a zlib stream; empty if anything about it is wrong.
std::string unstored(std::string_view zlib) {
  std::string out;
  std::size_t at = 2;
  const auto byte = [&](std::size_t i) {
    return std::uint32_t{static_cast<unsigned char>(zlib[i])};
  };
  if ((byte(0) * 256 + byte(1)) % 31 != 0) return {};
  for (bool last = false; !last;) {
    last = byte(at) == 1;
    const std::uint32_t length = byte(at + 1) + byte(at + 2) * 256;
    if ((length ^ (byte(at + 3) + byte(at + 4) * 256)) != 0xFFFF) return {};
    out += zlib.substr(at + 5, length);
    at += 5 + length;
  }
  std::uint64_t a = 1;
  std::uint64_t b = 0;
  for (const char c : out) b += a += static_cast<unsigned char>(c);
  const bool sum_is_good = u32_at(zlib, at) == (b % 65521) * 65536 + a % 65521;
  return sum_is_good && at + 4 == zlib.size() ? out : std::string{};
}

// Checks the file chunk by chunk and returns the side of the picture.
std::uint32_t checked_side(std::string_view png) {
  REQUIRE(png.starts_with("\x89PNG\r\n\x1a\n"));
  std::uint32_t side = 0;
  std::string order;
  for (std::size_t at = 8; at < png.size();) {
    const std::uint32_t length = u32_at(png, at);
    const std::string_view data = png.substr(at + 8, length);
    order += png.substr(at + 4, 4);
    CHECK(u32_at(png, at + 8 + length) == slow_crc(png.substr(at + 4, 4 + length)));
    if (order == "IHDR") side = u32_at(data, 0);
    if (order == "IHDRIDAT") CHECK(unstored(data).size() == side * (1 + 3 * side));
    at += 12 + length;
  }
  CHECK(order == "IHDRIDATIEND");
  return side;
}

TEST_CASE("pictures are valid PNG files, as large as wanted and the same for the same number") {
  CHECK(picture_png(5, 0) == picture_png(5, 0));
  CHECK(picture_png(5, 0) != picture_png(6, 0));
  CHECK(checked_side(picture_png(5, 0)) == 64);
  CHECK(checked_side(picture_png(5, 64 * 193)) == 64);
  CHECK(checked_side(picture_png(5, 64 * 193 + 1)) == 65);
  const std::string large = picture_png(9, 300'000);  // Several stored blocks.
  CHECK(checked_side(large) > 300);
  CHECK(large.size() >= 300'000);
}

}  // namespace
}  // namespace ratebatch::sandbox_answers_test
