#include "ratebatch/base/text.hpp"

#include <doctest/doctest.h>

#include <string>

#include "ratebatch/base/random.hpp"

namespace ratebatch::text_test {
namespace {

TEST_CASE("only well-formed UTF-8 is valid") {
  for (const char* good : {"", "plain", "Bj\xC3\xB6rk", "\xE2\x82\xAC", "\xF0\x9F\x8E\xB5"}) {
    CHECK(is_valid_utf8(good));
  }
  for (const char* bad : {"\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80",
                          "\xFF", "a\x80", "\xE2\x82"}) {
    CHECK_FALSE(is_valid_utf8(bad));
  }
}

TEST_CASE("a byte that is not UTF-8 is found wherever it stands between eights of plain ones") {
  for (std::size_t at = 0; at < 24; ++at) {
    std::string text(24, 'a');
    CHECK(is_valid_utf8(text));
    text[at] = '\x80';
    CHECK_FALSE(is_valid_utf8(text));
    text.replace(at, 1, "\xC3\xB6");
    CHECK(is_valid_utf8(text));
  }
}

std::string json_string(std::string_view text) {
  std::string out = "before ";
  append_json_string(out, text);
  return out.substr(7);
}

TEST_CASE("a text becomes a JSON string of one line") {
  CHECK(json_string("") == R"("")");
  CHECK(json_string("plain, long enough for more than one word \x7f") ==
        "\"plain, long enough for more than one word \x7f\"");
  CHECK(json_string(R"(say "hi" \ bye)") == R"("say \"hi\" \\ bye")");
  CHECK(json_string("\b\f\n\r\t") == R"("\b\f\n\r\t")");
  CHECK(json_string(std::string_view("\0\x01\x1f ", 4)) == R"("\u0000\u0001\u001f ")");
  CHECK(json_string("Bj\xC3\xB6rk \xE2\x82\xAC \xF0\x9F\x8E\xB5") ==
        "\"Bj\xC3\xB6rk \xE2\x82\xAC \xF0\x9F\x8E\xB5\"");
  CHECK(json_string("a\xFF\xC3") == "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(json_string("\xED\xA0\x80z") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\"");
}

TEST_CASE("every byte at every place of a JSON string is written as it is alone") {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    const std::string quoted = json_string(one);
    const std::string alone = quoted.substr(1, quoted.size() - 2);
    for (std::size_t at = 0; at <= 20; ++at) {
      const std::string before(at, 'x');
      const std::string after(20 - at, 'y');
      CAPTURE(byte);
      CHECK(json_string(before + one + after) == '"' + before + alone + after + '"');
    }
  }
}

TEST_CASE("what is no UTF-8 becomes a JSON string that is") {
  Rng rng{11};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 20; ++i) text += static_cast<char>(rng.below(256));
    const std::string written = json_string(text);
    CHECK(is_valid_utf8(written));
    CHECK(written.find('\n') == std::string::npos);
    if (is_valid_utf8(text)) CHECK(written.find("\xEF\xBF\xBD") == std::string::npos);
  }
}

TEST_CASE("what could move a terminal's cursor or hide text is escaped") {
  CHECK(escaped("plain \xC3\xB6") == "plain \xC3\xB6");
  CHECK(escaped("\x1b[2J") == "\\x1b[2J");
  CHECK(escaped("a\nb\tc\x7f") == "a\\x0ab\\x09c\\x7f");
  CHECK(escaped("\xC2\x9B") == "\\u{009b}");
  CHECK(escaped("\xE2\x80\xAE") == "\\u{202e}");
  CHECK(escaped("\xFFz") == "\\xffz");
}

TEST_CASE("no control byte passes the escaping, whatever the input") {
  Rng rng{7};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < 20; ++i) text += static_cast<char>(rng.below(256));
    const std::string safe = escaped(text);
    CHECK(is_valid_utf8(safe));
    CHECK_FALSE(has_control_byte(safe));
  }
}

TEST_CASE("escaped text is cut at its bound, and says so") {
  CHECK(escaped("abcd", 4) == "abcd");
  CHECK(escaped("abcde", 4) == "abcd...");
}

TEST_CASE("a slip of the finger finds the name that was meant") {
  const std::vector<std::string> names = {"priority", "prompt", "params", "type"};
  CHECK(nearest_name("priorty", names) == "priority");
  CHECK(nearest_name("promtp", names) == "prompt");
  CHECK(nearest_name("tpye", names) == "type");
  CHECK_FALSE(nearest_name("colour", names).has_value());
  CHECK_FALSE(nearest_name("", names).has_value());
  CHECK(did_you_mean("promt", names) == " (did you mean 'prompt'?)");
  CHECK(did_you_mean("zzz", names).empty());
}

TEST_CASE("numbers for people have separators of thousands") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(36'831'000) == "36,831,000");
  CHECK(grouped(-1234) == "-1,234");
  CHECK(counted(1, "job", "jobs") == "1 job");
  CHECK(counted(2000, "job", "jobs") == "2,000 jobs");
}

TEST_CASE("the hash of a recipe is FNV-1a") {
  CHECK(fnv1a_64_hex("") == "cbf29ce484222325");
  CHECK(fnv1a_64_hex("a") == "af63dc4c8601ec8c");
  CHECK(fnv1a_64_hex("foobar") == "85944171f73967e8");
}

TEST_CASE("the same seed gives the same numbers, within their bounds") {
  Rng a{42};
  Rng b{42};
  for (int i = 0; i < 1000; ++i) {
    const auto n = a.between(-3, 3);
    CHECK(n == b.between(-3, 3));
    CHECK(n >= -3);
    CHECK(n <= 3);
  }
  CHECK(Rng{0}.next() == 0xE220A8397B1DCDAFULL);
}

}  // namespace
}  // namespace ratebatch::text_test
