// Texts and pictures of the sandbox.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/text.hpp"
#include "sandbox/canned_answers.hpp"

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
  CHECK(code_points("Björk") == 5);
  CHECK(first_tokens("abcdefgh", 1) == "abcd");
  CHECK(first_tokens("abcdefgh", 2) == "abcdefgh");
  CHECK(first_tokens("abcdefgh", 3) == "abcdefgh");
  CHECK(first_tokens("äöüßäöüß", 1) == "äöüß");
  CHECK(first_tokens("abc", 0).empty());
}

TEST_CASE("base64 is that of RFC 4648") {
  CHECK(encode_base64("") == "");
  CHECK(encode_base64("f") == "Zg==");
  CHECK(encode_base64("fo") == "Zm8=");
  CHECK(encode_base64("foo") == "Zm9v");
  CHECK(encode_base64("foob") == "Zm9vYg==");
  CHECK(encode_base64("\xFF\xEF\xBE") == "/+++");
  std::string text = "data: ";
  append_base64(text, "fo");
  CHECK(text == "data: Zm8=");
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

// Checks the file chunk by chunk, and returns the side of the picture.
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
    if (order == "IHDRPLTE") CHECK(length == 3);
    if (order == "IHDRPLTEtEXt") CHECK(data.starts_with(std::string("Comment\0", 8)));
    // A fixed stream of zlib for 64 rows of 9 bytes, whose sum is that of 576 zeros.
    if (order == "IHDRPLTEtEXtIDAT") CHECK(u32_at(data, length - 4) == 576 * 65536 + 1);
    at += 12 + length;
  }
  CHECK(order == "IHDRPLTEtEXtIDATIEND");
  return side;
}

TEST_CASE("pictures are valid PNG files, as large as wanted and the same for the same number") {
  CHECK(picture_png(5, 0) == picture_png(5, 0));
  CHECK(picture_png(5, 0) != picture_png(6, 0));
  CHECK(checked_side(picture_png(5, 0)) == 64);
  CHECK(picture_png(5, 0).size() < 12'200);
  CHECK(picture_png(5, 0).size() == picture_png(6, 12'000).size());
  CHECK(picture_png(5, 12'001).size() > 12'001);
  const std::string large = picture_png(9, 300'000);
  CHECK(checked_side(large) == 64);
  CHECK(large.size() >= 300'000);
  CHECK(large.size() < 300'200);
}

}  // namespace
}  // namespace ratebatch::sandbox_answers_test
