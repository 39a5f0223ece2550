// What the replies of the Gemini API mean.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::gemini_reply_test {

using namespace provider;

namespace {

using nlohmann::json;
using Kind = OutcomeClass;

Outcome read(const HttpReply& reply, ModelKind kind = ModelKind::chat, bool raw_body = false) {
  return find_dialect("gemini")->read(reply, {}, {.kind = kind, .raw_body = raw_body});
}

Outcome read(const std::string& body, ModelKind kind = ModelKind::chat, bool raw_body = false) {
  return read(HttpReply{.status = 200, .body = body}, kind, raw_body);
}

// One candidate with these parts, as JSON.
std::string candidate(const std::string& parts, const std::string& reason) {
  return R"({"candidates":[{"content":{"role":"model","parts":)" + parts + R"(},"finishReason":")" +
         reason +
         R"("}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":5,)"
         R"("thoughtsTokenCount":20,"totalTokenCount":33},"responseId":"r-1"})";
}

const std::string png = R"({"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}})";

TEST_CASE("gemini: an answer joins its texts, without thoughts, and pays for them") {
  const Outcome outcome = read(candidate(
      R"([{"text":"hm","thought":true},{"text":"Hel"},{"text":"lo","thought":false},7])", "STOP"));
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->text == "Hello");
  CHECK(outcome.answer->finish_reason == "STOP");
  CHECK_FALSE(outcome.answer->truncated);
  CHECK(outcome.usage == Usage{.input_tokens = 8, .output_tokens = 25});
  CHECK(outcome.request_id == "r-1");
}

TEST_CASE("gemini: names with underscores are the same") {
  const Outcome outcome =
      read(R"({"candidates":[{"content":{"parts":[{"text":"A"},)"
           R"({"inline_data":{"mime_type":"image/png","data":"iVBORw0KGgo="}}]},)"
           R"("finish_reason":"STOP"}],"usage_metadata":{"prompt_token_count":8,)"
           R"("candidates_token_count":5},"response_id":"r-2"})",
           ModelKind::image);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->assets.size() == 1);
  CHECK(outcome.answer->finish_reason == "STOP");
  CHECK(outcome.usage == Usage{.input_tokens = 8, .output_tokens = 5, .images = 1});
  CHECK(outcome.request_id == "r-2");
}

TEST_CASE("gemini: an image is found behind text, in base64 or in a file of the reply") {
  Outcome outcome =
      read(candidate(R"([{"text":"Here:"},)" + png + "," + png + "]", "STOP"), ModelKind::image);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->text.empty());
  REQUIRE(outcome.answer->assets.size() == 2);
  CHECK(outcome.answer->assets[1].bytes == "\x89PNG\r\n\x1A\n");
  CHECK(outcome.answer->assets[1].extension == "png");
  CHECK(outcome.usage.images == 2);

  const HttpReply with_file{.status = 200,
                            .body = candidate(R"([{"inlineData":{"data":"file:0"}}])", "STOP"),
                            .files = {{.path = "/in/1-0", .bytes = 9000, .head = "\xFF\xD8\xFF"}}};
  outcome = read(with_file, ModelKind::image);
  REQUIRE(outcome.answer);
  REQUIRE(outcome.answer->assets.size() == 1);
  CHECK(outcome.answer->assets[0].path == "/in/1-0");
  CHECK(outcome.answer->assets[0].extension == "jpg");
}

TEST_CASE("gemini: a finish reason decides over what there is of an answer") {
  struct Row {
    std::string reason;
    Kind kind;
    std::string words;
  };
  std::vector<Row> table;
  for (const char* reason :
       {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
        "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"}) {
    table.push_back({reason, Kind::content_policy, reason});
  }
  for (const char* reason : {"NO_IMAGE", "IMAGE_OTHER", "OTHER", "MALFORMED_FUNCTION_CALL"}) {
    table.push_back({reason, Kind::bad_reply, reason});
  }
  for (const Row& row : table) {
    CAPTURE(row.reason);
    for (const std::string parts : {R"([{"text":"part"}])", "[]"}) {
      const Outcome outcome = read(candidate(parts, row.reason));
      CHECK(to_string(outcome.kind) == to_string(row.kind));
      CHECK(outcome.message.find(row.words) != std::string::npos);
      CHECK((parts == "[]" || outcome.message.find("part") != std::string::npos));
      CHECK_FALSE(outcome.unreadable);
      CHECK(outcome.usage.input_tokens == 8);
    }
  }
  const Outcome told = read(
      R"({"candidates":[{"finishReason":"IMAGE_SAFETY","finishMessage":"Unable to show it."}]})",
      ModelKind::image);
  CHECK(told.message == "the answer was stopped (IMAGE_SAFETY): Unable to show it.");
}

TEST_CASE("gemini: a candidate without what was asked for") {
  struct Row {
    std::string parts, reason;
    ModelKind asked;
    Kind kind;
    std::string words;
  };
  const auto chat = ModelKind::chat;
  const auto image = ModelKind::image;
  const std::vector<Row> table = {
      {"[]", "MAX_TOKENS", chat, Kind::invalid_request, "max_tokens"},
      {"[]", "STOP", chat, Kind::bad_reply, "the answer is empty (STOP)"},
      {"[]", "", chat, Kind::bad_reply, "the answer is empty"},
      {"{}", "STOP", chat, Kind::bad_reply, "empty"},
      {R"([{"text":" \n"}])", "STOP", chat, Kind::bad_reply, "empty"},
      {R"([{"functionCall":{"name":"x"}}])", "STOP", chat, Kind::invalid_request, "function call"},
      {"[" + png + "]", "STOP", chat, Kind::invalid_request, "kind: image"},
      {R"([{"text":"I cannot."}])", "STOP", image, Kind::bad_reply, "no image: I cannot."},
      {"[]", "STOP", image, Kind::bad_reply, "no image"},
      {"[]", "MAX_TOKENS", image, Kind::invalid_request, "max_tokens"},
      {R"([{"inlineData":{"data":"***"}}])", "STOP", image, Kind::bad_reply, "not base64"},
      {R"([{"inlineData":{"data":"file:0"}}])", "STOP", image, Kind::bad_reply, "not base64"},
      {R"([{"inlineData":{"data":""}}])", "STOP", image, Kind::bad_reply, "not base64"},
  };
  for (const Row& row : table) {
    CAPTURE(row.parts);
    const Outcome outcome = read(candidate(row.parts, row.reason), row.asked);
    CHECK(to_string(outcome.kind) == to_string(row.kind));
    CAPTURE(outcome.message);
    CHECK(outcome.message.find(row.words) != std::string::npos);
    CHECK_FALSE(outcome.unreadable);
    CHECK_FALSE(outcome.answer);
  }
  const Outcome cut = read(candidate(R"([{"text":"Once"}])", "MAX_TOKENS"));
  REQUIRE(cut.answer);
  CHECK(cut.answer->truncated);
}

TEST_CASE("gemini: no candidate is a block, a fault of the server, or no reply of this API") {
  const Outcome blocked =
      read(R"({"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"Too hot."}})");
  CHECK(blocked.kind == Kind::content_policy);
  CHECK(blocked.message == "the prompt was blocked (SAFETY): Too hot.");
  CHECK(read(R"({"prompt_feedback":{"block_reason":"OTHER"}})").kind == Kind::content_policy);

  const Outcome nothing = read(R"({"usageMetadata":{"promptTokenCount":8}})");
  CHECK(nothing.kind == Kind::bad_reply);
  CHECK_FALSE(nothing.unreadable);
  CHECK(nothing.usage.input_tokens == 8);

  for (const std::string& body : std::vector<std::string>{
           "", "null", "7", "[]", "{}", "{", "<html></html>", R"({"choices":[]})",
           R"({"candidates":[]})", R"({"candidates":{}})"}) {
    CAPTURE(body);
    const Outcome outcome = read(body);
    CHECK(outcome.kind == Kind::bad_reply);
    CHECK(outcome.unreadable);
  }
}

TEST_CASE("gemini: an error inside a 2xx is read as such, also in an array") {
  const std::string error =
      R"({"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}})";
  for (const std::string& body : {error, "[" + error + "]"}) {
    const Outcome outcome = read(body);
    CHECK(outcome.kind == Kind::overloaded);
    CHECK(outcome.message == "The model is overloaded.");
  }
}

TEST_CASE("gemini: a raw body keeps the reply whole") {
  const std::string call = candidate(R"([{"functionCall":{"name":"x"}}])", "STOP");
  const Outcome called = read(call, ModelKind::chat, true);
  REQUIRE(called.answer);
  CHECK(json::parse(called.answer->body_json) == json::parse(call));

  const Outcome inside = read(candidate("[" + png + "]", "STOP"), ModelKind::image, true);
  REQUIRE(inside.answer);
  CHECK(inside.answer->assets.empty());
  CHECK(inside.usage.images == 1);
  const HttpReply with_file{.status = 200,
                            .body = candidate(R"([{"inlineData":{"data":"file:0"}}])", "STOP"),
                            .files = {{.path = "/in/1-0", .bytes = 9000, .head = "\xFF\xD8\xFF"}}};
  const Outcome beside = read(with_file, ModelKind::image, true);
  REQUIRE(beside.answer);
  CHECK(beside.answer->assets.size() == 1);
  CHECK(beside.answer->body_json.find("file:0") != std::string::npos);
}

}  // namespace
}  // namespace ratebatch::gemini_reply_test
