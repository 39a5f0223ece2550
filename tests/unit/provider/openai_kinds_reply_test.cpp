// What the 2xx replies of OpenAI's API mean that are no chats.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::openai_kinds_reply_test {

using namespace provider;

namespace {

using Kind = OutcomeClass;

Outcome read(ModelKind kind, const HttpReply& reply, bool raw_body = false) {
  return find_dialect("openai")->read(reply, {}, {.kind = kind, .raw_body = raw_body});
}

Outcome read(ModelKind kind, const std::string& body, bool raw_body = false) {
  return read(kind, HttpReply{.status = 200, .body = body}, raw_body);
}

HttpReply typed(const std::string& type, const std::string& body) {
  return {.status = 200, .headers = {{"content-type", type}}, .body = body};
}

Answer answer_of(const Outcome& outcome) {
  if (!outcome.answer) FAIL(outcome.message);
  return outcome.answer.value_or(Answer{});
}

// A faulty reply of a kind, and what it comes to.
struct FaultRow {
  ModelKind kind;
  HttpReply reply;
  Kind outcome;
  bool unreadable;
  std::string message;
};

void check_faults(const std::vector<FaultRow>& rows) {
  for (const FaultRow& row : rows) {
    CAPTURE(row.reply.body);
    const Outcome outcome = read(row.kind, row.reply);
    CHECK(to_string(outcome.kind) == to_string(row.outcome));
    CHECK(outcome.unreadable == row.unreadable);
    CAPTURE(outcome.message);
    CHECK(outcome.message.find(row.message) != std::string::npos);
    CHECK_FALSE(outcome.answer);
    CHECK(outcome.http_status == 200);
  }
}

FaultRow fault(ModelKind kind, const std::string& body, Kind outcome, const std::string& message) {
  return {kind, {.status = 200, .body = body}, outcome, false, message};
}

FaultRow not_its_form(ModelKind kind, const std::string& body, const std::string& message) {
  return {kind, {.status = 200, .body = body}, Kind::bad_reply, true, message};
}

std::string response(const std::string& output, const std::string& rest) {
  return R"({"object":"response","error":null,"output":[)" + output + "]," + rest +
         R"(,"usage":{"input_tokens":36,"output_tokens":87}})";
}

const std::string completed = R"("status":"completed","incomplete_details":null)";

std::string incomplete(const std::string& reason) {
  return R"("status":"incomplete","incomplete_details":{"reason":")" + reason + R"("})";
}

TEST_CASE("a response is the text of its messages") {
  const std::string thought =
      R"({"type":"reasoning","content":[{"type":"output_text","text":"?"}]})";
  const std::string message = R"({"type":"message","content":[)"
                              R"({"type":"output_text","text":"Hel"},{"type":"x","text":"-"}]})";
  const std::string more = R"({"type":"message","content":[{"type":"output_text","text":"lo"}]})";
  const std::string body = response(thought + "," + message + "," + more, completed);
  const Outcome outcome = read(ModelKind::responses, body);
  CHECK(answer_of(outcome).text == "Hello");
  CHECK(answer_of(outcome).finish_reason == "completed");
  CHECK_FALSE(answer_of(outcome).truncated);
  CHECK(answer_of(outcome).body_json.empty());
  CHECK(outcome.usage == Usage{.input_tokens = 36, .output_tokens = 87});
  const Outcome raw = read(ModelKind::responses, body, true);
  CHECK(answer_of(raw).text == "Hello");
  CHECK(answer_of(raw).body_json == body);

  const Outcome cut = read(ModelKind::responses, response(more, incomplete("max_output_tokens")));
  CHECK(answer_of(cut).text == "lo");
  CHECK(answer_of(cut).truncated);
  CHECK(answer_of(cut).finish_reason == "max_output_tokens");
  const Outcome filtered = read(ModelKind::responses, response(more, incomplete("content_filter")));
  CHECK(answer_of(filtered).finish_reason == "content_filter");
  CHECK_FALSE(answer_of(filtered).truncated);
}

TEST_CASE("a response without text is what its reason says") {
  const ModelKind kind = ModelKind::responses;
  const std::string refusal =
      R"({"type":"message","content":[{"type":"refusal","refusal":"I cannot."}]})";
  const std::string call = R"({"type":"function_call","name":"f","arguments":"{}"})";
  check_faults({
      fault(kind, response("", incomplete("max_output_tokens")), Kind::invalid_request,
            "max_tokens"),
      fault(kind, response("", incomplete("content_filter")), Kind::content_policy, "filter"),
      fault(kind, response(refusal, completed), Kind::content_policy, "I cannot."),
      fault(kind, response(call, completed), Kind::invalid_request, "tool call"),
      fault(kind, response("", completed), Kind::bad_reply, "empty"),
      fault(kind, response("", R"("status":"queued")"), Kind::invalid_request, "background"),
      fault(kind, response("", R"("status":"in_progress")"), Kind::invalid_request, "background"),
      fault(kind, response("", R"("status":"cancelled")"), Kind::bad_reply, "cancelled"),
      fault(kind,
            R"({"status":"failed","error":{"code":"server_error","message":"Sorry."},"output":[]})",
            Kind::server_error, "Sorry."),
      fault(kind,
            R"({"status":"failed","error":{"code":"rate_limit_exceeded","message":"Rate limit )"
            R"(reached on tokens per min (TPM): Limit 5, Used 5, Requested 1."},"output":[]})",
            Kind::rate_limited, "Rate limit"),
      fault(kind, R"({"status":"failed","error":null,"output":[]})", Kind::bad_reply, "failed"),
      not_its_form(kind, R"({"status":"completed"})", "no output"),
      not_its_form(kind, R"({"choices":[]})", "no output"),
      not_its_form(kind, "<html>ok</html>", "not the JSON"),
  });
  CHECK(read(kind, response(call, completed), true).kind == Kind::done);
}

TEST_CASE("a raw body's response may hold anything but thoughts, unless it is refused") {
  const auto kind_of = [](const std::string& output, const std::string& rest) {
    return to_string(read(ModelKind::responses, response(output, rest), true).kind);
  };
  const std::string thought = R"({"type":"reasoning","summary":[]})";
  for (const std::string name :
       {"image_generation_call", "mcp_approval_request", "computer_call", "web_search_call"}) {
    CAPTURE(name);
    const std::string item = R"({"type":")" + name + R"("})";
    CHECK(kind_of(thought + "," + item, completed) == "done");
    CHECK(kind_of(item, incomplete("max_output_tokens")) == "done");
    CHECK(kind_of(item, incomplete("content_filter")) == "content_policy");
  }
  CHECK(kind_of(thought, completed) == "bad_reply");
  CHECK(kind_of(thought, incomplete("max_output_tokens")) == "invalid_request");
}

TEST_CASE("an embedding's result is its body") {
  const std::string body =
      R"({"data":[{"embedding":[0.25,-1]},{"embedding":"AACAPg=="}],"usage":{"prompt_tokens":8}})";
  for (const bool raw_body : {false, true}) {
    const Outcome outcome = read(ModelKind::embedding, "\n" + body, raw_body);
    CHECK(answer_of(outcome).body_json == body);
    CHECK(answer_of(outcome).text.empty());
    CHECK(outcome.usage.input_tokens == 8);
  }
  const ModelKind kind = ModelKind::embedding;
  check_faults({
      fault(kind, R"({"data":[]})", Kind::bad_reply, "no embeddings"),
      fault(kind, R"({"data":[{"embedding":[]}]})", Kind::bad_reply, "without an embedding"),
      fault(kind, R"({"data":[{"embedding":""}]})", Kind::bad_reply, "without an embedding"),
      fault(kind, R"({"data":[{"embedding":[1]},{}]})", Kind::bad_reply, "without an embedding"),
      not_its_form(kind, R"({"object":"list"})", "no embeddings"),
      not_its_form(kind, "[]", "no JSON object"),
  });
}

TEST_CASE("pictures come as base64, as files of the reply, or as links") {
  HttpReply reply{.status = 200,
                  .body = R"({"data":[{"b64_json":"file:0"},{"b64_json":"file:1"}]})",
                  .files = {{"/in/9-0", 5000, "\x89PNG\r\n\x1A\n"}, {"/in/9-1", 6000, "RIFF"}}};
  Outcome outcome = read(ModelKind::image, reply);
  REQUIRE(answer_of(outcome).assets.size() == 2);
  CHECK(answer_of(outcome).assets[0].path == "/in/9-0");
  CHECK(answer_of(outcome).assets[0].extension == "png");
  CHECK(answer_of(outcome).assets[1].extension == "bin");
  CHECK(outcome.usage.images == 2);

  outcome = read(ModelKind::image, R"({"data":[{"url":"https://h/a.png","b64_json":null},
    {"b64_json":"R0lGODlh"},{"url":"http://127.0.0.1:1/files/2"}]})");
  CHECK(answer_of(outcome).links ==
        std::vector<std::string>{"https://h/a.png", "http://127.0.0.1:1/files/2"});
  CHECK(answer_of(outcome).assets.size() == 1);
  CHECK(outcome.usage.images == 3);

  // The same file twice, one that is not there, and what the transport could not decode.
  for (const std::string name : {"file:0", "file:2", "file:bad"}) {
    reply.body = R"({"data":[{"b64_json":"file:0"},{"b64_json":")" + name + R"("}]})";
    CHECK(read(ModelKind::image, reply).kind == Kind::bad_reply);
  }
}

TEST_CASE("of several pictures those that came are kept") {
  const Outcome some = read(ModelKind::image, R"({"data":[{"b64_json":null},
    {"b64_json":"R0lGODlh"},{"url":"http://h/a.png"},{}]})");
  CHECK(answer_of(some).assets.size() == 1);
  CHECK(some.usage.images == 1);
  check_faults({
      fault(ModelKind::image, R"({"data":[{"b64_json":null},{}]})", Kind::bad_reply,
            "without an image"),
      fault(ModelKind::image, R"({"data":[{"b64_json":null},{"url":"http://h/a.png"}]})",
            Kind::invalid_request, "ask for base64"),
  });
}

TEST_CASE("pictures of a raw body stay in it, and those in files are named there") {
  const std::string body = R"({"data":[{"b64_json":"file:0"},{"b64_json":"R0lGODlh"}]})";
  const HttpReply reply{
      .status = 200, .body = body, .files = {{"/in/9-0", 5000, "\x89PNG\r\n\x1A\n"}}};
  Outcome outcome = read(ModelKind::image, reply, true);
  CHECK(answer_of(outcome).body_json == body);
  REQUIRE(answer_of(outcome).assets.size() == 1);
  CHECK(answer_of(outcome).assets[0].path == "/in/9-0");
  CHECK(outcome.usage.images == 2);
  outcome =
      read(ModelKind::image, R"({"data":[{"url":"https://h/a"},{"url":"http://h/b"}]})", true);
  CHECK(answer_of(outcome).links == std::vector<std::string>{"https://h/a"});
  CHECK(read(ModelKind::image, R"({"data":[{"b64_json":"file:0"}]})", true).kind ==
        Kind::bad_reply);
}

TEST_CASE("speech is the reply's body") {
  for (const std::string type : {"audio/mpeg", "application/octet-stream", ""}) {
    CAPTURE(type);
    const Outcome outcome = read(ModelKind::speech, typed(type, "ID3\x04..."));
    REQUIRE(answer_of(outcome).assets.size() == 1);
    CHECK(answer_of(outcome).assets[0].extension == "mp3");
    CHECK(answer_of(outcome).assets[0].bytes == "ID3\x04...");
    CHECK(answer_of(outcome).body_json.empty());
  }
  const HttpReply in_file{.status = 200,
                          .headers = {{"content-type", "audio/wav"}, {"character-cost", "12"}},
                          .files = {{"/in/3-0", 900, "RIFF....WAVEfmt "}}};
  const Outcome outcome = read(ModelKind::speech, in_file, true);
  REQUIRE(answer_of(outcome).assets.size() == 1);
  CHECK(answer_of(outcome).assets[0].path == "/in/3-0");
  CHECK(answer_of(outcome).assets[0].extension == "wav");
  CHECK(outcome.usage.characters == 12);
  // Sound may begin with any byte.
  CHECK(read(ModelKind::speech, typed("audio/pcm", "{\"\x01")).kind == Kind::done);
  const HttpReply pcm{.status = 200, .files = {{"/in/1-0", 900, "<\x01\x02"}}};
  CHECK(read(ModelKind::speech, pcm).kind == Kind::done);
  // Mu-law, quietly: as text it begins like JSON, but is none in any character set of the web.
  const std::string quiet = "{}\xFE\xFD~\xFF|\xFB{}\xFE\xFD~\xFF|\xFB{}\xFE\xFD~\xFF|\xFB";
  for (const char* type : {"audio/basic", "application/octet-stream", ""}) {
    CAPTURE(type);
    const HttpReply mu_law{
        .status = 200, .headers = {{"content-type", type}}, .files = {{"/in/1-0", 900, quiet}}};
    CHECK(read(ModelKind::speech, mu_law).kind == Kind::done);
  }
}

HttpReply in_file(const std::string& bytes) {
  return {.status = 200,
          .headers = {{"content-type", "application/octet-stream"}},
          .files = {{"/in/1-0", static_cast<std::int64_t>(bytes.size()), bytes.substr(0, 32)}}};
}

TEST_CASE("what comes instead of speech is no sound") {
  const ModelKind kind = ModelKind::speech;
  const std::string error =
      R"({"error":{"message":"The server had an error.","type":"server_error","code":null}})";
  check_faults({
      fault(kind, "", Kind::bad_reply, "no sound"),
      {kind, typed("audio/mpeg", ""), Kind::bad_reply, false, "no sound"},
      {kind, {.status = 200, .files = {{"/in/1-0", 0, ""}}}, Kind::bad_reply, false, "no sound"},
      {kind, typed("application/json", error), Kind::server_error, false, "had an error"},
      {kind, typed("", "[" + error + "]"), Kind::server_error, false, "had an error"},
      {kind, typed("application/octet-stream", error), Kind::server_error, false, "had an error"},
      {kind, in_file(error), Kind::bad_reply, true, R"({"error")"},
      {kind, in_file("[" + error), Kind::bad_reply, true, "text instead"},
      {kind, in_file("\n{\n \"error\": 1"), Kind::bad_reply, true, "text instead"},
      {kind, in_file("<html>"), Kind::bad_reply, true, "<html>"},
      // The head ends within a character.
      {kind, in_file("{\"error\":\"123456789012345678901\xC3\xBC"), Kind::bad_reply, true, "text"},
      {kind, typed("application/json", "{}"), Kind::bad_reply, true, "JSON instead of sound"},
      {kind, typed("application/json", "{"), Kind::bad_reply, true, "not the JSON"},
      {kind, typed("text/html", "<html>"), Kind::bad_reply, true, "text instead"},
      {kind, typed("", "\n<!DOCTYPE html>"), Kind::bad_reply, true, "text instead"},
      {kind, typed("text/event-stream", "data: x"), Kind::bad_reply, true, "text instead"},
  });
}

TEST_CASE("a transcription is the text of its JSON, or a plain text") {
  const ModelKind kind = ModelKind::transcription;
  Outcome outcome = read(kind, R"({"text":"Hello there.","usage":{"type":"tokens","input_tokens":14,
    "output_tokens":45}})");
  CHECK(answer_of(outcome).text == "Hello there.");
  CHECK(answer_of(outcome).body_json.empty());
  CHECK(outcome.usage == Usage{.input_tokens = 14, .output_tokens = 45});
  CHECK(answer_of(read(kind, R"({"text":"","usage":{"type":"duration","seconds":3}})")).text == "");

  const std::string timed = R"({"text":"Hi","segments":[{"start":0.5,"text":"Hi"}]})";
  outcome = read(kind, timed);
  CHECK(answer_of(outcome).text == "Hi");
  CHECK(answer_of(outcome).body_json == timed);

  const std::string subtitles = "1\n00:00:00,000 --> 00:00:01,000\nHi \xFF";
  CHECK(answer_of(read(kind, typed("text/plain; charset=utf-8", subtitles + "\n\n"))).text ==
        "1\n00:00:00,000 --> 00:00:01,000\nHi \xEF\xBF\xBD");
  CHECK(answer_of(read(kind, typed("text/vtt", "WEBVTT"))).text == "WEBVTT");
  CHECK(answer_of(read(kind, typed("text/plain", "42\n"))).text == "42");
  CHECK(answer_of(read(kind, typed("text/plain", "\n"))).text == "");

  check_faults({
      not_its_form(kind, "", "empty"),
      not_its_form(kind, "plain", "not the JSON"),
      not_its_form(kind, R"({"segments":[]})", "no text"),
      not_its_form(kind, R"({"text":7})", "no text"),
      {kind, typed("text/html", "<html>"), Kind::bad_reply, true, "not the JSON"},
      {kind, typed("text/plain", "<html>"), Kind::bad_reply, true, "not the JSON"},
      {kind, typed("application/json", "{\"text\":\"cut"), Kind::bad_reply, true, "not the JSON"},
      fault(kind, R"({"error":{"message":"x","code":"server_error"}})", Kind::server_error, "x"),
  });
}

TEST_CASE("the answer to a path we know nothing of is any object without an error") {
  const ModelKind kind = ModelKind::raw;
  for (const std::string body :
       {R"({"results":[{"flagged":false}]})", R"({"choices":[{"text":""}]})", R"({"score":0})"}) {
    CAPTURE(body);
    const Outcome outcome = read(kind, body, true);
    CHECK(answer_of(outcome).body_json == body);
    CHECK(answer_of(outcome).text.empty());
  }
  check_faults({
      not_its_form(kind, "{}", "no JSON object"),
      not_its_form(kind, "[1]", "no JSON object"),
      not_its_form(kind, "ok", "not the JSON"),
      fault(kind, R"({"error":"no"})", Kind::bad_reply, "no"),
  });
}

TEST_CASE("only a body that is not the provider's at all counts against the server") {
  const ModelKind kind = ModelKind::chat;
  check_faults({
      fault(kind, R"({"choices":[]})", Kind::bad_reply, "no choices"),
      fault(kind, R"({"choices":[{"message":{"content":""}}]})", Kind::bad_reply, "empty"),
      not_its_form(kind, R"({"id":"x"})", "no choices"),
      not_its_form(kind, R"({"choices":{}})", "no choices"),
      not_its_form(kind, R"({"choices":[{"message":{"content":"cut)", "not the JSON"),
      not_its_form(ModelKind::image, R"({"id":"x"})", "no images"),
  });
  CHECK(outcome_of({.fault = TransferFault::malformed}).unreadable);
  CHECK_FALSE(outcome_of({.fault = TransferFault::too_large}).unreadable);
}

}  // namespace
}  // namespace ratebatch::openai_kinds_reply_test
