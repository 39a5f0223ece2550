// How jobs become requests of an API that the configuration describes.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::http_api_request_test {

using namespace provider;

namespace {

using nlohmann::json;

const Dialect& http() { return *find_dialect("http"); }

Endpoint endpoint(const HttpApi& api, ModelKind kind = ModelKind::chat) {
  return {.base_url = "https://api.example.com/v2",
          .model_id = "owner/name-1",
          .kind = kind,
          .timeout = std::chrono::seconds{90},
          .http = api};
}

HttpRequest request_of(const JobContent& content, const HttpApi& api,
                       ModelKind kind = ModelKind::chat) {
  Result<HttpRequest> request = http().request(content, endpoint(api, kind));
  if (!request) FAIL(request.error().message);
  return std::move(*request);
}

json body_of(const JobContent& content, const std::string& body) {
  return json::parse(request_of(content, {.path = "/x", .body_json = body}).body);
}

std::string error_of(const JobContent& content, const HttpApi& api) {
  const Result<HttpRequest> request = http().request(content, endpoint(api));
  return request ? "none" : request.error().message;
}

std::string headers_of(const HttpRequest& request) {
  std::string text;
  for (const Header& header : request.headers) text += header.name + ": " + header.value + "\n";
  return text;
}

TEST_CASE("http: path, headers and body are filled in") {
  const HttpApi api{
      .path = "/models/{{model}}/{{voice}}?q={{prompt}}",
      .headers = {{"X-Job", "job {{id}}"}, {"X-Left-Out", "{{absent?}}"}, {"Accept", "text/plain"}},
      .body_json = R"({"input":{"prompt":"Say: {{prompt}}","n":{"x":[1,true]}}})",
      .key_header = "X-Key",
      .key_prefix = "Token "};
  const HttpRequest request = request_of(
      {.id = "a-1", .prompt = "caf\xC3\xA9 & \"co\"", .params_json = R"({"voice":"a/b"})"}, api);
  CHECK(request.method == "POST");
  CHECK(request.url ==
        "https://api.example.com/v2/models/owner/name-1/a%2Fb?q=caf%C3%A9%20%26%20%22co%22");
  CHECK(headers_of(request) ==
        "content-type: application/json\nx-client-request-id: a-1\nX-Job: job a-1\n"
        "Accept: text/plain\n");
  CHECK(json::parse(request.body) ==
        json::parse(R"({"input":{"prompt":"Say: café & \"co\"","n":{"x":[1,true]}}})"));
  CHECK(http().key_header(endpoint(api)).name == "X-Key");
  CHECK(http().key_header(endpoint(api)).prefix == "Token ");
}

TEST_CASE("http: a string that is one placeholder becomes the value itself, or is left out") {
  const std::string form =
      R"({"p":"{{prompt}}","s":"{{system}}","t":"{{temperature}}","l":["{{a?}}","{{tags}}","x"],)"
      R"("d":"{{size|big}}","o":"{{opts}}","text":"{{temperature}}, {{opts}}"})";
  CHECK(body_of({.prompt = "Hi",
                 .params_json = R"({"temperature":0.5,"tags":["u",1],"opts":{"k":null}})"},
                form) == json::parse(R"({"p":"Hi","t":0.5,"l":[["u",1],"x"],"d":"big",
                                         "o":{"k":null},"text":"0.5, {\"k\":null}"})"));
  // Null is as good as absent.
  CHECK(body_of({.prompt = "Hi", .params_json = R"({"t":null})"},
                R"({"p":"{{prompt}}","t":"{{t}}"})") == json({{"p", "Hi"}}));
}

TEST_CASE("http: messages are the job's own, or made of its texts") {
  const std::string form = R"({"m":"{{messages}}"})";
  CHECK(body_of({.system = "S", .prompt = "P"}, form)["m"] == json::parse(R"([
    {"role":"system","content":"S"},{"role":"user","content":"P"}])"));
  CHECK(body_of({.prompt = "P"}, form)["m"].size() == 1);
  const std::string messages = R"([{"role":"user","content":"a"}])";
  CHECK(body_of({.messages_json = messages}, form)["m"] == json::parse(messages));
  CHECK(body_of({.system = "S", .messages_json = messages}, form)["m"].size() == 2);
}

TEST_CASE("http: one file goes as base64, with its type and name") {
  CHECK(body_of({.files = {{.path = "a/b.png", .bytes = "abc"}}},
                R"({"f":"data:{{file_type}};base64,{{file}}","n":"{{file_name}}"})") ==
        json({{"f", "data:image/png;base64,YWJj"}, {"n", "b.png"}}));
  CHECK(body_of({.prompt = "a"}, R"({"f":"{{file}}","p":"{{prompt}}"})") == json({{"p", "a"}}));
}

TEST_CASE("http: the job's own names win over parameters of that name") {
  CHECK(body_of({.prompt = "P", .params_json = R"({"prompt":"x","model":"y","file":"z"})"},
                R"(["{{prompt}}","{{model}}","{{file}}"])") == json({"P", "owner/name-1"}));
}

TEST_CASE("http: the own body of a job replaces the form, and without any goes no content type") {
  const HttpRequest get = request_of({.prompt = "a"}, {.method = "GET", .path = "?q={{prompt}}"});
  CHECK(get.method == "GET");
  CHECK(get.url == "https://api.example.com/v2?q=a");
  CHECK(get.body.empty());
  CHECK(headers_of(get) == "accept: */*\n");
  const std::string own = R"({ "x":1 })";
  CHECK(request_of({.body_json = own}, {.body_json = R"({"p":"{{prompt}}"})"}).body == own);
}

TEST_CASE("http: files of the reply are expected where the description says") {
  const auto files = [](const std::string& pointer, ModelKind kind) {
    const ReplyFiles made = request_of({}, {.result = pointer}, kind).reply_files;
    std::string text = made.binary_body ? "body" : "";
    for (const std::string& name : made.members) text += "[" + name + "]";
    return text;
  };
  CHECK(files("", ModelKind::image) == "body");
  CHECK(files("", ModelKind::speech) == "body");
  CHECK(files("", ModelKind::chat).empty());
  CHECK(files("/audio/data", ModelKind::speech) == "[data]");
  CHECK(files("/a~1b~0c", ModelKind::image) == "[a/b~c]");
  CHECK(files("/images/0", ModelKind::image).empty());
  CHECK(files("/text", ModelKind::chat).empty());
}

TEST_CASE("http: what cannot be asked is refused with words, unsent") {
  struct Row {
    JobContent content;
    HttpApi api;
    std::string words;
  };
  const std::string form = R"({"p":"{{prompt}}"})";
  const std::string user = R"([{"role":"user","content":"a"}])";
  const JobFile file{.path = "a.png", .bytes = "x"};
  const std::vector<Row> table = {
      {{.prompt = "a"}, {.path = "/{{x}}", .body_json = form}, "path: missing variable 'x'"},
      {{.prompt = "a"}, {.path = "/{{", .body_json = form}, "path: line 1"},
      {{.prompt = "a"}, {.path = "x", .body_json = form}, "no path below base_url"},
      {{.prompt = "a"}, {.path = "@evil.com/", .body_json = form}, "no path below base_url"},
      {{.prompt = "a"}, {.path = "/a b", .body_json = form}, "no path below base_url"},
      {{.prompt = "a"}, {.path = "/a#b", .body_json = form}, "no path below base_url"},
      {{.prompt = "a"}, {.path = "/\xC3\xA9", .body_json = form}, "no path below base_url"},
      {{.prompt = "a"}, {.path = "/a/../b", .body_json = form}, "no path below base_url"},
      {{.prompt = "..", .params_json = R"({"d":"."})"},
       {.path = "/{{prompt}}/{{d}}/b", .body_json = form},
       "no path below base_url"},
      {{.prompt = "a", .params_json = R"({"d":"."})"},
       {.path = "/{{d}}{{d}}", .body_json = form},
       "no path below base_url"},
      {{.prompt = "a\nb"}, {.headers = {{"X-P", "{{prompt}}"}}}, "X-P would hold a line end"},
      {{.prompt = "a"}, {.headers = {{"X-P", "{{y}}"}}}, "headers: X-P: missing variable 'y'"},
      {{.prompt = "a"}, {.headers = {{"authorization", "x"}}}, "header of the key"},
      {{.prompt = "a"}, {.body_json = R"({"p":"see {{y}}"})"}, "body: missing variable 'y'"},
      {{.prompt = "a"}, {.body_json = R"({"p":"{{y"})"}, "body: line 1"},
      {{.prompt = "a"}, {.body_json = "{"}, "body: it is no JSON"},
      {{.prompt = "a"}, {.body_json = R"("{{y}}")"}, "no value for it"},
      {{.prompt = "a"}, {}, "names no {{prompt}}"},
      {{.system = "s", .prompt = "a"}, {.body_json = form}, "names no {{system}}"},
      {{.messages_json = user}, {.body_json = form}, "names no {{messages}}"},
      {{.messages_json = "[]"}, {.body_json = form}, "JSON array with an element"},
      {{.prompt = "a", .files = {file}}, {.body_json = form}, "names no {{file}}"},
      {{.prompt = "a", .files = {file, file}}, {.body_json = form}, "one file of a job"},
      {{.prompt = "a", .params_json = R"({"top_k":1})"},
       {.body_json = form},
       "names no {{top_k}}, so that params.top_k would be lost"},
      {{.prompt = "a", .params_json = R"({"stream":true})"}, {.body_json = form}, "stream"},
      {{.prompt = "a", .params_json = "7"}, {.body_json = form}, "JSON object"},
      {{.body_json = "7"}, {}, "JSON object"},
      {{.body_json = "{}", .path = "/v1/chat/completions"}, {}, "means nothing to the api http"},
  };
  for (const Row& row : table) {
    CAPTURE(row.words);
    const std::string message = error_of(row.content, row.api);
    CAPTURE(message);
    CHECK(message.find(row.words) != std::string::npos);
  }
}

}  // namespace
}  // namespace ratebatch::http_api_request_test
