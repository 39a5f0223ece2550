// OpenAI's API as the sandbox speaks it: what it reads, and what it answers.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "ratebatch/base/text.hpp"
#include "sandbox/canned_answers.hpp"
#include "sandbox/openai.hpp"
#include "support/sandbox_bench.hpp"

namespace ratebatch::sandbox_openai_test {

using namespace sandbox;
using namespace sandbox_bench;

namespace {

tl::expected<Generation, Trouble> read_request(std::string_view rest, std::string_view body) {
  const Question question{.method = "POST", .path = rest, .query = "", .headers = {}, .body = body};
  return read_openai(question, rest, OpenAiFlavour::openai);
}

TEST_CASE("requests that a provider would refuse are refused") {
  const std::string deep_63 = std::string(63, '[') + std::string(63, ']');
  const std::string start = R"({"model":"m","messages":[{"role":"user","content":"x"}])";
  struct Row {
    std::string body;
    std::string message;  // Empty: accepted.
  };
  const std::vector<Row> rows = {
      {start + "}", ""},
      {start + R"(,"max_tokens":null,"stream":false})", ""},
      {start + R"(,"extra":)" + deep_63 + "}", ""},
      {start + R"(,"extra":[)" + deep_63 + "]}", "deeper than 64"},
      {start + R"(,"extra":"[[[\"[[[)" + std::string(100, '[') + R"("})", ""},
      {"", "could not parse"},
      {"{", "could not parse"},
      {"[]", "could not parse"},
      {"{\"model\":\"\xFF\"}", "could not parse"},
      {"{}", "model parameter"},
      {R"({"model":7})", "model parameter"},
      {R"({"model":""})", "model parameter"},
      {R"({"model":")" + std::string(257, 'm') + R"("})", "too long"},
      {R"({"model":"m"})", "'messages'"},
      {R"({"model":"m","messages":[]})", "at least one"},
      {R"({"model":"m","messages":[7]})", "'role'"},
      {R"({"model":"m","messages":[{"role":"user"}]})", "'content'"},
      {start + R"(,"stream":true})", "does not stream"},
      {start + R"(,"max_tokens":0})", "'max_tokens'"},
      {start + R"(,"max_tokens":1.5})", "'max_tokens'"},
      {start + R"(,"max_completion_tokens":18446744073709551615})", "'max_completion_tokens'"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const auto read = read_request("/chat/completions", row.body);
    REQUIRE(read.has_value() == row.message.empty());
    if (read) continue;
    CHECK(read.error().kind == Trouble::Kind::bad_request);
    INFO(read.error().message);
    CHECK(holds(read.error().message, row.message));
  }
  CHECK_FALSE(read_request("/images/generations", R"({"model":"m"})"));
  CHECK_FALSE(read_request("/images/generations", R"({"model":"m","prompt":[]})"));
}

TEST_CASE("all that the user said is the prompt, parts included, and every message is counted") {
  const auto read = read_request(
      "/chat/completions",
      R"({"model":"m","max_completion_tokens":9,"messages":[{"role":"system","content":"four"},
          {"role":"user","content":[{"type":"text","text":"ab"},{"type":"image_url"}]},
          {"role":"assistant","content":"c"},{"role":"user","content":"ö"}]})");
  REQUIRE(read.has_value());
  CHECK(read->prompt == "ab\nö");
  CHECK(read->input_characters == 8);
  CHECK(read->tokens_max == 9);
}

TEST_CASE("an answer longer than max_tokens is cut and says so") {
  Generation asked{.model = "m", .prompt = "a biography of Ada", .input_characters = 5};
  const AnswerMark mark{.id = "0", .created = WallTime{7'000'000'000}};
  const std::int64_t all = token_count(code_points(answer_text(1, asked.prompt)));
  struct Row {
    std::int64_t tokens_max;
    std::int64_t tokens;
    std::string reason;
  };
  for (const Row& row : {Row{all - 1, all - 1, "length"}, Row{all, all, "stop"},
                         Row{all + 1, all, "stop"}, Row{1, 1, "length"}}) {
    asked.tokens_max = row.tokens_max;
    const std::string body = openai_answer(asked, mark, {}, OpenAiFlavour::openai).body;
    CHECK(holds(body, R"("finish_reason":")" + row.reason + '"'));
    CHECK(holds(body, R"("completion_tokens":)" + std::to_string(row.tokens) + ','));
    CHECK(holds(body, R"("prompt_tokens":2,)"));
    CHECK(use_of(asked, {}) == Amounts{1, row.tokens + 2, 2, row.tokens, 0, 5});
    CHECK(holds(body, R"("total_tokens":)" + std::to_string(row.tokens + 2) + '}'));
    CHECK(holds(body, R"("created":7,)"));
  }
}

TEST_CASE(
    "where JSON is asked for, the text is an object with the plain one, cut and counted like it") {
  const std::string input = R"({"model":"m","input":"Ada")";
  const std::string chat = R"({"model":"m","messages":[{"role":"user","content":"Ada"}])";
  struct Row {
    std::string path;
    std::string body;
    bool is_json;
  };
  const std::vector<Row> rows = {
      {"/chat/completions", chat + R"(,"response_format":{"type":"json_object"}})", true},
      {"/chat/completions", chat + R"(,"response_format":{"type":"json_schema"}})", true},
      {"/chat/completions", chat + R"(,"response_format":{"type":"text"}})", false},
      {"/chat/completions", chat + R"(,"response_format":"json_object"})", false},
      {"/chat/completions", chat + "}", false},
      {"/responses", input + R"(,"text":{"format":{"type":"json_object"}}})", true},
      {"/responses", input + R"(,"text":{"format":{"type":"json_schema"}}})", true},
      {"/responses", input + R"(,"text":{"verbosity":"low"}})", false},
      {"/responses", input + R"(,"text":7})", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    auto asked = read_request(row.path, row.body);
    REQUIRE(asked.has_value());
    const AnswerText whole = text_for(*asked, {});
    const std::string plain = answer_text(1, "Ada");
    CHECK(whole.text == (row.is_json ? Json{{"text", plain}}.dump() : plain));
    CHECK(whole.tokens == token_count(code_points(whole.text)));
    CHECK(use_of(*asked, {})[index_of(Resource::output_tokens)] == whole.tokens);
    asked->tokens_max = 3;
    CHECK(text_for(*asked, {}).text == whole.text.substr(0, 12));
    CHECK(text_for(*asked, {}).cut);
  }
}

TEST_CASE("as many pictures come as were asked for, all different, and their tokens are told") {
  struct Row {
    std::string n;
    std::int64_t pictures;  // 0: refused.
  };
  for (const Row& row : {Row{"", 1}, Row{R"(,"n":null)", 1}, Row{R"(,"n":1)", 1},
                         Row{R"(,"n":3)", 3}, Row{R"(,"n":10)", 10}, Row{R"(,"n":11)", 0},
                         Row{R"(,"n":0)", 0}, Row{R"(,"n":-1)", 0}, Row{R"(,"n":"2")", 0}}) {
    CAPTURE(row.n);
    const auto read =
        read_request("/images/generations", R"({"model":"i","prompt":"whale")" + row.n + "}");
    REQUIRE(read.has_value() == (row.pictures > 0));
    if (!read) {
      CHECK(read.error().param == "n");
      continue;
    }
    const std::string body = openai_answer(*read, {.id = "0"}, {}, OpenAiFlavour::openai).body;
    std::set<std::string> different;
    constexpr std::string_view mark = R"("b64_json":")";
    for (std::size_t at = body.find(mark); at != std::string::npos; at = body.find(mark, at + 1)) {
      different.insert(body.substr(at, body.find('"', at + mark.size()) - at));
    }
    CHECK(different.size() == static_cast<std::size_t>(row.pictures));
    const std::int64_t output = 272 * row.pictures;
    CHECK(holds(body, R"("output_tokens":)" + std::to_string(output) + ','));
    CHECK(holds(body, R"("total_tokens":)" + std::to_string(output + 2) + '}'));
    CHECK(use_of(*read, {}) == Amounts{1, output + 2, 2, output, row.pictures, 5});
  }
}

TEST_CASE("what a chat uses is what its answer tells, and a reserve is OpenAI's guess of it") {
  Generation asked{.model = "m", .prompt = "a biography of Ada", .input_characters = 4001};
  const std::int64_t all = token_count(code_points(answer_text(1, asked.prompt)));
  const Amounts use = use_of(asked, {});
  CHECK(use == Amounts{1, 1001 + all, 1001, all, 0, 4001});
  SandboxOptions options;
  options.token_count = TokenCount::reserve;
  const auto api = make_openai_api(options);
  CHECK(api->cost(asked, use).reserved == Amounts{1, 1001, 1001, all, 0, 4001});
  asked.tokens_max = 1001;
  CHECK(api->cost(asked, use).reserved == Amounts{1, 1001, 1001, 1001, 0, 4001});
  asked.tokens_max = 1002;
  CHECK(api->cost(asked, use).reserved == Amounts{1, 1002, 1001, 1002, 0, 4001});
  asked.tokens_max = 5;
  CHECK(use_of(asked, {}) == Amounts{1, 1006, 1001, 5, 0, 4001});
}

// A form with these fields, and with a file of these bytes unless they are empty.
std::string form_of(const std::vector<std::pair<std::string, std::string>>& fields,
                    const std::string& file) {
  std::string body;
  for (const auto& [name, value] : fields) {
    body += "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
  }
  if (!file.empty()) {
    body += "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\n" +
            file + "\r\n";
  }
  return body + "--b--\r\n";
}

const std::vector<HeaderView> form_type{{"Content-Type", "multipart/form-data; boundary=b"}};

TEST_CASE("responses are texts in parts, and say when they were cut") {
  Bench bench;
  const std::string path = "/v1/responses";
  const Json whole =
      json_of(bench.reply(path, R"({"model":"m","input":"Hello Ada","instructions":"four"})"));
  CHECK(whole["status"] == "completed");
  CHECK(holds(whole["output"][0]["content"][0]["text"].get<std::string>(), "Ada"));
  CHECK(whole["usage"]["input_tokens"] == 4);
  const Json cut = json_of(bench.reply(
      path,
      R"({"model":"m","max_output_tokens":2,"input":[{"role":"user","content":[{"text":"x"}]}]})"));
  CHECK(cut["status"] == "incomplete");
  CHECK(cut["incomplete_details"]["reason"] == "max_output_tokens");
  CHECK(cut["usage"]["output_tokens"] == 2);
  for (const char* body : {R"({"model":"m"})", R"({"model":"m","input":[]})",
                           R"({"model":"m","input":"x","max_tokens":5})",
                           R"({"model":"m","input":"x","max_output_tokens":0})"}) {
    CAPTURE(body);
    CHECK(bench.reply(path, body).status == 400);
  }
}

TEST_CASE("reasoning models refuse max_tokens, GPT image models a response_format") {
  Bench bench;
  const std::string rest = R"("messages":[{"role":"user","content":"x"}],"max_tokens":5})";
  CHECK(json_of(bench.reply("/v1/chat/completions",
                            R"({"model":"o3-mini",)" + rest))["error"]["code"] ==
        "unsupported_parameter");
  CHECK(bench.reply("/v1/chat/completions", R"({"model":"gpt-4o",)" + rest).status == 200);
  const auto draw = [&](const std::string& model, const std::string& format) {
    return bench.reply("/v1/images/generations",
                       R"({"prompt":"x","model":")" + model + '"' + format + "}");
  };
  const std::string wanted = R"(,"response_format":"b64_json")";
  CHECK(draw("gpt-image-1", wanted).status == 400);
  CHECK(json_of(draw("gpt-image-1", ""))["data"][0].contains("b64_json"));
  CHECK(json_of(draw("gpt-image-1", "")).contains("usage"));
  CHECK(json_of(draw("dall-e-3", wanted))["data"][0].contains("b64_json"));
  CHECK(json_of(draw("dall-e-3", ""))["data"][0].contains("url"));
  CHECK_FALSE(json_of(draw("dall-e-3", "")).contains("usage"));
}

TEST_CASE("embeddings are numbers that follow from the text, as a list or in base64") {
  Bench bench;
  const auto embed = [&](const std::string& rest) {
    return json_of(bench.reply("/v1/embeddings", R"({"model":"e",)" + rest + "}"));
  };
  const Json two = embed(R"("input":["one","two"])");
  REQUIRE(two["data"].size() == 2);
  CHECK(two["data"][0]["embedding"].size() == 16);
  CHECK(two["data"][0]["embedding"] != two["data"][1]["embedding"]);
  CHECK(two["data"][0]["embedding"] == embed(R"("input":"one")")["data"][0]["embedding"]);
  CHECK(two["usage"]["prompt_tokens"] == 2);
  CHECK(embed(R"("input":[1,2,3])")["usage"]["prompt_tokens"] == 3);
  CHECK(embed(R"("input":[[1,2],[3]])")["data"].size() == 2);
  CHECK(embed(R"("input":"one","dimensions":3)")["data"][0]["embedding"].size() == 3);
  const Json coded = embed(R"("input":"one","dimensions":3,"encoding_format":"base64")");
  CHECK(coded["data"][0]["embedding"].get<std::string>().size() == 16);
  CHECK(bench.reply("/v1/embeddings", R"({"model":"e","input":[]})").status == 400);
  CHECK(bench.reply("/v1/embeddings", R"({"model":"e","input":[{}]})").status == 400);
  CHECK(bench.ledger.snapshot().models.at("e").tokens == 11);
}

TEST_CASE("speech is audio of its format, the longer the longer the text") {
  Bench bench;
  const auto speak = [&](const std::string& text, const std::string& rest) {
    return bench.reply("/v1/audio/speech",
                       R"({"model":"tts-1","voice":"alloy","input":")" + text + '"' + rest + "}");
  };
  CHECK(speak("Hi", "").body.starts_with("\xFF\xFB\x18\xC0"));
  CHECK(header(speak("Hi", "").headers, "Content-Type") == "audio/mpeg");
  CHECK(speak("Hi", "").body == speak("Hi", "").body);
  CHECK(speak("Hi", "").body != speak("Ho", "").body);
  CHECK(speak("Hi", "").body.size() == 2 * 144);
  const Reply wav = speak("Hi", R"(,"response_format":"wav")");
  CHECK(wav.body.starts_with("RIFF"));
  CHECK(wav.body.size() == 44 + 2 * 320);
  CHECK(wav.body.substr(40, 4) == std::string("\x80\x02\0\0", 4));
  CHECK(speak("Hi", R"(,"response_format":"opus")").body.starts_with("OggS"));
  CHECK(speak("Hi", R"(,"response_format":"flac")").body.starts_with("fLaC"));
  CHECK(speak("Hi", R"(,"response_format":"aac")").body.starts_with("\xFF\xF1"));
  CHECK(speak("Hi", R"(,"response_format":"pcm")").body.size() == 2 * 320);
  CHECK(speak("Hi", R"(,"response_format":"ogg")").status == 400);
  CHECK(speak("", "").status == 400);
  CHECK(bench.reply("/v1/audio/speech", R"({"model":"tts-1","input":"Hi"})").status == 400);
}

TEST_CASE("garbage in the place of audio is JSON that breaks off") {
  Bench bench("garbage_rate=1");
  const Reply reply =
      bench.reply("/v1/audio/speech", R"({"model":"tts-1","voice":"alloy","input":"Hi"})");
  CHECK(reply.status == 200);
  CHECK(header(reply.headers, "Content-Type") == "application/json");
  CHECK(Json::parse(reply.body, nullptr, false).is_discarded());
}

TEST_CASE("a transcription follows from its file, in every format") {
  Bench bench;
  const auto transcribe = [&](const std::string& format, const std::string& file) {
    return bench.reply("/v1/audio/transcriptions",
                       form_of({{"model", "whisper-1"}, {"response_format", format}}, file),
                       form_type);
  };
  const std::string file("ID3\0\r\n--x", 9);
  const std::string text = json_of(transcribe("json", file))["text"];
  CHECK(text.size() > 100);
  CHECK(json_of(transcribe("json", file))["usage"]["type"] == "tokens");
  CHECK(json_of(transcribe("json", file + "x"))["text"] != text);
  CHECK(transcribe("text", file).body == text + "\n");
  CHECK(header(transcribe("text", file).headers, "Content-Type").starts_with("text/plain"));
  CHECK(transcribe("srt", file).body.starts_with("1\n00:00:00,000 --> 00:00:"));
  CHECK(transcribe("vtt", file).body.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:"));
  CHECK(json_of(transcribe("verbose_json", file))["usage"]["type"] == "duration");
  CHECK(transcribe("mp3", file).status == 400);
  CHECK(transcribe("json", "").status == 400);
  CHECK(bench.reply("/v1/audio/transcriptions", form_of({}, "x"), form_type).status == 400);
  CHECK(bench.reply("/v1/audio/transcriptions", "{}").status == 400);
}

TEST_CASE("other paths answer in their plain forms") {
  Bench bench;
  const Json completion =
      json_of(bench.reply("/v1/completions", R"({"model":"m","prompt":"x","max_tokens":1})"));
  CHECK(completion["choices"][0]["finish_reason"] == "length");
  const Json moderation = json_of(bench.reply("/v1/moderations", R"({"input":["a","b"]})"));
  CHECK(moderation["results"].size() == 2);
  CHECK(moderation["model"] == "omni-moderation-latest");
  const Json score =
      json_of(bench.reply("/v1/score", R"({"model":"m","text_1":"a","text_2":["b","c"]})"));
  CHECK(score["data"].size() == 2);
  for (const char* pair :
       {R"("queries":"a","documents":["b","c"])", R"("data_1":["a","x"],"data_2":["b","c"])"}) {
    CAPTURE(pair);
    const Reply reply = bench.reply("/v1/score", std::string(R"({"model":"m",)") + pair + "}");
    CHECK(reply.status == 200);
    CHECK(json_of(reply)["data"].size() == 2);
  }
  CHECK(holds(bench.reply("/v1/score", R"({"model":"m","queries":"a"})").body, "'documents'"));
  const Json rerank =
      json_of(bench.reply("/v1/rerank", R"({"model":"m","query":"a","documents":["b"]})"));
  CHECK(rerank["results"][0]["relevance_score"].is_number());
  for (const char* path : {"/v1/completions", "/v1/moderations", "/v1/score", "/v1/rerank"}) {
    CAPTURE(path);
    CHECK(bench.reply(path, R"({"model":"m"})").status == 400);
  }
}

TEST_CASE("texts are at least as large as was asked for, and cut by max_tokens all the same") {
  Bench bench("text_bytes=100000");
  const std::string start = R"({"model":"m","messages":[{"role":"user","content":"x"}])";
  const Json json = json_of(bench.reply("/v1/chat/completions", start + "}"));
  const std::string text = json["choices"][0]["message"]["content"];
  CHECK(text.size() >= 100'000);
  CHECK(text.size() < 102'000);
  CHECK(json["usage"]["completion_tokens"] == token_count(code_points(text)));
  const Json cut = json_of(bench.reply("/v1/chat/completions", start + R"(,"max_tokens":7})"));
  CHECK(cut["choices"][0]["message"]["content"].get<std::string>().size() == 28);
}

}  // namespace
}  // namespace ratebatch::sandbox_openai_test
