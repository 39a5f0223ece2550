// What the 2xx replies of OpenAI's API mean.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::openai_reply_test {

using namespace provider;

namespace {

using Kind = OutcomeClass;

Outcome read_chat(const std::string& body) {
  return find_dialect("openai")->read({.status = 200, .body = body}, {},
                                      {.kind = ModelKind::chat, .raw_body = false});
}

Outcome read_image(const std::string& body) {
  return find_dialect("openai")->read({.status = 200, .body = body}, {},
                                      {.kind = ModelKind::image, .raw_body = false});
}

Outcome read_raw(const std::string& body, ModelKind kind = ModelKind::chat) {
  return find_dialect("openai")->read({.status = 200, .body = body}, {},
                                      {.kind = kind, .raw_body = true});
}

// The answer, which must be there.
Answer answer_of(const Outcome& outcome) {
  if (!outcome.answer) FAIL(outcome.message);
  return outcome.answer.value_or(Answer{});
}

// One choice with this message and finish_reason, as JSON.
std::string choice(const std::string& message, const std::string& reason) {
  return R"({"choices":[{"index":0,"message":)" + message + R"(,"finish_reason":")" + reason +
         R"("}],"usage":{"prompt_tokens":22,"completion_tokens":2,"total_tokens":24}})";
}

TEST_CASE("a chat answer has its text, finish reason and usage") {
  const Outcome outcome = find_dialect("openai")->read(
      {.status = 200,
       .headers = {{"x-request-id", "req_9"}},
       .body = choice(R"({"role":"assistant","content":"Hello \u00e9."})", "stop")},
      {}, {.kind = ModelKind::chat, .raw_body = false});
  CHECK(outcome.kind == Kind::done);
  CHECK(answer_of(outcome).text == "Hello \xC3\xA9.");
  CHECK(answer_of(outcome).finish_reason == "stop");
  CHECK_FALSE(answer_of(outcome).truncated);
  CHECK(answer_of(outcome).body_json.empty());
  CHECK(outcome.usage == Usage{.input_tokens = 22, .output_tokens = 2, .images = 0});
  CHECK(outcome.request_id == "req_9");
  CHECK(outcome.http_status == 200);
  CHECK(outcome.message.empty());
}

TEST_CASE("zero bytes behind a reply are left out, and one within it makes it unreadable") {
  const std::string body = choice(R"({"content":"Hello."})", "stop");
  const std::string zeros(2, '\0');
  CHECK(answer_of(read_chat(body + zeros)).text == "Hello.");
  CHECK(answer_of(read_raw(body + zeros)).body_json == body);
  CHECK(answer_of(read_raw("\xEF\xBB\xBF" + body + zeros)).body_json == body);
  for (const std::string& broken : {body + zeros + "\"x", body + zeros + "}", zeros + body}) {
    CHECK(read_chat(broken).kind == Kind::bad_reply);
    CHECK(read_raw(broken).kind == Kind::bad_reply);
  }
}

struct ChatRow {
  std::string message, reason;
  Kind kind;
  std::string text;  // Of the answer, or part of the message.
  bool truncated = false;
};

TEST_CASE("a choice is done where it has text, else its reason decides") {
  const std::vector<ChatRow> table = {
      {R"({"content":"cut he"})", "length", Kind::done, "cut he", true},
      {R"({"content":"part"})", "content_filter", Kind::done, "part"},
      {R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})", "stop", Kind::done,
       "ab"},
      {R"({"content":"done"})", "", Kind::done, "done"},
      {R"({"content":""})", "length", Kind::invalid_request, "max_tokens"},
      {R"({"content":null})", "length", Kind::invalid_request, "max_tokens"},
      {R"({"content":" \n"})", "length", Kind::invalid_request, "max_tokens"},
      {R"({"content":""})", "content_filter", Kind::content_policy, "content filter"},
      {R"({"content":null,"refusal":"I cannot."})", "stop", Kind::content_policy, "I cannot."},
      {R"({"content":null,"tool_calls":[{}]})", "tool_calls", Kind::invalid_request, "tool call"},
      {R"({"content":""})", "stop", Kind::bad_reply, "empty"},
      {R"({"content":null})", "stop", Kind::bad_reply, "empty"},
      {R"({})", "stop", Kind::bad_reply, "empty"},
      {R"({"content":7})", "stop", Kind::bad_reply, "empty"},
      {R"("text")", "stop", Kind::bad_reply, "empty"},
      {R"({"content":"half"})", "error", Kind::bad_reply, "broke off"},
  };
  for (const ChatRow& row : table) {
    CAPTURE(row.message);
    CAPTURE(row.reason);
    const Outcome outcome = read_chat(choice(row.message, row.reason));
    CHECK(to_string(outcome.kind) == to_string(row.kind));
    CHECK(outcome.answer.has_value() == (row.kind == Kind::done));
    if (outcome.answer) {
      CHECK(answer_of(outcome).text == row.text);
      CHECK(answer_of(outcome).truncated == row.truncated);
    } else {
      CHECK(outcome.message.find(row.text) != std::string::npos);
    }
    // Charged all the same.
    CHECK(outcome.usage.input_tokens == 22);
  }
}

TEST_CASE("a 2xx that cannot be read or holds nothing is a bad reply") {
  const std::string deep = R"({"choices":)" + std::string(64, '[') + std::string(64, ']') + "}";
  for (const std::string& body : std::vector<std::string>{
           "", "   ", "{", "null", "7", "\"text\"", "[]", "{}", "[{}]", R"({"choices":[]})",
           R"({"choices":null})", R"({"choices":{}})", R"({"choices":["x"]})", R"({"id":"x"})",
           "<html>ok</html>", R"({"choices":[{"message":{"content":"cut)", deep}) {
    CAPTURE(body);
    const Outcome outcome = read_chat(body);
    CHECK(outcome.kind == Kind::bad_reply);
    CHECK_FALSE(outcome.message.empty());
    CHECK_FALSE(outcome.answer);
  }
}

TEST_CASE("blank lines before an answer, and bytes in it that are not UTF-8, are no fault") {
  CHECK(read_chat("\n\r\n\n" + choice(R"({"content":"hi"})", "stop")).kind == Kind::done);
  const Outcome outcome =
      read_chat(choice("{\"content\":\"a\xFF"
                       "b\"}",
                       "stop"));
  CHECK(answer_of(outcome).text ==
        "a\xEF\xBF\xBD"
        "b");
}

TEST_CASE("JSON is read down to 64 levels") {
  // The outer object, and levels - 1 arrays.
  const auto with_depth = [](std::size_t levels, const std::string& innermost) {
    return R"({"choices":[{"message":{"content":"[[[[ \" [["}}],"x":)" +
           std::string(levels - 1, '[') + innermost + std::string(levels - 1, ']') + "}";
  };
  for (const std::string innermost : {"", "1", "\"a\"", "\"\xFF\""}) {
    CAPTURE(innermost);
    CHECK(read_chat(with_depth(63, innermost)).kind == Kind::done);
    CHECK(read_chat(with_depth(64, innermost)).kind == Kind::done);
    CHECK(read_chat(with_depth(65, innermost)).kind == Kind::bad_reply);
  }
}

TEST_CASE("numbers of any length, a byte order mark and a name that stands twice are no fault") {
  const std::string plain = choice(R"({"content":"hi"})", "stop");
  for (const std::string& body :
       std::vector<std::string>{R"({"created":123456789012345678901234567890,)" + plain.substr(1),
                                "\xEF\xBB\xBF" + plain, R"({"x":1,"x":2,)" + plain.substr(1)}) {
    CAPTURE(body);
    const Outcome outcome = read_chat(body);
    CHECK(answer_of(outcome).text == "hi");
    CHECK(outcome.usage.input_tokens == 22);
    const std::size_t start = body.find('{');
    CHECK(answer_of(read_raw(body)).body_json == body.substr(start));
  }
}

TEST_CASE("usage that is missing, negative or no number counts as zero") {
  for (const std::string usage :
       {"null", "7", "{}", R"({"prompt_tokens":-1,"completion_tokens":"x"})",
        R"({"prompt_tokens":1.5,"completion_tokens":18446744073709551615})"}) {
    CAPTURE(usage);
    const Outcome outcome =
        read_chat(R"({"choices":[{"message":{"content":"x"}}],"usage":)" + usage + "}");
    CHECK(outcome.kind == Kind::done);
    CHECK(outcome.usage == Usage{});
  }
}

TEST_CASE("usage that no answer can have counts as the most that one may") {
  const std::string most = "9223372036854775807";
  Outcome outcome = read_raw(
      R"({"object":"x","usage":{"prompt_tokens":)" + most + R"(,"completion_tokens":1000000001}})",
      ModelKind::raw);
  CHECK(outcome.usage == Usage{.input_tokens = usage_max, .output_tokens = usage_max});
  outcome = read_raw(R"({"object":"x","usage":{"prompt_tokens":1000000000,)"
                     R"("completion_tokens":999999999}})",
                     ModelKind::raw);
  CHECK(outcome.usage == Usage{.input_tokens = usage_max, .output_tokens = usage_max - 1});
}

TEST_CASE("usage is read under the names of chat, responses, embeddings and images") {
  struct Row {
    std::string usage;
    Usage expected;
  };
  for (const Row& row : std::vector<Row>{
           {R"({"prompt_tokens":22,"completion_tokens":2,"total_tokens":24})",
            {.input_tokens = 22, .output_tokens = 2}},
           {R"({"input_tokens":36,"input_tokens_details":{"cached_tokens":0},"output_tokens":87,)"
            R"("output_tokens_details":{"reasoning_tokens":0},"total_tokens":123})",
            {.input_tokens = 36, .output_tokens = 87}},
           {R"({"prompt_tokens":8,"total_tokens":8})", {.input_tokens = 8}},
           {R"({"type":"tokens","input_tokens":14,"output_tokens":45,"total_tokens":59})",
            {.input_tokens = 14, .output_tokens = 45}},
           {R"({"type":"duration","seconds":3})", {}}}) {
    CAPTURE(row.usage);
    CHECK(read_raw(R"({"object":"x","usage":)" + row.usage + "}", ModelKind::raw).usage ==
          row.expected);
  }
}

TEST_CASE("images are decoded, named by their bytes and counted") {
  struct Row {
    std::string base64, extension, start;
  };
  for (const Row& row : std::vector<Row>{{"iVBORw0KGgo=", "png", "\x89PNG"},
                                         {"/9j/4A==", "jpg", "\xFF\xD8\xFF"},
                                         {"UklGRgAAAABXRUJQ", "webp", "RIFF"},
                                         {"R0lGODlh", "gif", "GIF89a"},
                                         {"R0lGODdh", "gif", "GIF87a"},
                                         {"UklGRldFQlA=", "bin", "RIFFWEBP"},
                                         {"aGk", "bin", "hi"}}) {
    CAPTURE(row.extension);
    const Outcome outcome = read_image(R"({"created":1,"data":[{"b64_json":")" + row.base64 +
                                       R"("}],"usage":{"input_tokens":50,"output_tokens":60}})");
    REQUIRE(outcome.kind == Kind::done);
    REQUIRE(answer_of(outcome).assets.size() == 1);
    CHECK(answer_of(outcome).assets[0].extension == row.extension);
    CHECK(answer_of(outcome).assets[0].bytes.starts_with(row.start));
    CHECK(outcome.usage == Usage{.input_tokens = 50, .output_tokens = 60, .images = 1});
  }
  const Outcome two = read_image(R"({"data":[{"b64_json":"aGk="},{"b64_json":"aG8="}]})");
  CHECK(answer_of(two).assets.size() == 2);
  CHECK(two.usage.images == 2);
}

TEST_CASE("an image reply without images is a bad reply that says why") {
  struct Row {
    std::string body, message;
  };
  for (const Row& row : std::vector<Row>{{R"({"data":[]})", "no images"},
                                         {R"({"created":1})", "no images"},
                                         {R"({"data":[{}]})", "without an image"},
                                         {R"({"data":[7]})", "without an image"},
                                         {R"({"data":[{"b64_json":""}]})", "not base64"},
                                         {R"({"data":[{"b64_json":"a"}]})", "not base64"},
                                         {R"({"data":[{"b64_json":"aGk=\n"}]})", "not base64"},
                                         {R"({"data":[{"b64_json":"a=k="}]})", "not base64"}}) {
    CAPTURE(row.body);
    const Outcome outcome = read_image(row.body);
    CHECK(outcome.kind == Kind::bad_reply);
    CHECK(outcome.message.find(row.message) != std::string::npos);
    CHECK_FALSE(outcome.answer);
  }
}

TEST_CASE("the answer to a raw body keeps the reply's body") {
  const std::string chat = choice(R"({"content":"hi"})", "stop");
  const Outcome outcome = read_raw("\n" + chat + "\n");
  CHECK(answer_of(outcome).body_json == chat);
  CHECK(answer_of(outcome).text == "hi");
  CHECK(outcome.usage.output_tokens == 2);

  const std::string embedding =
      R"({"object":"list","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":5}})";
  const Outcome other = read_raw(embedding, ModelKind::embedding);
  CHECK(answer_of(other).body_json == embedding);
  CHECK(answer_of(other).text.empty());
  CHECK(other.usage.input_tokens == 5);

  const Outcome spread =
      read_raw("{\n \"object\" : \"a \\\" b\",\r\n\t\"x\": [ 1.50, 1e2 ],\"y\":\"\xFF\" }\n",
               ModelKind::raw);
  CHECK(answer_of(spread).body_json ==
        "{\"object\":\"a \\\" b\",\"x\":[1.50,1e2],\"y\":\"\xEF\xBF\xBD\"}");

  const std::string tool = choice(R"({"content":null,"tool_calls":[{"id":"c"}]})", "tool_calls");
  CHECK(answer_of(read_raw(tool)).body_json == tool);
}

TEST_CASE("the answer to a raw body may be no text at all") {
  struct Row {
    std::string message, reason;
    Kind kind;
  };
  for (const Row& row : std::vector<Row>{
           {R"({"content":null,"function_call":{"name":"f"}})", "function_call", Kind::done},
           {R"({"content":null,"audio":{"id":"a","data":"UklG"}})", "stop", Kind::done},
           {R"({"content":"","images":[{"type":"image_url"}]})", "stop", Kind::done},
           {R"({"content":[{"type":"image_url"}]})", "stop", Kind::done},
           {R"({"content":null,"audio":{"id":"a"}})", "length", Kind::done},
           {R"({"content":null,"audio":{}})", "content_filter", Kind::content_policy},
           {R"({"content":null,"refusal":"No.","audio":{"id":"a"}})", "stop", Kind::content_policy},
           {R"({"role":"assistant","content":" ","refusal":null,"tool_calls":[],"audio":null})",
            "stop", Kind::bad_reply},
           {R"({"content":[{"type":"text","text":""}]})", "stop", Kind::bad_reply},
           {R"({"content":"","provider_specific_fields":{"a":1},"name":"b"})", "stop",
            Kind::bad_reply},
           {R"({"content":[{"type":"thinking","thinking":[1]}]})", "length", Kind::invalid_request},
           {R"({"content":"","reasoning_content":"hm"})", "length", Kind::invalid_request}}) {
    CAPTURE(row.message);
    CHECK(to_string(read_raw(choice(row.message, row.reason)).kind) == to_string(row.kind));
  }
}

TEST_CASE("a raw body's reply is held to the same measure") {
  CHECK(read_raw("").kind == Kind::bad_reply);
  CHECK(read_raw("{}").kind == Kind::bad_reply);
  CHECK(read_raw(R"({"error":{"code":503}})").kind == Kind::overloaded);
  CHECK(read_raw(choice(R"({"content":""})", "length")).kind == Kind::invalid_request);
  CHECK(read_raw(R"({"choices":[]})").kind == Kind::bad_reply);
}

}  // namespace
}  // namespace ratebatch::openai_reply_test
