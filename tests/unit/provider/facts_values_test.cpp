// The pieces that facts are read with: numbers, resets, header names, structured fields, sentences.
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "provider/limit_headers.hpp"
#include "provider/limit_words.hpp"
#include "provider/server_values.hpp"
#include "provider/structured_field.hpp"
#include "support/facts_support.hpp"

namespace ratebatch::facts_values_test {

using namespace provider;
using namespace facts_support;

namespace {

using Count = std::optional<std::int64_t>;

TEST_CASE("counts are read with separators and fractions, and not from other texts") {
  struct Row {
    std::string text;
    Count leading, whole;
  };
  for (const Row& row : std::vector<Row>{
           {"0", 0, 0},
           {"60", 60, 60},
           {"60 queries", 60, std::nullopt},
           {"30,000 tokens", 30000, std::nullopt},
           {"1,234,567", 1234567, std::nullopt},
           {"12,34", 12, std::nullopt},
           {"250000.000000", 250000, 250000},
           {"9.0", 9, 9},
           {"9.", 9, std::nullopt},
           {"100, 100;w=60", 100, 100},
           {"100;w=60", 100, 100},
           {"1000000000000000", 1000000000000000, 1000000000000000},
           {"1000000000000001", std::nullopt, std::nullopt},
           {"99999999999999999999999", std::nullopt, std::nullopt},
           {"-1", std::nullopt, std::nullopt},
           {"+1", std::nullopt, std::nullopt},
           {".5", std::nullopt, std::nullopt},
           {"x", std::nullopt, std::nullopt},
           {"", std::nullopt, std::nullopt},
       }) {
    CAPTURE(row.text);
    CHECK(leading_count(row.text) == row.leading);
    CHECK(header_count(row.text) == row.whole);
  }
}

TEST_CASE("an instant of RFC 3339 is read with its fraction and offset") {
  const WallTime noon = wall_from_ms(1785585600000);
  for (const std::string text :
       {"2026-08-01T12:00:00Z", "2026-08-01t12:00:00z", "2026-08-01 12:00:00Z",
        "2026-08-01T12:00:00.000Z", "2026-08-01T14:30:00+02:30", "2026-08-01T07:00:00-05:00"}) {
    CAPTURE(text);
    CHECK(parse_rfc3339(text) == noon);
  }
  CHECK(parse_rfc3339("2026-08-01T12:00:00.5Z") == noon + std::chrono::milliseconds{500});
  CHECK(parse_rfc3339("2026-08-01T12:00:00.0000000019Z") == noon + std::chrono::nanoseconds{1});
  for (const std::string text :
       {"", "2026-08-01", "2026-08-01T12:00:00", "2026-08-01T12:00:00.Z", "2026-08-01T12:00:00X",
        "2026-13-01T12:00:00Z", "2026-02-30T12:00:00Z", "2026-08-01T25:00:00Z",
        "2026-08-01T12:00:00+2:00", "2026-08-01T12:00:00+24:00", "2026/08/01T12:00:00Z",
        "1969-12-31T23:59:59Z", "2026-08-01T12:00:00Zx", "2201-01-01T00:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rfc3339(text));
  }
}

TEST_CASE("a reset is above zero and at most 32 days away") {
  using std::chrono::nanoseconds;
  CHECK(until_reset("1ns", std::nullopt) == nanoseconds{1});
  CHECK(until_reset(" 6m0s ", std::nullopt) == std::chrono::minutes{6});
  CHECK(until_reset("1d", std::nullopt) == std::chrono::hours{24});
  CHECK(until_reset("32d", std::nullopt) == reset_max);
  for (const std::string text :
       {"0s", "33d", "5 s", "s", "5s5", "5x", "9999999999999h", "T", "1T"}) {
    CAPTURE(text);
    CHECK_FALSE(until_reset(text, WallTime{}));
  }
  // A year after 2200, in milliseconds.
  CHECK_FALSE(until_reset("7258118400001", wall_from_ms(7258118390000)));
  CHECK(until_reset("7258118400000", wall_from_ms(7258118390000)) == std::chrono::seconds{10});
}

TEST_CASE("a structured field is read whole or not at all") {
  using Kind = FieldValue::Kind;
  const auto items =
      parse_structured_field(R"(  "a\"b";q=1;x;y=?0 , tok/en;w=-5;v=1.5;p=:YQ==:, k=7, *)");
  REQUIRE(items);
  REQUIRE(items->size() == 4);
  const FieldItem& first = items->at(0);
  CHECK(first.value == FieldValue{.kind = Kind::string, .text = "a\"b"});
  REQUIRE(first.parameter("q") != nullptr);
  CHECK(*first.parameter("q") == FieldValue{.kind = Kind::integer, .integer = 1});
  CHECK(first.parameter("x")->kind == Kind::boolean);
  CHECK(first.parameter("none") == nullptr);
  const FieldItem& second = items->at(1);
  CHECK(second.value == FieldValue{.kind = Kind::token, .text = "tok/en"});
  CHECK(*second.parameter("w") == FieldValue{.kind = Kind::integer, .integer = -5});
  CHECK(second.parameter("v")->kind == Kind::decimal);
  CHECK(*second.parameter("p") == FieldValue{.kind = Kind::bytes, .text = "YQ=="});
  CHECK(items->at(2).key == "k");
  CHECK(items->at(2).value.integer == 7);
  CHECK(items->at(3).value.text == "*");
  // The last of a name holds.
  CHECK(parse_structured_field("a;q=1;q=2")->at(0).parameter("q")->integer == 2);
  CHECK(parse_structured_field("")->empty());
  CHECK(parse_structured_field("123456789012345"));
  for (const std::string text :
       {",", "a,", "a b", "\"a", "\"a\\n\"", "\"\xC3\xA9\"", "1234567890123456", "1.", "1.2345",
        "1234567890123.1", "-", "?2", ":a", "a;", "a;Q=1", "a;q=", "k=", "(a b)", "@1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_structured_field(text));
  }
}

TEST_CASE("names of limits say resource and window, or nothing") {
  CHECK(window_named("months") == month_window);
  CHECK(window_named("sec") == std::chrono::seconds{1});
  CHECK(window_named("week") == std::chrono::days{7});
  CHECK_FALSE(window_named("mint"));
  CHECK_FALSE(window_named("s"));
  CHECK(resource_named("characters") == Resource::characters);
  CHECK_FALSE(resource_named(""));
  CHECK(limit_header("x-rate-limit-limit"));
  CHECK(limit_header("x-ratelimit-remaining-prompt-tokens")->resource == Resource::input_tokens);
  CHECK(limit_header("anthropic-ratelimit-output-tokens-reset")->resource ==
        Resource::output_tokens);
  CHECK_FALSE(limit_header("x-ratelimit"));
  CHECK_FALSE(limit_header("x-request-id"));
}

TEST_CASE("sentences name a limit by the first window they tell of") {
  struct Row {
    std::string message, told;
  };
  for (const Row& row : std::vector<Row>{
           {"(TPM) and not (RPD)", "tokens per 60s"},
           {"on x (ITPM): Limit 5", "input_tokens per 60s 5"},
           {"(OTPM)", "output_tokens per 60s"},
           {"(RPS)", "requests per 1s"},
           {"(RPH)", "requests per 3600s"},
           {"(CPM)", "characters per 60s"},
           {"(RPX) (rp) (tpmm) (", ""},
           {"(ASD): Limit 7", "per 86400s 7"},
           {"30,000 input tokens per minute", "input_tokens per 60s 30000"},
           {"9.0 queries per minute", "requests per 60s 9"},
           {"10 requests/second", "requests per 1s 10"},
           {"3 requests per day and 9 tokens per minute", "requests per 86400s 3"},
           {"for gpt-4 requests per hour", "requests per 3600s"},
           {"for gpt 4 tokens per hour", "tokens per 3600s 4"},
           {"2 characters per week", "characters per 604800s 2"},
           {"free-models-per-day", "per 86400s"},
           {"per minute request limit", "requests per 60s"},
           {"see https://x/minute", ""},
           {"person per se", ""},
           {"limit 0 tokens per minute", "tokens per 60s"},
           {"your limit of 12 images", "12"},
           {"", ""},
       }) {
    CAPTURE(row.message);
    const LimitWords words = limit_in_words("", "", row.message);
    std::string told;
    if (words.resource) told += std::string(to_string(*words.resource)) + " ";
    if (words.window) told += "per " + shown(*words.window) + " ";
    if (words.limit) told += std::to_string(*words.limit) + " ";
    if (!told.empty()) told.pop_back();
    CHECK(told == row.told);
  }
}

}  // namespace
}  // namespace ratebatch::facts_values_test
