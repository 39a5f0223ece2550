// What the configuration says of APIs and answers: http, accept.
#include <doctest/doctest.h>

#include <string>

#include "ratebatch/input/config_file.hpp"
#include "ratebatch/provider/dialect.hpp"
#include "support/input_support.hpp"

namespace ratebatch::config_api_test {

using namespace input;
using namespace provider;
using namespace input_support;

namespace {

Config parsed(const std::string& text) {
  auto config = parse_config(text, "r.yaml");
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  return *config;
}

std::string complaint(const std::string& text) { return message_of(parse_config(text, "r.yaml")); }

constexpr const char* own_api = R"(
providers:
  mine:
    api: http
    base_url: https://api.example/v2
    keys: env:MINE_KEY
    http:
      method: POST
      path: /run/{{model}}?mode={{mode|fast}}
      headers: {X-Trace: "{{id}}", Accept: application/json}
      body:
        text: "{{prompt}}"
        steps: 4
        scale: 1.5
        tags: [a, "{{style?}}", true]
        version: "2"
        nothing:
      key_header: {name: X-Api-Key, prefix: ''}
      result: /output/0/url
      finish_reason: /reason
      usage: {input_tokens: /usage/in, output_tokens: /usage/out, characters: /usage/a~1b}
      error: {message: /error/message, code: /error/code}
models:
  thing: {provider: mine, id: thing-1, kind: image}
)";

TEST_CASE("an API of one's own is read in full, with the types that YAML gives") {
  const Config config = parsed(own_api);
  HttpApi expected;
  expected.path = "/run/{{model}}?mode={{mode|fast}}";
  expected.headers = {{"X-Trace", "{{id}}"}, {"Accept", "application/json"}};
  expected.body_json = R"({"nothing":null,"scale":1.5,"steps":4,"tags":["a","{{style?}}",true],)"
                       R"("text":"{{prompt}}","version":"2"})";
  expected.key_header = "X-Api-Key";
  expected.key_prefix = "";
  expected.result = "/output/0/url";
  expected.finish_reason = "/reason";
  expected.input_tokens = "/usage/in";
  expected.output_tokens = "/usage/out";
  expected.characters = "/usage/a~1b";
  expected.error_message = "/error/message";
  expected.error_code = "/error/code";
  CHECK(config.providers.at("mine").http == expected);
  CHECK(config.models.at("thing").http == expected);
  CHECK(find_model(config, "mine/unconfigured")->http == expected);
  CHECK_FALSE(find_model(config, "openai/gpt-4o")->http.has_value());
}

HttpApi described(const std::string& http) {
  const auto line = "  other: {provider: mine, http: {" + http + "}}\n";
  return *parsed(own_api + line).models.at("other").http;
}

TEST_CASE("what the http: of a model names goes over its provider's, the rest is the provider's") {
  const HttpApi shared = *parsed(own_api).providers.at("mine").http;
  CHECK(described("") == shared);
  HttpApi api = shared;
  api.path = "/lim";
  CHECK(described("path: /lim") == api);
  api = shared;
  api.headers = {{"Accept", "application/json"}, {"x-trace", "t"}, {"X-More", "m"}};
  CHECK(described("headers: {x-trace: t, X-More: m}") == api);
  api = shared;
  api.key_prefix = "Token ";
  CHECK(described("key_header: {prefix: 'Token '}") == api);
  api = shared;
  api.characters = "/c";
  api.error_code = "/e";
  CHECK(described("usage: {characters: /c}, error: {code: /e}") == api);
  api = shared;
  api.body_json = R"({"a":1})";
  CHECK(described("body: {a: 1}") == api);
}

TEST_CASE("the http: of a model can take back a pointer, and the body with method GET") {
  HttpApi api = *parsed(own_api).providers.at("mine").http;
  api.result = "";
  CHECK(described("result:") == api);
  CHECK(described("result: null") == api);
  api = *parsed(own_api).providers.at("mine").http;
  api.method = "GET";
  api.body_json = "";
  CHECK(described("method: GET") == api);
}

TEST_CASE("what a model's http: makes of its provider's is checked as a whole") {
  const std::string start =
      "providers: {p: {api: http, base_url: 'https://a.example', http: {method: GET, headers: "
      "{X-A: b}}}}\nmodels: {m: {provider: p, http: {";
  const std::string place = "r.yaml:2: key 'models.m.http': ";
  CHECK(complaint(start + "key_header: {name: x-a}}}}") ==
        place + "header 'X-A' is the one of the key");
  CHECK(complaint(start + "body: {a: 1}}}}") ==
        place + "method GET has no body; put what is asked into path, or use POST");
  CHECK(parsed(start + "body: {a: 1}, method: POST}}}").models.at("m").http->method == "POST");
}

TEST_CASE("the key goes as a bearer token unless it is said otherwise") {
  const auto key_of = [](const std::string& header) {
    const Config config = parsed(
        "providers: {p: {api: http, base_url: 'https://a.example', http: {"
        "path: /x" +
        header + "}}}");
    const HttpApi& api = *config.providers.at("p").http;
    return api.key_header + ": " + api.key_prefix;
  };
  CHECK(key_of("") == "Authorization: Bearer ");
  CHECK(key_of(", key_header: {name: X-Key}") == "X-Key: ");
  CHECK(key_of(", key_header: {prefix: 'Token '}") == "Authorization: Token ");
  CHECK(key_of(", key_header: {prefix: 'Key ', name: X-Key}") == "X-Key: Key ");
}

TEST_CASE("an http: that is missing, or has no effect, is an error") {
  CHECK(complaint("providers: {p: {api: http, base_url: 'https://a.example'}}\n"
                  "models: {m: {provider: p}}") ==
        "r.yaml:2: key 'models.m': provider 'p' has 'api: http': missing key http, here or below "
        "it, which says how it is asked");
  CHECK(complaint("providers: {p: {base_url: 'https://a.example', http: {path: /x}}}") ==
        "r.yaml:1: key 'providers.p.http': describes an API for 'api: http', and this provider has "
        "'openai'");
  CHECK(complaint("models: {m: {http: {path: /x}}}") ==
        "r.yaml:1: key 'models.m.http': describes an API for 'api: http', and provider 'openai' "
        "has 'openai'");
  const Config bare = parsed("providers: {p: {api: http, base_url: 'https://a.example'}}");
  CHECK(message_of(find_model(bare, "p/x")) ==
        "model 'p/x' needs 'http:' below it, under models: in the configuration, because its "
        "provider has none");
}

TEST_CASE("each part of http: is checked") {
  struct Row {
    std::string text;
    std::string message;
  };
  const std::string path = "expected a path below base_url, such as /generate/{{model}}, found '";
  const std::string pointer =
      "expected a JSON pointer into the answer, such as /output/0/text, found '";
  const std::string reserved =
      "this header cannot be set here; key_header says where the key goes, and keys where it is "
      "found";
  const std::string names =
      "expected {{name}}, {{name|default}} or {{name?}}, where a name has no { } | ? : \", tab or "
      "line break";
  const Row rows[] = {
      {"method: PUT", ".method': expected POST or GET, found 'PUT'"},
      {"method: get", ".method': expected POST or GET, found 'get'"},
      {"path: x", ".path': " + path + "x'"},
      {"path: //evil.example", ".path': " + path + "//evil.example'"},
      {"path: /a/../b", ".path': " + path + "/a/../b'"},
      {"path: '/a b'", ".path': " + path + "/a b'"},
      {"path: '/a#b'", ".path': " + path + "/a#b'"},
      {"path: '@evil.example'", ".path': " + path + "@evil.example'"},
      {"path: \"/a\\tb\"", ".path': expected one line of text"},
      {"path: '/{{a'",
       ".path': line 1 of the template: '{{' is never closed; expected for example "
       "{{artist}}"},
      {"path: '/{{messages}}'",
       ".path': {{messages}} can stand in the body only, as a whole value"},
      {"headers: {'a b': c}", ".headers.a b': expected the name of an HTTP header"},
      {"headers: {Authorization: Bearer x}", ".headers.Authorization': " + reserved},
      {"headers: {content-length: 5}", ".headers.content-length': " + reserved},
      {"headers: {X: a, x: b}", ".headers.x': stands twice, in different letters"},
      {"headers: {X: \"a\\nb\"}", ".headers.X': expected one line of text"},
      {"headers: {X: '{{}}'}",
       ".headers.X': line 1 of the template: '{{}}' is not a placeholder; " + names},
      {"headers: {X-Key: v}, key_header: {name: x-key}", "': header 'X-Key' is the one of the key"},
      {"body:", ".body': expected what is sent, such as {text: \"{{prompt}}\"}"},
      {"body: {a: [1, '{{b: c}}']}",
       ".body.a[1]': line 1 of the template: '{{b: c}}' is not a placeholder; " + names},
      {"method: GET, body: {a: 1}",
       "': method GET has no body; put what is asked into path, or use POST"},
      {"key_header: {name: 'a:b'}", ".key_header.name': expected the name of an HTTP header"},
      {"key_header: {name: ''}", ".key_header.name': expected the name of an HTTP header"},
      {"key_header: {prefix: \"a\\rb\"}",
       ".key_header.prefix': expected a text before the key, or ''"},
      {"key_header: {prefx: a}", ".key_header.prefx': unknown (did you mean 'prefix'?)"},
      {"result: output", ".result': " + pointer + "output'"},
      {"result: /a~2b", ".result': " + pointer + "/a~2b'"},
      {"result: /a~", ".result': " + pointer + "/a~'"},
      {"result: [a]", ".result': " + pointer + "'"},
      {"usage: {input: /a}",
       ".usage.input': unknown; expected one of input_tokens, output_tokens, "
       "characters"},
      {"usage: {input_tokens: a}", ".usage.input_tokens': " + pointer + "a'"},
      {"error: {msg: /a}", ".error.msg': unknown; expected one of message, code"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(complaint("providers: {p: {api: http, base_url: 'https://a.example', http: {" + row.text +
                    "}}}") == "r.yaml:1: key 'providers.p.http" + row.message);
  }
}

TEST_CASE("every API that is known may be named, and needs its address") {
  for (const std::string_view api : dialect_names()) {
    CAPTURE(api);
    const std::string name(api);
    const std::string text = "providers: {p: {api: " + name + ", base_url: 'https://a.example'";
    CHECK(parsed(text + "}}").providers.at("p").api == name);
  }
  CHECK(complaint("providers: {p: {api: anthropic}}").find("missing key base_url") !=
        std::string::npos);
}

AcceptRules accept_of(const std::string& text) {
  return parsed("types: {t: {prompt: x, accept: {" + text + "}}}").types.at("t").accept;
}

TEST_CASE("accept rules are read, single texts without brackets") {
  AcceptRules rules;
  CHECK(accept_of("") == rules);
  rules.finish_reasons = {"stop", "end_turn"};
  rules.chars_min = 200;
  rules.chars_max = 4000;
  rules.contains = {"{\"a\": 1}"};
  rules.lacks = {"As an AI", "I cannot"};
  rules.json = true;
  CHECK(accept_of("finish_reason: [stop, end_turn], min_chars: 200, max_chars: 4k, "
                  "contains: '{\"a\": 1}', lacks: [As an AI, I cannot], json: true") == rules);
  CHECK(accept_of("min_chars: 5, max_chars: 5").chars_max == 5);
}

TEST_CASE("accept rules that no answer could meet are refused") {
  const auto of = [](const std::string& text) {
    return complaint("types: {t: {prompt: x, accept: {" + text + "}}}");
  };
  const std::string place = "r.yaml:1: key 'types.t.accept";
  CHECK(of("min_chars: 6, max_chars: 5") ==
        place + "': max_chars (5) is below min_chars (6): no answer could be both");
  CHECK(of("contains: 'a cat', lacks: cat") ==
        place + "': every answer must contain 'a cat' and lack 'cat': none could");
  CHECK(of("min_chars: 0").find(place + ".min_chars': expected a whole number from 1 to ") == 0);
  CHECK(of("contains: ''") == place + ".contains': expected a text, which is not empty");
  CHECK(of("contains: []") == place + ".contains': expected a text, or a list of texts");
  CHECK(of("lacks: [a, [b]]") == place + ".lacks[1]': expected a text, which is not empty");
  CHECK(of("lacks: [a, a]") == place + ".lacks[1]': 'a' stands twice");
  CHECK(of("json: 1") == place + ".json': expected true or false, found '1'");
  CHECK(of("min_char: 1") == place + ".min_char': unknown (did you mean 'min_chars'?)");
}

}  // namespace
}  // namespace ratebatch::config_api_test
