#include "ratebatch/base/template_text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/input_support.hpp"

namespace ratebatch::template_text_test {

using namespace input_support;

namespace {

const Variables nina = {{"artist", "Nina"}, {"empty", ""},         {"größe", "XL"},
                        {"a-b.c_1", "x"},   {"First Name", "Ada"}, {"Prix d'achat (€)", "3"}};

struct Rendering {
  const char* text;
  const char* rendered;
};

const Rendering renderings[] = {
    {"", ""},
    {"plain", "plain"},
    {"{{artist}}", "Nina"},
    {"{{ artist }}!", "Nina!"},
    {"{{artist}}{{artist}}", "NinaNina"},
    {"A {{artist}}, {{genre|unknown}}.", "A Nina, unknown."},
    {"{{genre | new wave }}", "new wave"},
    {"{{artist|nobody}}", "Nina"},
    {"{{genre|}}", ""},
    {"{{genre|a|b}}", "a|b"},
    {"{{genre|what?}}", "what?"},
    {"[{{genre?}}]", "[]"},
    {"[{{ artist ? }}]", "[Nina]"},
    {"[{{empty|full}}]", "[]"},
    {"{{größe}} {{a-b.c_1}}", "XL x"},
    {"{{First Name}} {{ First Name ? }}{{Last Name|Doe}}", "Ada AdaDoe"},
    {"{{Prix d'achat (€)}} {{ Mid Name|}}{{Größe, cm?}}", "3 "},
    {R"({"a":{"b":1}} and { single })", R"({"a":{"b":1}} and { single })"},
    {"{ {{artist}} }", "{ Nina }"},
    {"{{genre|two\nlines}}", "two\nlines"},
};

TEST_CASE("placeholders are filled in, and other text stays as it is") {
  for (const Rendering& r : renderings) {
    CAPTURE(r.text);
    const auto parsed = TextTemplate::parse(r.text);
    REQUIRE(parsed.has_value());
    const auto rendered = parsed->render(nina);
    REQUIRE(rendered.has_value());
    CHECK(*rendered == r.rendered);
  }
}

struct BadTemplate {
  const char* text;
  const char* message;
};

#define RB_EXPECTED                                                                   \
  " is not a placeholder; expected {{name}}, {{name|default}} or {{name?}}, where a " \
  "name has no { } | ? : \", tab or line break"
const BadTemplate bad_templates[] = {
    {"{{", "line 1 of the template: '{{' is never closed; expected for example {{artist}}"},
    {"a\nb\n {{artist}",
     "line 3 of the template: '{{' is never closed; expected for example {{artist}}"},
    {"{{}}", "line 1 of the template: '{{}}'" RB_EXPECTED},
    {"{{ }}", "line 1 of the template: '{{ }}'" RB_EXPECTED},
    {"{{?}}", "line 1 of the template: '{{?}}'" RB_EXPECTED},
    {"{{|x}}", "line 1 of the template: '{{|x}}'" RB_EXPECTED},
    {"\n{{two\nlines}}", "line 2 of the template: '{{two\\x0alines}}'" RB_EXPECTED},
    {R"({{ "a": 1 }})", R"(line 1 of the template: '{{ "a": 1 }}')" RB_EXPECTED},
    {R"({{"a"}})", R"(line 1 of the template: '{{"a"}}')" RB_EXPECTED},
    {"{{a: 1}}", "line 1 of the template: '{{a: 1}}'" RB_EXPECTED},
    {"{{a? b}}", "line 1 of the template: '{{a? b}}'" RB_EXPECTED},
    {R"({{"a": {"b": 1}}})", R"(line 1 of the template: '{{"a": {"b": 1}}')" RB_EXPECTED},
    {"{{{artist}}}", "line 1 of the template: '{{{artist}}'" RB_EXPECTED},
    {"{{a?|b}}", "line 1 of the template: '{{a?|b}}'" RB_EXPECTED},
    {"{{a|{{b}}}}", "line 1 of the template: '{{a|{{b}}'" RB_EXPECTED},
    {"{{{{x}}}}", "line 1 of the template: '{{{{x}}'" RB_EXPECTED},
    {"{{a\x1b[31m}}", "line 1 of the template: '{{a\\x1b[31m}}'" RB_EXPECTED},
};
#undef RB_EXPECTED

TEST_CASE("what cannot be read as a placeholder is an error with its line") {
  for (const BadTemplate& bad : bad_templates) {
    CAPTURE(bad.text);
    CHECK(message_of(TextTemplate::parse(bad.text)) == bad.message);
  }
}

TEST_CASE("a missing variable is named, each once and in the order of the text") {
  const auto parsed = TextTemplate::parse("{{b}} {{a}} {{b}} {{artist}} {{c?}} {{d|x}}");
  REQUIRE(parsed.has_value());
  CHECK(parsed->missing(nina) == std::vector<std::string>{"b", "a"});
  CHECK(message_of(parsed->render(nina)) == "missing variables 'b', 'a'");
  CHECK(message_of(parsed->render({{"a", ""}})) == "missing variables 'b', 'artist'");
  CHECK(message_of(parsed->render({{"a", ""}, {"artist", ""}})) == "missing variable 'b'");
}

TEST_CASE("values are not read as templates") {
  const auto parsed = TextTemplate::parse("{{artist}}");
  REQUIRE(parsed.has_value());
  CHECK(*parsed->render({{"artist", "{{artist}} {{x"}}) == "{{artist}} {{x");
}

TEST_CASE("a template tells its names, and whether it is one placeholder") {
  struct Row {
    const char* text;
    std::vector<std::string> names;
    bool is_one;
  };
  const std::vector<Row> table = {
      {"", {}, false},          {"a", {}, false},
      {"{{a}}", {"a"}, true},   {"{{ a|b }}", {"a"}, true},
      {"{{a?}}", {"a"}, true},  {" {{a}}", {"a"}, false},
      {"{{a}} ", {"a"}, false}, {"{{b}}{{a}}{{b}}", {"b", "a"}, false},
  };
  for (const Row& row : table) {
    CAPTURE(row.text);
    const auto parsed = TextTemplate::parse(row.text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->names() == row.names);
    CHECK(parsed->is_one_placeholder() == row.is_one);
  }
}

}  // namespace
}  // namespace ratebatch::template_text_test
