#include "ratebatch/base/text.hpp"

#include <doctest/doctest.h>

#include <string>

#include "ratebatch/base/random.hpp"

namespace ratebatch {
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
}  // namespace ratebatch
