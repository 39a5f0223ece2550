// What Together.ai does otherwise than OpenAI.
#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::together_test {

using namespace provider;

namespace {

using nlohmann::json;

const Dialect& together() { return *find_dialect("together"); }

Endpoint endpoint_of(ModelKind kind, const std::string& model) {
  return {.base_url = "https://api.together.ai/v1",
          .model_id = model,
          .kind = kind,
          .timeout = std::chrono::seconds{90}};
}

TEST_CASE("chats go as at OpenAI") {
  const auto request =
      together().request({.prompt = "Hi", .params_json = R"({"max_tokens":5})"},
                         endpoint_of(ModelKind::chat, "meta-llama/Llama-3.3-70B-Instruct-Turbo"));
  REQUIRE(request);
  CHECK(request->url == "https://api.together.ai/v1/chat/completions");
  CHECK(request->body == R"({"model":"meta-llama/Llama-3.3-70B-Instruct-Turbo","messages":)"
                         R"([{"role":"user","content":"Hi"}],"max_tokens":5})");
  CHECK(together().key_header({}).prefix == "Bearer ");
}

TEST_CASE("images have sides, and are asked for as base64") {
  struct Row {
    std::string params, added;
  };
  for (const Row& row : std::vector<Row>{
           {R"({"size":"1024x768","steps":4,"n":2,"seed":7})",
            R"({"width":1024,"height":768,"steps":4,"n":2,"seed":7})"},
           {R"({"width":512,"height":256,"format":"jpg"})",
            R"({"width":512,"height":256,"output_format":"jpeg"})"},
           {R"({"format":"png","output_format":"jpeg"})", R"({"output_format":"jpeg"})"},
           {R"({"response_format":"url"})", R"({"response_format":"url"})"}}) {
    CAPTURE(row.params);
    const auto request =
        together().request({.prompt = "a cover", .params_json = row.params},
                           endpoint_of(ModelKind::image, "black-forest-labs/FLUX.1-schnell"));
    REQUIRE(request);
    json expected = json::parse(R"({"model":"black-forest-labs/FLUX.1-schnell","prompt":"a cover",
      "response_format":"base64"})");
    expected.update(json::parse(row.added));
    CHECK(json::parse(request->body) == expected);
    CHECK(request->url == "https://api.together.ai/v1/images/generations");
    CHECK(request->reply_files.members == std::vector<std::string>{"b64_json"});
  }
}

TEST_CASE("what cannot be asked is refused with the reason") {
  struct Row {
    ModelKind kind;
    std::string reason;
    JobContent content;
  };
  for (const Row& row : std::vector<Row>{
           {ModelKind::image, "needs a prompt", {.messages_json = "[1]"}},
           {ModelKind::image, "takes no files", {.prompt = "x", .files = {{"a.png", ""}}}},
           {ModelKind::image, "params.size", {.prompt = "x", .params_json = R"({"size":"2K"})"}},
           {ModelKind::image, "params.format", {.prompt = "x", .params_json = R"({"format":1})"}},
           {ModelKind::image,
            "must not name prompt",
            {.prompt = "x", .params_json = R"({"prompt":"y"})"}},
           {ModelKind::image, "params must be", {.prompt = "x", .params_json = "["}},
           {ModelKind::speech, "needs a voice", {.prompt = "x"}}}) {
    CAPTURE(row.reason);
    const auto request = together().request(row.content, endpoint_of(row.kind, "m"));
    REQUIRE_FALSE(request);
    CHECK(request.error().message.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("images are read under either of their names") {
  const auto read = [](const std::string& body) {
    return together().read({.status = 200, .body = body}, {}, {.kind = ModelKind::image});
  };
  Outcome outcome = read(R"({"id":"o","model":"m","object":"list",
    "data":[{"index":0,"type":"b64_json","b64_json":"/9j/4A=="}]})");
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->assets.size() == 1);
  CHECK(outcome.answer->assets[0].extension == "jpg");
  outcome = read(R"({"id":"o","model":"m","object":"list",
    "data":[{"index":0,"type":"url","url":"https://api.together.ai/imgproxy/x"}]})");
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->links == std::vector<std::string>{"https://api.together.ai/imgproxy/x"});
  CHECK(outcome.usage.images == 1);
}

}  // namespace
}  // namespace ratebatch::together_test
