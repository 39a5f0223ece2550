// What the replies of an API mean that the configuration describes.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"
#include "support/facts_support.hpp"

namespace ratebatch::http_api_reply_test {

using namespace provider;
using namespace facts_support;

namespace {

using nlohmann::json;
using Kind = OutcomeClass;

Outcome read(const HttpApi& api, const HttpReply& reply, ModelKind kind = ModelKind::chat,
             bool raw_body = false) {
  return find_dialect("http")->read(reply, {.kind = kind, .http = api},
                                    {.kind = kind, .raw_body = raw_body});
}

HttpReply ok(const std::string& body, const std::string& type = "application/json") {
  return {.status = 200, .headers = {{"content-type", type}}, .body = body};
}

const HttpApi text_api{.result = "/output/text",
                       .finish_reason = "/why",
                       .input_tokens = "/usage/in",
                       .output_tokens = "/usage/out",
                       .characters = "/usage/chars"};

TEST_CASE("http: an answer is found by its pointers") {
  const HttpReply reply{
      .status = 200,
      .headers = {{"x-request-id", "r-1"},
                  {"x-ratelimit-remaining-requests", "5"},
                  {"x-ratelimit-limit-requests", "10"}},
      .body = R"({"output":{"text":"Hello"},"why":"stop","usage":{"in":3,"out":4,"chars":5}})"};
  const Outcome outcome = read(text_api, reply);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->text == "Hello");
  CHECK(outcome.answer->finish_reason == "stop");
  CHECK_FALSE(outcome.answer->truncated);
  CHECK(outcome.answer->body_json.empty());
  CHECK(outcome.usage == Usage{.input_tokens = 3, .output_tokens = 4, .characters = 5});
  CHECK(outcome.request_id == "r-1");
  CHECK(shown(outcome.facts.limits) == "requests 10 left 5");
}

TEST_CASE("http: a result of any JSON type is a text") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {R"("a\nb")", "a\nb"},
      {"0.25", "0.25"},
      {"7", "7"},
      {"false", "false"},
      {R"({"a": [1, 2]})", R"({"a":[1,2]})"},
      {"[1, 2]", "[1,2]"},
  };
  for (const auto& [value, text] : table) {
    CAPTURE(value);
    const Outcome outcome = read(text_api, ok(R"({"output":{"text":)" + value + "}}"));
    REQUIRE(outcome.answer);
    CHECK(outcome.answer->text == text);
  }
  // Into arrays too, also one at the top.
  const Outcome first = read({.result = "/0/a~1b"}, ok(R"([{"a/b":"x"}])"));
  REQUIRE(first.answer);
  CHECK(first.answer->text == "x");
}

TEST_CASE("http: what is cut is truncated, and fails where nothing came") {
  for (const std::string reason : {"length", "max_tokens", "MAX_TOKENS"}) {
    const std::string why = R"(,"why":")" + reason + R"("})";
    const Outcome some = read(text_api, ok(R"({"output":{"text":"On"})" + why));
    REQUIRE(some.answer);
    CHECK(some.answer->truncated);
    CHECK(read(text_api, ok(R"({"output":{"text":""})" + why)).kind == Kind::invalid_request);
    CHECK(read(text_api, ok(R"({"output":{"text":null})" + why)).kind == Kind::invalid_request);
  }
}

TEST_CASE("http: a reply without the result is bad, and unreadable where its form is another") {
  struct Row {
    std::string body, words;
    bool unreadable;
  };
  const std::vector<Row> table = {
      {R"({"output":{"text":""}})", "empty", false},
      {R"({"output":{"text":" \n"}})", "empty", false},
      {R"({"output":{"text":null}})", "nothing at /output/text", false},
      {R"({"output":{"text":null},"message":"Try later"})", "but says: Try later", false},
      {R"({"output":{}})", "nothing at /output/text", true},
      {R"({"output":"x"})", "nothing at /output/text", true},
      {"{}", "nothing at", true},
      {"[]", "nothing at", true},
      {"7", "nothing at", true},
      {"", "empty", true},
      {"{", "not the JSON", true},
      {"<html></html>", "not the JSON", true},
  };
  for (const Row& row : table) {
    CAPTURE(row.body);
    const Outcome outcome = read(text_api, ok(row.body));
    CHECK(outcome.kind == Kind::bad_reply);
    CHECK(outcome.unreadable == row.unreadable);
    CAPTURE(outcome.message);
    CHECK(outcome.message.find(row.words) != std::string::npos);
  }
}

TEST_CASE("http: without a pointer the body is the result") {
  const HttpApi api;
  const auto answer = [&](const HttpReply& reply, ModelKind kind = ModelKind::chat) {
    const Outcome outcome = read(api, reply, kind);
    if (!outcome.answer) FAIL(outcome.message);
    return outcome.answer.value_or(Answer{});
  };
  CHECK(answer(ok("Hello\xFF", "text/plain")).text == "Hello\xEF\xBF\xBD");
  CHECK(answer(ok("\"Hello\"")).text == "Hello");
  CHECK(answer(ok("42")).text == "42");
  CHECK(answer(ok("{\"a\": 1}")).body_json == R"({"a":1})");
  CHECK(answer(ok("{\"a\": 1}")).text.empty());
  CHECK(answer(ok("[0.5, 1]"), ModelKind::embedding).body_json == "[0.5,1]");
  for (const HttpReply& bad : {ok("", "text/plain"), ok("<!DOCTYPE html><p>Log in", "text/plain"),
                               ok("Log in", "text/html")}) {
    CHECK(read(api, bad).kind == Kind::bad_reply);
  }
  CHECK(read(api, ok("words", "text/plain"), ModelKind::embedding).unreadable);
}

TEST_CASE("http: an embedding keeps what its pointer points at") {
  const Outcome outcome =
      read({.result = "/data"}, ok(R"({"data":[[0.5, 1]],"x":1})"), ModelKind::embedding);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->body_json == "[[0.5,1]]");
  CHECK(outcome.answer->text.empty());
}

TEST_CASE("http: a file comes as base64, as a link, as several, or as the body") {
  const HttpApi api{.result = "/images"};
  const std::string png = "iVBORw0KGgo=";
  struct Row {
    std::string value;
    std::size_t assets, links;
  };
  const std::vector<Row> table = {
      {"\"" + png + "\"", 1, 0},
      {R"("data:image/png;base64,)" + png + "\"", 1, 0},
      {R"("https://cdn.example.com/a.png")", 0, 1},
      {R"(["https://cdn.example.com/a.png",")" + png + "\"]", 1, 1},
  };
  for (const Row& row : table) {
    CAPTURE(row.value);
    const Outcome outcome = read(api, ok(R"({"images":)" + row.value + "}"), ModelKind::image);
    REQUIRE(outcome.answer);
    CHECK(outcome.answer->assets.size() == row.assets);
    CHECK(outcome.answer->links.size() == row.links);
    CHECK(outcome.usage.images == static_cast<std::int64_t>(row.assets + row.links));
  }
  for (const std::string value :
       {"7", "{}", "[]", "[7]", "\"\"", "\"***\"", "\"file:0\"", "[null]", R"("ftp://a/b")"}) {
    CAPTURE(value);
    const Outcome outcome = read(api, ok(R"({"images":)" + value + "}"), ModelKind::image);
    CHECK(outcome.kind == Kind::bad_reply);
    CHECK_FALSE(outcome.unreadable);
  }
  const std::string http_link = R"("http://cdn.example.com/a.png")";
  Outcome linked = read(api, ok(R"({"images":)" + http_link + "}"), ModelKind::image);
  CHECK(linked.kind == Kind::invalid_request);
  CHECK(linked.message.find("ask for base64") != std::string::npos);
  linked = read(api, ok(R"({"images":[null,")" + png + "\"," + http_link + "]}"), ModelKind::image);
  CHECK(linked.usage.images == 1);
  HttpReply streamed = ok(R"({"images":"file:0"})");
  streamed.files = {{.path = "/in/1-0", .bytes = 9000, .head = "\xFF\xD8\xFF"}};
  const Outcome outcome = read(api, streamed, ModelKind::image);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->assets.at(0).path == "/in/1-0");
}

TEST_CASE("http: the body is the file, unless it is no file") {
  const HttpApi api;
  Outcome outcome = read(api, ok("ID3sound", "audio/mpeg"), ModelKind::speech);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->assets.at(0).bytes == "ID3sound");
  CHECK(outcome.usage.images == 0);
  HttpReply streamed = ok("", "application/octet-stream");
  streamed.files = {{.path = "/in/1-0", .bytes = 9000, .head = "\xFF\xD8\xFF"}};
  outcome = read(api, streamed, ModelKind::image);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->assets.at(0).extension == "jpg");
  CHECK(outcome.usage.images == 1);

  CHECK_FALSE(read(api, ok("", "audio/mpeg"), ModelKind::speech).unreadable);
  for (const HttpReply& bad :
       {ok("<html></html>", "text/html"), ok("words", "text/plain"), ok(R"({"a":1})"), ok("{")}) {
    CAPTURE(bad.body);
    outcome = read(api, bad, ModelKind::speech);
    CHECK(outcome.kind == Kind::bad_reply);
    CHECK(outcome.unreadable);
  }
  CHECK(read(api, ok(R"({"error":{"code":"rate_limit_exceeded"}})"), ModelKind::speech).kind ==
        Kind::rate_limited);
}

TEST_CASE("http: errors are read in all their forms, and by the pointers before those") {
  const HttpApi api{.error_message = "/fault/text", .error_code = "/fault/id"};
  const std::string body = R"({"fault":{"text":"No money","id":"insufficient_credits"}})";
  Outcome outcome = read(api, {.status = 400, .body = body});
  CHECK(outcome.kind == Kind::no_credit);
  CHECK(outcome.message == "No money");
  CHECK(outcome.http_status == 400);
  outcome = read(api, ok(body));
  CHECK(outcome.kind == Kind::no_credit);
  CHECK_FALSE(outcome.unreadable);
  // A status as the code of an error inside a 200.
  CHECK(read(api, ok(R"({"fault":{"id":429}})")).kind == Kind::rate_limited);
  CHECK(read(api, ok(R"({"fault":{"id":"503"}})")).kind == Kind::overloaded);
  CHECK(read(api, ok(R"({"fault":{"id":"E17","text":"?"}})")).kind == Kind::bad_reply);
  CHECK(read(api, ok(R"({"fault":{"id":17,"text":"?"}})")).kind == Kind::bad_reply);

  outcome = read({}, {.status = 429,
                      .headers = {{"retry-after", "3"}},
                      .body = R"({"error":{"message":"Slow","code":"x"}})"});
  CHECK(shown(outcome) == "rate_limited, wait 3s");
  CHECK(outcome.message == "Slow");
  CHECK(read(api, {.status = 502, .body = "<html><title>Bad</title></html>"}).kind ==
        Kind::server_error);
  CHECK(read(api, {.status = 401, .body = ""}).kind == Kind::refused_key);
}

TEST_CASE("http: error members that say nothing are none") {
  const HttpApi api{.result = "/r", .error_message = "/e", .error_code = "/c"};
  for (const std::string nothing : {"null", "false", "0", "\"\"", "[]", "{}"}) {
    CAPTURE(nothing);
    const std::string body = R"({"r":"a","e":)" + nothing + R"(,"c":)" + nothing + "}";
    CHECK(read(api, ok(body)).kind == Kind::done);
    CHECK(read({.result = "/r"}, ok(R"({"r":"a","error":)" + nothing + "}")).kind == Kind::done);
  }
  for (const std::string something : {"true", "1", "\"x\"", "[0]", R"({"a":1})"}) {
    CAPTURE(something);
    CHECK(read(api, ok(R"({"r":"a","e":)" + something + "}")).kind == Kind::bad_reply);
    CHECK(read({.result = "/r"}, ok(R"({"r":"a","error":)" + something + "}")).kind ==
          Kind::bad_reply);
  }
  // Where the description names the members of errors, others are none.
  CHECK(read(api, ok(R"({"r":"a","error":"x"})")).kind == Kind::done);
}

TEST_CASE("http: a raw body keeps the reply beside its result") {
  const Outcome outcome =
      read({.result = "/r"}, ok("{\"r\": \"a\", \"x\": 1}"), ModelKind::chat, true);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->text == "a");
  CHECK(outcome.answer->body_json == R"({"r":"a","x":1})");
}

TEST_CASE("http: a raw body's reply names all its files by their index") {
  HttpReply reply = ok(R"({"images":["file:1","iVBORw0KGgo="],"more":{"images":"file:0"}})");
  reply.files = {{.path = "/in/1-0", .bytes = 9000, .head = "\xFF\xD8\xFF"},
                 {.path = "/in/1-1", .bytes = 9000, .head = "\xFF\xD8\xFF"}};
  const Outcome outcome = read({.result = "/images"}, reply, ModelKind::image, true);
  REQUIRE(outcome.answer);
  REQUIRE(outcome.answer->assets.size() == 3);
  CHECK(outcome.answer->assets[0].path == "/in/1-0");
  CHECK(outcome.answer->assets[1].path == "/in/1-1");
  CHECK_FALSE(outcome.answer->assets[2].bytes.empty());
  CHECK(outcome.usage.images == 2);
}

TEST_CASE("http: an error that comes as a file is none, but a drawing is") {
  HttpReply reply = ok("", "application/octet-stream");
  reply.files = {{.path = "/in/1-0", .bytes = 90, .head = "{\"error\":\"busy\"}"}};
  const Outcome outcome = read(HttpApi{}, reply, ModelKind::speech);
  CHECK(outcome.kind == Kind::bad_reply);
  CHECK(outcome.message.find("busy") != std::string::npos);
  CHECK(read(HttpApi{}, ok("{\"a\":1}", "application/octet-stream"), ModelKind::speech).kind ==
        Kind::bad_reply);
  CHECK(read(HttpApi{}, ok("<svg/>", "image/svg+xml"), ModelKind::image).kind == Kind::done);
}

}  // namespace
}  // namespace ratebatch::http_api_reply_test
