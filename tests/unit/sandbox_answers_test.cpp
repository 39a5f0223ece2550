// Texts, pictures and JSON bodies of the sandbox.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "ratebatch/base/text.hpp"
#include "sandbox/openai_bodies.hpp"
#include "sandbox/picture.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
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

TEST_CASE("requests that a provider would refuse are refused") {
  const std::string deep_63 = std::string(63, '[') + std::string(63, ']');
  const std::string start = R"({"model":"m","messages":[{"role":"user","content":"x"}])";
  struct Row {
    std::string body;
    std::string message;  // Empty: accepted.
  };
  const std::vector<Row> rows = {
      {start + "}", ""},
      {start + R"(,"max_tokens":null,"stream":false})", ""},
      {start + R"(,"extra":)" + deep_63 + "}", ""},
      {start + R"(,"extra":[)" + deep_63 + "]}", "deeper than 64"},
      {start + R"(,"extra":"[[[\"[[[)" + std::string(100, '[') + R"("})", ""},
      {"", "could not parse"},
      {"{", "could not parse"},
      {"[]", "could not parse"},
      {"{\"model\":\"\xFF\"}", "could not parse"},
      {"{}", "model parameter"},
      {R"({"model":7})", "model parameter"},
      {R"({"model":""})", "model parameter"},
      {R"({"model":")" + std::string(257, 'm') + R"("})", "too long"},
      {R"({"model":"m"})", "'messages'"},
      {R"({"model":"m","messages":[]})", "at least one"},
      {R"({"model":"m","messages":[7]})", "'role'"},
      {R"({"model":"m","messages":[{"role":"user"}]})", "'content'"},
      {start + R"(,"stream":true})", "does not stream"},
      {start + R"(,"max_tokens":0})", "'max_tokens'"},
      {start + R"(,"max_tokens":1.5})", "'max_tokens'"},
      {start + R"(,"max_completion_tokens":18446744073709551615})", "'max_completion_tokens'"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const auto read = read_generation(Generation::Kind::chat, row.body);
    REQUIRE(read.has_value() == row.message.empty());
    if (read) continue;
    CHECK(read.error().status == 400);
    INFO(read.error().message);
    CHECK(holds(read.error().message, row.message));
  }
  CHECK_FALSE(read_generation(Generation::Kind::image, R"({"model":"m"})"));
  CHECK_FALSE(read_generation(Generation::Kind::image, R"({"model":"m","prompt":[]})"));
}

TEST_CASE("all that the user said is the prompt, parts included, and every message is counted") {
  const auto read = read_generation(
      Generation::Kind::chat,
      R"({"model":"m","max_completion_tokens":9,"messages":[{"role":"system","content":"four"},
          {"role":"user","content":[{"type":"text","text":"ab"},{"type":"image_url"}]},
          {"role":"assistant","content":"c"},{"role":"user","content":"ö"}]})");
  REQUIRE(read.has_value());
  CHECK(read->prompt == "ab\nö");
  CHECK(read->input_characters == 8);
  CHECK(read->tokens_max == 9);
}

TEST_CASE("an answer longer than max_tokens is cut and says so") {
  Generation asked{.model = "m", .prompt = "a biography of Ada", .input_characters = 5};
  const AnswerMark mark{"0", WallTime{7'000'000'000}};
  const std::int64_t all = token_count(character_count(answer_text(1, asked.prompt)));
  struct Row {
    std::int64_t tokens_max;
    std::int64_t tokens;
    std::string reason;
  };
  for (const Row& row : {Row{all - 1, all - 1, "length"}, Row{all, all, "stop"},
                         Row{all + 1, all, "stop"}, Row{1, 1, "length"}}) {
    asked.tokens_max = row.tokens_max;
    const std::string body = chat_body(asked, mark, 1);
    CHECK(holds(body, R"("finish_reason":")" + row.reason + '"'));
    CHECK(holds(body, R"("completion_tokens":)" + std::to_string(row.tokens) + ','));
    CHECK(holds(body, R"("prompt_tokens":2,)"));
    CHECK(use_of(asked, 1) == Amounts{1, row.tokens + 2, 2, row.tokens, 0, 5});
    CHECK(holds(body, R"("total_tokens":)" + std::to_string(row.tokens + 2) + '}'));
    CHECK(holds(body, R"("created":7,)"));
  }
}

TEST_CASE("as many pictures come as were asked for, all different, and their tokens are told") {
  struct Row {
    std::string n;
    std::int64_t pictures;  // 0: refused.
  };
  for (const Row& row : {Row{"", 1}, Row{R"(,"n":null)", 1}, Row{R"(,"n":1)", 1},
                         Row{R"(,"n":3)", 3}, Row{R"(,"n":10)", 10}, Row{R"(,"n":11)", 0},
                         Row{R"(,"n":0)", 0}, Row{R"(,"n":-1)", 0}, Row{R"(,"n":"2")", 0}}) {
    CAPTURE(row.n);
    const auto read =
        read_generation(Generation::Kind::image, R"({"model":"i","prompt":"whale")" + row.n + "}");
    REQUIRE(read.has_value() == (row.pictures > 0));
    if (!read) {
      CHECK(read.error().param == "n");
      continue;
    }
    const std::string body = image_body(*read, {"0", {}}, 1, 0);
    std::set<std::string> different;
    constexpr std::string_view mark = R"("b64_json":")";
    for (std::size_t at = body.find(mark); at != std::string::npos; at = body.find(mark, at + 1)) {
      different.insert(body.substr(at, body.find('"', at + mark.size()) - at));
    }
    CHECK(different.size() == static_cast<std::size_t>(row.pictures));
    const std::int64_t output = 272 * row.pictures;
    CHECK(holds(body, R"("output_tokens":)" + std::to_string(output) + ','));
    CHECK(holds(body, R"("total_tokens":)" + std::to_string(output + 2) + '}'));
    CHECK(use_of(*read, 1) == Amounts{1, output + 2, 2, output, row.pictures, 5});
  }
}

TEST_CASE("what a chat uses is what its answer tells, and a reserve is OpenAI's guess of it") {
  Generation asked{.model = "m", .prompt = "a biography of Ada", .input_characters = 4001};
  const std::int64_t all = token_count(character_count(answer_text(1, asked.prompt)));
  const Amounts use = use_of(asked, 1);
  CHECK(use == Amounts{1, 1001 + all, 1001, all, 0, 4001});
  CHECK(reserve_of(asked, use) == Amounts{1, 1001, 1001, all, 0, 4001});
  asked.tokens_max = 1001;
  CHECK(reserve_of(asked, use) == Amounts{1, 1001, 1001, 1001, 0, 4001});
  asked.tokens_max = 1002;
  CHECK(reserve_of(asked, use) == Amounts{1, 1002, 1001, 1002, 0, 4001});
  asked.tokens_max = 5;
  CHECK(use_of(asked, 1) == Amounts{1, 1006, 1001, 5, 0, 4001});
}

}  // namespace
}  // namespace ratebatch::sandbox
