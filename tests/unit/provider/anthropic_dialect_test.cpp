// Anthropic's API: what it is asked, and what it answers.
#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"
#include "support/facts_support.hpp"

namespace ratebatch::anthropic_dialect_test {

using namespace provider;
using namespace facts_support;

namespace {

using nlohmann::json;
using Kind = OutcomeClass;

const Dialect& anthropic() { return *find_dialect("anthropic"); }

Endpoint endpoint() {
  return {.base_url = "https://api.anthropic.com/v1",
          .model_id = "claude-sonnet-4-5",
          .kind = ModelKind::chat,
          .timeout = std::chrono::seconds{90}};
}

HttpRequest request_of(const JobContent& content) {
  Result<HttpRequest> request = anthropic().request(content, endpoint());
  if (!request) FAIL(request.error().message);
  return std::move(*request);
}

json body_of(const JobContent& content) { return json::parse(request_of(content).body); }

std::string error_of(const JobContent& content, const Endpoint& where = endpoint()) {
  const Result<HttpRequest> request = anthropic().request(content, where);
  return request ? "none" : request.error().message;
}

std::string header_of(const HttpRequest& request, const std::string& name) {
  for (const Header& header : request.headers) {
    if (header.name == name) return header.value;
  }
  return "(none)";
}

Outcome read(const std::string& body, bool raw_body = false) {
  return anthropic().read({.status = 200, .headers = {{"request-id", "req_1"}}, .body = body},
                          endpoint(), {.kind = ModelKind::chat, .raw_body = raw_body});
}

// A message with these blocks, as JSON.
std::string message(const std::string& blocks, const std::string& reason) {
  return R"({"id":"msg_1","type":"message","role":"assistant","content":)" + blocks +
         R"(,"stop_reason":")" + reason +
         R"(","usage":{"input_tokens":10,"cache_creation_input_tokens":5,)"
         R"("cache_read_input_tokens":1000,"output_tokens":7}})";
}

TEST_CASE("anthropic: a prompt becomes a message, and max_tokens is always there") {
  const HttpRequest request = request_of({.id = "bio-1", .system = "You write.", .prompt = "Hi"});
  CHECK(request.url == "https://api.anthropic.com/v1/messages");
  CHECK(request.method == "POST");
  CHECK(header_of(request, "anthropic-version") == "2023-06-01");
  CHECK(header_of(request, "content-type") == "application/json");
  CHECK(header_of(request, "x-client-request-id") == "bio-1");
  CHECK(request.total_timeout == std::chrono::seconds{90});
  CHECK_FALSE(request.key_header);
  CHECK(json::parse(request.body) == json::parse(R"({
    "model": "claude-sonnet-4-5", "max_tokens": 4096,
    "system": [{"type":"text","text":"You write."}],
    "messages": [{"role":"user","content":[{"type":"text","text":"Hi"}]}]})"));
  const KeyHeader key = anthropic().key_header(endpoint());
  CHECK(key.name == "x-api-key");
  CHECK(key.prefix.empty());
}

TEST_CASE("anthropic: parameters go by the API's names, and others as they are") {
  const json body = body_of(
      {.prompt = "Hi",
       .params_json =
           R"({"max_tokens":300,"temperature":0.5,"top_p":0.9,"top_k":4,"stop":"END","seed":7,)"
           R"("n":1,"format":"json","stream":false,"thinking":{"type":"enabled"}})"});
  CHECK(body["max_tokens"] == 300);
  CHECK(body["temperature"] == 0.5);
  CHECK(body["top_p"] == 0.9);
  CHECK(body["top_k"] == 4);
  CHECK(body["stop_sequences"] == json::array({"END"}));
  CHECK(body["thinking"]["type"] == "enabled");
  for (const char* name : {"stop", "seed", "n", "format", "stream"}) {
    CAPTURE(name);
    CHECK_FALSE(body.contains(name));
  }
  CHECK(body_of({.prompt = "Hi", .params_json = R"({"stop":["a","b"]})"})["stop_sequences"] ==
        json::array({"a", "b"}));
}

TEST_CASE("anthropic: system messages are lifted, and all others keep their order") {
  const json body = body_of({.system = "not taken", .messages_json = R"([
    {"role":"system","content":"Be brief."},
    {"role":"user","content":"Hi"},
    {"role":"developer","content":[{"type":"text","text":"In French.",
                                    "cache_control":{"type":"ephemeral"}}]},
    {"role":"assistant","content":"Oui?"},
    {"role":"user","content":[{"type":"text","text":"Why?"},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBOR"}},
      {"type":"image_url","image_url":{"url":"https://example.com/a.png"}},
      {"type":"document","source":{"type":"text","media_type":"text/plain","data":"x"}}]}])"});
  CHECK(body["system"] == json::parse(R"([{"type":"text","text":"Be brief."},
    {"type":"text","text":"In French.","cache_control":{"type":"ephemeral"}}])"));
  CHECK(body["messages"] == json::parse(R"([
    {"role":"user","content":[{"type":"text","text":"Hi"}]},
    {"role":"assistant","content":[{"type":"text","text":"Oui?"}]},
    {"role":"user","content":[{"type":"text","text":"Why?"},
      {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBOR"}},
      {"type":"image","source":{"type":"url","url":"https://example.com/a.png"}},
      {"type":"document","source":{"type":"text","media_type":"text/plain","data":"x"}}]}])"));
  // The type's system text is meant for messages that bring none.
  CHECK(body_of({.system = "taken",
                 .messages_json = R"([{"role":"user","content":"a"}])"})["system"][0]["text"] ==
        "taken");
}

TEST_CASE("anthropic: files stand before the text of the last turn of the user") {
  const json body = body_of({.messages_json = R"([{"role":"user","content":"first"},
                                                  {"role":"user","content":"What is this?"},
                                                  {"role":"assistant","content":"It is"}])",
                             .files = {{.path = "a/b.JPG", .bytes = "abc"},
                                       {.path = "c.pdf", .bytes = "de"},
                                       {.path = "d.txt", .bytes = "\"text\""}}});
  CHECK(body["messages"][0]["content"].size() == 1);
  CHECK(body["messages"][1]["content"] == json::parse(R"([
    {"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"YWJj"}},
    {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"ZGU="}},
    {"type":"document","source":{"type":"text","media_type":"text/plain","data":"\"text\""}},
    {"type":"text","text":"What is this?"}])"));
  // Without a prompt the file is all that is asked.
  CHECK(body_of({.files = {{.path = "a.png", .bytes = "x"}}})["messages"][0]["content"].size() ==
        1);
}

TEST_CASE("anthropic: a body is sent byte for byte") {
  const std::string body = R"({ "model":"x",  "max_tokens":5, "messages":[] })";
  CHECK(request_of({.body_json = body}).body == body);
}

TEST_CASE("anthropic: what cannot be asked is refused with words, unsent") {
  struct Row {
    JobContent content;
    std::string words;
  };
  const std::string user = R"([{"role":"user","content":"a"}])";
  const std::vector<Row> table = {
      {{}, "asks for nothing"},
      {{.messages_json = "[]"}, "role user"},
      {{.messages_json = "{}"}, "JSON array"},
      {{.messages_json = "["}, "JSON array"},
      {{.messages_json = R"([{"role":"system","content":"a"}])"}, "role user"},
      {{.messages_json = R"([{"role":"tool","content":"a"}])"}, "message 1: role 'tool'"},
      {{.messages_json = R"(["a"])"}, "message 1: role ''"},
      {{.messages_json = R"([{"role":"user","content":"a"},{"role":"user"}])"},
       "message 2: content"},
      {{.messages_json = R"([{"role":"user","content":[]}])"}, "message 1: content"},
      {{.messages_json = R"([{"role":"user","content":["a"]}])"}, "message 1: content"},
      {{.messages_json =
            R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x"}}]}])"},
       "picture or sound"},
      {{.messages_json = R"([{"role":"user","content":[{"type":"input_audio"}]}])"},
       "picture or sound"},
      {{.messages_json = R"([{"role":"assistant","content":"a"}])",
        .files = {{.path = "a.png", .bytes = "x"}}},
       "files need a message of role user"},
      {{.prompt = "a", .files = {{.path = "a.mp3", .bytes = "x"}}}, "file 'a.mp3'"},
      {{.prompt = "a", .params_json = "[]"}, "JSON object"},
      {{.prompt = "a", .params_json = R"({"n":2})"}, "several answers"},
      {{.prompt = "a", .params_json = R"({"format":"xml"})"}, "format"},
      {{.prompt = "a", .params_json = R"({"format":1})"}, "params.format must be a text"},
      {{.prompt = "a", .params_json = R"({"stream":true})"}, "stream"},
      {{.prompt = "a", .params_json = R"({"system":"x"})"}, "system"},
      {{.prompt = "a", .params_json = R"({"messages":[]})"}, "messages"},
      {{.body_json = "[]"}, "JSON object"},
      {{.body_json = R"({"stream":true})"}, "stream"},
      {{.body_json = "{}", .path = "/v1/chat/completions"}, "means nothing to the api anthropic"},
  };
  for (const Row& row : table) {
    CAPTURE(row.words);
    const std::string message = error_of(row.content);
    CAPTURE(message);
    CHECK(message.find(row.words) != std::string::npos);
  }
  for (const ModelKind kind : {ModelKind::image, ModelKind::speech, ModelKind::embedding,
                               ModelKind::responses, ModelKind::transcription}) {
    Endpoint other = endpoint();
    other.kind = kind;
    CHECK(error_of({.prompt = "a"}, other).find(to_string(kind)) != std::string::npos);
  }
}

TEST_CASE("anthropic: an answer has its text, finish reason, id, and the usage that counts") {
  const Outcome outcome = read(message(
      R"([{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hel"},
          {"type":"tool_use","name":"x"},{"type":"text","text":"lo"}])",
      "end_turn"));
  REQUIRE(outcome.answer);
  CHECK(outcome.kind == Kind::done);
  CHECK(outcome.answer->text == "Hello");
  CHECK(outcome.answer->finish_reason == "end_turn");
  CHECK_FALSE(outcome.answer->truncated);
  CHECK(outcome.answer->body_json.empty());
  CHECK(outcome.request_id == "req_1");
  CHECK(outcome.usage == Usage{.input_tokens = 15, .output_tokens = 7});
}

TEST_CASE("anthropic: the stop reason says what an answer without text is, and what is cut") {
  struct Row {
    std::string blocks, reason;
    Kind kind;
    std::string words;  // Of the answer, or part of the message.
    bool truncated = false;
    bool unreadable = false;
  };
  const std::string text = R"([{"type":"text","text":"Once"}])";
  const std::string tool = R"([{"type":"tool_use","name":"x","input":{}}])";
  const std::vector<Row> table = {
      {text, "stop_sequence", Kind::done, "Once"},
      {text, "tool_use", Kind::done, "Once"},
      {text, "max_tokens", Kind::done, "Once", true},
      {text, "model_context_window_exceeded", Kind::done, "Once", true},
      {text, "pause_turn", Kind::done, "Once", true},
      {text, "something_new", Kind::done, "Once"},
      {text, "refusal", Kind::content_policy, "refused to answer, after: Once"},
      {"[]", "refusal", Kind::content_policy, "refused"},
      {"[]", "max_tokens", Kind::invalid_request, "max_tokens"},
      {"[]", "model_context_window_exceeded", Kind::invalid_request, "first word"},
      {tool, "tool_use", Kind::invalid_request, "tool call"},
      {"[]", "end_turn", Kind::bad_reply, "empty"},
      {R"([{"type":"text","text":" \n"}])", "end_turn", Kind::bad_reply, "empty"},
      {R"(["a",7,null,{"type":"text","text":7}])", "end_turn", Kind::bad_reply, "empty"},
      {"null", "end_turn", Kind::bad_reply, "no content", false, true},
      {R"("text")", "end_turn", Kind::bad_reply, "no content", false, true},
  };
  for (const Row& row : table) {
    CAPTURE(row.blocks);
    CAPTURE(row.reason);
    const Outcome outcome = read(message(row.blocks, row.reason));
    CHECK(to_string(outcome.kind) == to_string(row.kind));
    CHECK(outcome.unreadable == row.unreadable);
    CHECK(outcome.answer.has_value() == (row.kind == Kind::done));
    const std::string words = outcome.answer ? outcome.answer->text : outcome.message;
    CHECK(words.find(row.words) != std::string::npos);
    if (outcome.answer) CHECK(outcome.answer->truncated == row.truncated);
    CHECK(outcome.usage.output_tokens == 7);
  }
}

TEST_CASE("anthropic: a raw body keeps the reply, and with it a tool call") {
  const std::string body = message(R"([{"type":"tool_use","name":"x"}])", "tool_use");
  const Outcome outcome = read(body, true);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->text.empty());
  CHECK(json::parse(outcome.answer->body_json) == json::parse(body));
  CHECK(read(message("[]", "end_turn"), true).kind == Kind::bad_reply);
}

TEST_CASE("anthropic: a 2xx that is not of the API's form is unreadable, an error in it is none") {
  for (const std::string& body : std::vector<std::string>{
           "", "null", "[]", "7", "{", "<html></html>", "{}", R"({"choices":[]})"}) {
    CAPTURE(body);
    const Outcome outcome = read(body);
    CHECK(outcome.kind == Kind::bad_reply);
    CHECK(outcome.unreadable);
    CHECK_FALSE(outcome.message.empty());
  }
  const Outcome outcome =
      read(R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})");
  CHECK(outcome.kind == Kind::overloaded);
  CHECK(outcome.message == "Overloaded");
  CHECK_FALSE(outcome.unreadable);
}

TEST_CASE("anthropic: the limit headers of a success become facts") {
  const Outcome outcome = anthropic().read(
      {.status = 200,
       .headers = {{"date", "Sat, 01 Aug 2026 11:59:00 GMT"},
                   {"anthropic-ratelimit-input-tokens-limit", "30000"},
                   {"anthropic-ratelimit-input-tokens-remaining", "29000"},
                   {"anthropic-ratelimit-input-tokens-reset", "2026-08-01T11:59:02Z"}},
       .body = message(R"([{"type":"text","text":"a"}])", "end_turn")},
      endpoint(), {});
  CHECK(shown(outcome.facts.limits) == "input_tokens 30000 left 29000 full 2s per 60s refills");
}

}  // namespace
}  // namespace ratebatch::anthropic_dialect_test
