// How jobs become requests of OpenAI's API.
#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::openai_request_test {

using namespace provider;

namespace {

using nlohmann::json;

const Dialect& openai() { return *find_dialect("openai"); }

Endpoint chat_endpoint() {
  return {.base_url = "https://api.openai.com/v1",
          .model_id = "gpt-4o-mini-2024-07-18",
          .kind = ModelKind::chat,
          .timeout = std::chrono::seconds{90}};
}

Endpoint image_endpoint(const std::string& model) {
  Endpoint endpoint = chat_endpoint();
  endpoint.kind = ModelKind::image;
  endpoint.model_id = model;
  return endpoint;
}

HttpRequest request_of(const JobContent& content, const Endpoint& endpoint) {
  Result<HttpRequest> request = openai().request(content, endpoint);
  if (!request) FAIL(request.error().message);
  return std::move(*request);
}

std::string header_of(const HttpRequest& request, const std::string& name) {
  for (const Header& header : request.headers) {
    if (header.name == name) return header.value;
  }
  return "(none)";
}

TEST_CASE("a prompt becomes a chat request with the parameters at its top") {
  const JobContent content{.id = "bio-1",
                           .system = "You write.",
                           .prompt = "Write about \"Nina\".\n",
                           .params_json = R"({"max_tokens":300,"temperature":0.7,"x_new":[1]})"};
  const HttpRequest request = request_of(content, chat_endpoint());
  CHECK(request.method == "POST");
  CHECK(request.url == "https://api.openai.com/v1/chat/completions");
  CHECK(json::parse(request.body) == json::parse(R"({
    "model": "gpt-4o-mini-2024-07-18",
    "messages": [{"role":"system","content":"You write."},
                 {"role":"user","content":"Write about \"Nina\".\n"}],
    "max_tokens": 300, "temperature": 0.7, "x_new": [1]})"));
  CHECK(header_of(request, "content-type") == "application/json");
  CHECK(header_of(request, "accept") == "application/json");
  CHECK(header_of(request, "x-client-request-id") == "bio-1");
  CHECK_FALSE(request.key_header);
}

TEST_CASE("what a job gives as JSON goes as it stands") {
  const JobContent content{.messages_json = " [ {\"role\":\"user\", \"x\":1.50} ]\t",
                           .params_json = " { \"max_tokens\" : 3 }\n"};
  CHECK(request_of(content, chat_endpoint()).body ==
        R"({"model":"gpt-4o-mini-2024-07-18","messages":[ {"role":"user", "x":1.50} ],)"
        R"("max_tokens" : 3})");
  CHECK(request_of({.prompt = "\x01\xFF", .params_json = "{ }"}, chat_endpoint()).body ==
        R"({"model":"gpt-4o-mini-2024-07-18","messages":[{"role":"user","content":"\u0001)"
        "\xEF\xBF\xBD\"}]}");
}

TEST_CASE("without a system text there is no system message") {
  const HttpRequest request = request_of({.prompt = "Hi"}, chat_endpoint());
  CHECK(json::parse(request.body)["messages"] ==
        json::parse(R"([{"role":"user","content":"Hi"}])"));
}

TEST_CASE("messages go as the job gave them") {
  const std::string messages = R"([{"role":"developer","content":[{"type":"text","text":"a"}]}])";
  const JobContent content{.prompt = "ignored", .messages_json = messages};
  const json body = json::parse(request_of(content, chat_endpoint()).body);
  CHECK(body["messages"] == json::parse(messages));
}

TEST_CASE("the type's system text comes before the messages of a job") {
  const JobContent content{.system = "Be brief.",
                           .messages_json = R"( [ {"role":"user","content":"Hi"} ] )"};
  const json body = json::parse(request_of(content, chat_endpoint()).body);
  CHECK(body["messages"] ==
        json::parse(R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}])"));
}

TEST_CASE("the timeouts follow the endpoint: silence is no stall while an answer is written") {
  Endpoint endpoint = chat_endpoint();
  endpoint.allow_http = true;
  endpoint.ca_file = "/etc/ca.pem";
  HttpRequest request = request_of({.prompt = "Hi"}, endpoint);
  CHECK(request.total_timeout == std::chrono::seconds{90});
  CHECK(request.stall_timeout == std::chrono::seconds{90});
  CHECK(request.allow_http);
  CHECK(request.ca_file == "/etc/ca.pem");
  endpoint.timeout = std::chrono::milliseconds{10};
  request = request_of({.prompt = "Hi"}, endpoint);
  CHECK(request.total_timeout == std::chrono::milliseconds{10});
  CHECK(request.stall_timeout == std::chrono::seconds{1});
}

TEST_CASE("an image request asks dall-e for the image itself, and gpt-image for nothing more") {
  const JobContent content{.prompt = "an album cover",
                           .params_json = R"({"size":"1024x1024","n":2,"quality":"high"})"};
  HttpRequest request = request_of(content, image_endpoint("gpt-image-1"));
  CHECK(request.url == "https://api.openai.com/v1/images/generations");
  CHECK(json::parse(request.body) == json::parse(R"({"model":"gpt-image-1",
    "prompt":"an album cover","size":"1024x1024","n":2,"quality":"high"})"));
  for (const std::string model : {"dall-e-2", "dall-e-3"}) {
    request = request_of(content, image_endpoint(model));
    CHECK(json::parse(request.body)["response_format"] == "b64_json");
  }
}

TEST_CASE("a body is sent byte for byte") {
  const std::string body = "{ \"model\":\"gpt-4\",  \"messages\":[] , \"n\":2}";
  const JobContent content{.id = "request-1", .body_json = body, .path = "/v1/chat/completions"};
  const HttpRequest request = request_of(content, chat_endpoint());
  CHECK(request.body == body);
  CHECK(request.url == "https://api.openai.com/v1/chat/completions");
}

TEST_CASE("base_url and path are joined with one v1") {
  struct Row {
    std::string base_url, path, url;
  };
  for (const Row& row : std::vector<Row>{
           {"https://h/v1", "/v1/chat/completions", "https://h/v1/chat/completions"},
           {"https://h/v1", "/chat/completions", "https://h/v1/chat/completions"},
           {"https://h", "/v1/embeddings", "https://h/v1/embeddings"},
           {"https://h/openai/v1", "/v1/responses", "https://h/openai/v1/responses"},
           {"https://h/v1", "/v10/x", "https://h/v1/v10/x"},
           {"https://h/v1", "", "https://h/v1/chat/completions"},
           {"http://127.0.0.1:8080/v1", "/v1/x?a=b", "http://127.0.0.1:8080/v1/x?a=b"},
       }) {
    CAPTURE(row.path);
    Endpoint endpoint = chat_endpoint();
    endpoint.base_url = row.base_url;
    CHECK(request_of({.body_json = "{}", .path = row.path}, endpoint).url == row.url);
  }
}

TEST_CASE("the job's id becomes a header only where the header may hold it") {
  struct Row {
    std::string id;
    bool is_sent;
  };
  for (const Row& row : std::vector<Row>{{"a", true},
                                         {"with space ~", true},
                                         {std::string(512, 'a'), true},
                                         {std::string(513, 'a'), false},
                                         {"", false},
                                         {"Zo\xC3\xAB", false},
                                         {"a\nb", false},
                                         {"a\x7F", false}}) {
    CAPTURE(row.id);
    const HttpRequest request = request_of({.id = row.id, .prompt = "Hi"}, chat_endpoint());
    CHECK(header_of(request, "x-client-request-id") == (row.is_sent ? row.id : "(none)"));
  }
}

TEST_CASE("a job that cannot be expressed is refused with the reason") {
  struct Row {
    std::string reason;
    JobContent content;
    Endpoint endpoint;
  };
  const Endpoint chat = chat_endpoint();
  const Endpoint dalle = image_endpoint("dall-e-3");
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  for (const Row& row : std::vector<Row>{
           {"asks for nothing", {}, chat},
           {"asks for nothing", {.system = "only this"}, chat},
           {"messages must be", {.messages_json = "[]"}, chat},
           {"messages must be", {.messages_json = "{}"}, chat},
           {"messages must be", {.messages_json = deep}, chat},
           {"messages must be", {.messages_json = "[\"\xFF\"]"}, chat},
           {"params must be a JSON object", {.prompt = "x", .params_json = "[]"}, chat},
           {"params must be a JSON object", {.prompt = "x", .params_json = "{"}, chat},
           {"must not name model", {.prompt = "x", .params_json = R"({"model":"m"})"}, chat},
           {"must not name messages", {.prompt = "x", .params_json = R"({"messages":1})"}, chat},
           {"must not name prompt", {.prompt = "x", .params_json = R"({"prompt":"y"})"}, dalle},
           {"stream", {.prompt = "x", .params_json = R"({"stream":true})"}, chat},
           {"stream", {.body_json = R"({"stream":true})"}, chat},
           {"background",
            {.kind = ModelKind::responses,
             .body_json = R"({"background":true})",
             .path = "/v1/responses"},
            chat},
           {"several answers", {.prompt = "x", .params_json = R"({"n":2})"}, chat},
           {"an image needs a prompt", {.messages_json = "[1]"}, dalle},
           {"must be png", {.prompt = "x", .params_json = R"({"format":"webp"})"}, dalle},
           {"body must be", {.body_json = "[]"}, chat},
           {"body must be", {.body_json = "{"}, chat},
           {"must be a path", {.body_json = "{}", .path = "https://evil.example/v1"}, chat},
           {"must be a path", {.body_json = "{}", .path = "@evil.example/v1"}, chat},
           {"must be a path", {.body_json = "{}", .path = ".evil.example/v1"}, chat},
           {"must be a path", {.body_json = "{}", .path = "/v1/../../x"}, chat},
           {"must be a path", {.body_json = "{}", .path = "/v1 HTTP/1.1\r\nX: y"}, chat},
           {"must be a path", {.body_json = "{}", .path = "/v1#x"}, chat},
       }) {
    CAPTURE(row.reason);
    const Result<HttpRequest> request = openai().request(row.content, row.endpoint);
    REQUIRE_FALSE(request);
    CHECK(request.error().code == ErrorCode::invalid_input);
    CAPTURE(request.error().message);
    CHECK(request.error().message.find(row.reason) != std::string::npos);
  }
}

TEST_CASE("what is allowed by a hair is allowed") {
  const std::string deep = std::string(64, '[') + "1" + std::string(64, ']');
  for (const JobContent& content :
       std::vector<JobContent>{{.prompt = "x", .params_json = R"({"stream":false,"n":1})"},
                               {.prompt = "x", .params_json = R"({"stream":null,"n":null})"},
                               {.prompt = "x", .params_json = R"({"n":1.0})"},
                               {.messages_json = deep},
                               {.body_json = R"({"stream":false})"}}) {
    CHECK(openai().request(content, chat_endpoint()));
  }
}

TEST_CASE("the key goes as a bearer token") {
  const KeyHeader header = openai().key_header({});
  CHECK(header.name == "Authorization");
  CHECK(header.prefix == "Bearer ");
  CHECK(header.key.empty());
}

TEST_CASE("dialects are found by name") {
  CHECK(find_dialect("openai") != nullptr);
  CHECK(find_dialect("OpenAI") == nullptr);
  CHECK(find_dialect("") == nullptr);
  for (const std::string_view name : dialect_names()) CHECK(find_dialect(name) != nullptr);
}

}  // namespace
}  // namespace ratebatch::openai_request_test
