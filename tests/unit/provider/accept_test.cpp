// Whether an answer is what its type asked for.
#include "ratebatch/provider/accept.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace ratebatch::accept_test {

using namespace provider;

namespace {

std::string why(const AcceptRules& rules, const Answer& answer) {
  return why_not_accepted(rules, answer).value_or("accepted");
}

TEST_CASE("without rules every answer is accepted") {
  for (const Answer& answer : std::vector<Answer>{{},
                                                  {.text = "x"},
                                                  {.body_json = "{}"},
                                                  {.finish_reason = "length", .truncated = true}}) {
    CHECK(why({}, answer) == "accepted");
  }
}

TEST_CASE("the finish reason must be one of those named, where the provider says one") {
  const AcceptRules rules{.finish_reasons = {"stop", "end_turn"}};
  CHECK(why(rules, {.text = "x", .finish_reason = "end_turn"}) == "accepted");
  CHECK(why(rules, {.text = "x"}) == "accepted");
  CHECK(why(rules, {.assets = {{.bytes = "x"}}}) == "accepted");
  CHECK(why(rules, {.text = "x", .finish_reason = "length"}) ==
        "finish_reason is 'length', and accept.finish_reason is stop, end_turn");
  CHECK(why(rules, {.assets = {{.bytes = "x"}}, .finish_reason = "Stop"}) ==
        "finish_reason is 'Stop', and accept.finish_reason is stop, end_turn");
}

TEST_CASE("lengths count characters, without the blanks around") {
  const AcceptRules rules{.chars_min = 3, .chars_max = 5};
  for (const std::string text :
       {"abc", "abcde", " \nabc\t", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"}) {
    CAPTURE(text);
    CHECK(why(rules, {.text = text}) == "accepted");
  }
  CHECK(why(rules, {.text = " ab "}) == "the text has 2 characters, and accept.min_chars is 3");
  CHECK(why(rules, {.text = "\xC3\xA9\xC3\xA9"}) ==
        "the text has 2 characters, and accept.min_chars is 3");
  CHECK(why(rules, {.text = "abcdef"}) == "the text has 6 characters, and accept.max_chars is 5");
  CHECK(why(rules, {}) == "the text has 0 characters, and accept.min_chars is 3");
  CHECK(why({.chars_max = 0}, {.text = "a"}) ==
        "the text has 1 character, and accept.max_chars is 0");
}

TEST_CASE("words must be there, or must not") {
  const AcceptRules rules{.contains = {"Nina", "jazz"}, .lacks = {"As an AI", "{{"}};
  CHECK(why(rules, {.text = "Nina played jazz."}) == "accepted");
  CHECK(why(rules, {.text = "nina played jazz."}) ==
        "the text is without 'Nina', which accept.contains names");
  CHECK(why(rules, {.text = "Nina: jazz {{x}}"}) ==
        "the text contains '{{', which accept.lacks names");
}

TEST_CASE("a text can have to be JSON") {
  const AcceptRules rules{.json = true};
  for (const std::string text : {"{}", " [1]\n", "null", "\"x\""}) {
    CHECK(why(rules, {.text = text}) == "accepted");
  }
  for (const std::string text : {"", "```json\n{}\n```", "{} {}", "{\"a\":"}) {
    CAPTURE(text);
    CHECK(why(rules, {.text = text}).starts_with("the text is not one JSON value"));
  }
  CHECK(why(rules, {.text = "\x1B[2J"}).find("\\x1b[2J") != std::string::npos);
}

TEST_CASE("what is no text is held to its finish reason only") {
  const AcceptRules rules{.chars_min = 10, .contains = {"x"}, .json = true};
  for (const Answer& answer : std::vector<Answer>{{.assets = {{.bytes = "x"}}},
                                                  {.links = {"https://h/x"}},
                                                  {.files = {"a.png"}},
                                                  {.body_json = R"({"data":[]})"}}) {
    CHECK(why(rules, answer) == "accepted");
  }
  // A raw body's answer with a text is a text.
  CHECK(why(rules, {.text = "short", .body_json = "{}"}) ==
        "the text has 5 characters, and accept.min_chars is 10");
}

}  // namespace
}  // namespace ratebatch::accept_test
