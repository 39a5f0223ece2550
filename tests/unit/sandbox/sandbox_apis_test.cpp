// The APIs of Together, Anthropic, Gemini and ElevenLabs, and those that users describe, as the
// sandbox speaks them.
#include "ratebatch/base/text.hpp"
#include "sandbox/canned_answers.hpp"
#include "support/sandbox_bench.hpp"

namespace ratebatch::sandbox_apis_test {

using namespace sandbox;
using namespace sandbox_bench;

namespace {

const std::string message = R"("messages":[{"role":"user","content":"Hello Ada"}])";
const std::string contents = R"("contents":[{"role":"user","parts":[{"text":"Hello Ada"}]}])";
const std::string messages_path = "/anthropic/v1/messages";
const std::string gemini_path = "/gemini/v1/models/gemini-2.5-flash:generateContent";
const std::string speech_path = "/elevenlabs/v1/text-to-speech/Ada%20L?output_format=mp3_44100_128";
const std::string claude = R"({"model":"claude","max_tokens":4096,)" + message + "}";
const std::vector<HeaderView> version{{"anthropic-version", "2023-06-01"}};

TEST_CASE("Anthropic: a message, its usage and its limits in instants of full seconds") {
  Bench bench("rpm=10,itpm=10000,otpm=5000");
  const Reply reply = bench.reply(messages_path, claude, version);
  CHECK(reply.status == 200);
  const Json body = json_of(reply);
  CHECK(body["type"] == "message");
  CHECK(holds(body["content"][0]["text"].get<std::string>(), "Ada"));
  CHECK(body["stop_reason"] == "end_turn");
  CHECK(body["usage"]["input_tokens"] == 3);
  CHECK(body["usage"]["output_tokens"].get<int>() > 10);
  CHECK(header(reply.headers, "request-id").starts_with("req_"));
  CHECK(header(reply.headers, "anthropic-ratelimit-requests-limit") == "10");
  CHECK(header(reply.headers, "anthropic-ratelimit-requests-remaining") == "9");
  CHECK(header(reply.headers, "anthropic-ratelimit-requests-reset") == "2023-11-14T22:14:20Z");
  CHECK(header(reply.headers, "anthropic-ratelimit-input-tokens-remaining") == "10000");
  CHECK(header(reply.headers, "anthropic-ratelimit-output-tokens-limit") == "5000");
  CHECK(header(reply.headers, "anthropic-ratelimit-tokens-limit") == "(absent)");
  const Json cut = json_of(
      bench.reply(messages_path, R"({"model":"claude","max_tokens":2,)" + message + "}", version));
  CHECK(cut["stop_reason"] == "max_tokens");
  CHECK(cut["usage"]["output_tokens"] == 2);
}

TEST_CASE("Anthropic: output counts when it is there, whatever max_tokens says") {
  Bench bench("otpm=40");
  // Larger than the limit, and let in: nothing is reserved.
  const auto first = bench.post(messages_path, claude, version);
  const auto second = bench.post(messages_path, claude, version);
  REQUIRE(std::holds_alternative<Admitted>(first));
  REQUIRE(std::holds_alternative<Admitted>(second));
  bench.service.end(std::get<Admitted>(first), false, at(0));
  const Reply refused = bench.reply(messages_path, claude, version);
  CHECK(refused.status == 429);
  CHECK(holds(json_of(refused)["error"]["message"].get<std::string>(),
              "rate limit of 40 output tokens per minute (org: org-sandbox, model: claude)"));
  CHECK(header(refused.headers, "retry-after") == "60");
}

TEST_CASE("Anthropic: each error has its status and its type") {
  struct Row {
    const char* options;
    std::string body;
    std::vector<HeaderView> headers;
    int status;
    const char* type;
  };
  const std::string system = R"({"role":"system","content":"x"})";
  const std::vector<Row> rows = {
      {"", claude, {}, 400, "invalid_request_error"},
      {"", R"({"model":"claude",)" + message + "}", version, 400, "invalid_request_error"},
      {"", R"({"max_tokens":5,)" + message + "}", version, 400, "invalid_request_error"},
      {"", R"({"model":"c","max_tokens":0,)" + message + "}", version, 400,
       "invalid_request_error"},
      {"", R"({"model":"c","max_tokens":5,"messages":[]})", version, 400, "invalid_request_error"},
      {"", R"({"model":"c","max_tokens":5,"messages":[)" + system + "]}", version, 400,
       "invalid_request_error"},
      {"", "{", version, 400, "invalid_request_error"},
      {"", claude + std::string(32'000'000, ' '), version, 413, "request_too_large"},
      {"require_key=k", claude, version, 401, "authentication_error"},
      {"outage=0-1s", claude, version, 529, "overloaded_error"},
      {"itpm=2", claude, version, 429, "rate_limit_error"},
  };
  for (const Row& row : rows) {
    Bench bench(row.options);
    CAPTURE(row.body.substr(0, 80));
    const Reply reply = bench.reply(messages_path, row.body, row.headers);
    CHECK(reply.status == row.status);
    const Json body = json_of(reply);
    CHECK(body["type"] == "error");
    CHECK(body["error"]["type"] == row.type);
    CHECK(body["request_id"].get<std::string>().starts_with("req_"));
    CHECK(header(reply.headers, "retry-after") == "(absent)");
  }
  Bench none;
  CHECK(none.reply("/anthropic/v1/complete", claude, version).status == 404);
  CHECK(none.reply_to(none.ask("GET", messages_path, "")).status == 405);
  Bench locked("require_key=k");
  std::vector<HeaderView> with_key = version;
  with_key.push_back({"X-Api-Key", "k"});
  CHECK(locked.reply(messages_path, claude, with_key).status == 200);
}

TEST_CASE("faults come as errors of the API that was asked") {
  struct Row {
    std::string path;
    std::string body;
    std::map<int, std::string> words;
  };
  const std::vector<Row> rows = {
      {messages_path, claude, {{500, "api_error"}, {529, "overloaded_error"}}},
      {gemini_path, "{" + contents + "}", {{500, "INTERNAL"}, {503, "UNAVAILABLE"}}},
      {speech_path, R"({"text":"Hi"})", {{500, "internal_error"}, {503, "service_unavailable"}}},
      {"/together/v1/chat/completions",
       R"({"model":"m",)" + message + "}",
       {{500, "server_error"}, {503, "overloaded or not ready"}}},
      {"/http/any/run", "{}", {{500, "had an error"}, {503, "server_is_overloaded"}}}};
  for (const Row& row : rows) {
    CAPTURE(row.path);
    Bench bench("error_rate=1");
    std::map<int, int> seen;
    for (int i = 0; i < 20; ++i) {
      const Reply reply = bench.reply(row.path, row.body, version);
      ++seen[reply.status];
      REQUIRE(row.words.contains(reply.status));
      CHECK(holds(reply.body, row.words.at(reply.status)));
    }
    CHECK(seen.size() == 2);
    CHECK(bench.ledger.snapshot().charged == 0);
  }
}

TEST_CASE("Gemini: text and pictures as parts, and no headers of limits") {
  Bench bench("rpm=10,tpm=1000");
  const Reply reply = bench.reply(
      gemini_path, R"({"system_instruction":{"parts":[{"text":"four"}]},)" + contents + "}");
  const Json body = json_of(reply);
  CHECK(reply.status == 200);
  CHECK(reply.headers.size() == 1);
  CHECK(holds(body["candidates"][0]["content"]["parts"][0]["text"].get<std::string>(), "Ada"));
  CHECK(body["candidates"][0]["finishReason"] == "STOP");
  CHECK(body["usageMetadata"]["promptTokenCount"] == 4);
  CHECK(body["modelVersion"] == "gemini-2.5-flash");

  const Json cut = json_of(
      bench.reply(gemini_path, R"({"generationConfig":{"maxOutputTokens":1},)" + contents + "}"));
  CHECK(cut["candidates"][0]["finishReason"] == "MAX_TOKENS");

  for (const char* name : {"responseMimeType", "response_mime_type"}) {
    const std::string config = std::string(R"({"generationConfig":{")") + name;
    const Json asked =
        json_of(bench.reply(gemini_path, config + R"(":"application/json"},)" + contents + "}"));
    const std::string text = asked["candidates"][0]["content"]["parts"][0]["text"];
    CHECK(Json::parse(text)["text"].is_string());
    CHECK(asked["usageMetadata"]["candidatesTokenCount"] == token_count(code_points(text)));
  }

  const Json drawn = json_of(bench.reply(
      gemini_path,
      R"({"generationConfig":{"responseModalities":["TEXT","IMAGE"]},)" + contents + "}"));
  const Json& parts = drawn["candidates"][0]["content"]["parts"];
  REQUIRE(parts.size() == 2);
  CHECK(parts[1]["inlineData"]["mimeType"] == "image/png");
  CHECK(parts[1]["inlineData"]["data"].get<std::string>().starts_with("iVBORw0KGgo"));
}

TEST_CASE("Gemini: a refusal names the quota, and tells the wait twice: cut and exact") {
  Bench bench("rpm=1,algorithm=sliding");
  CHECK(bench.reply(gemini_path, "{" + contents + "}").status == 200);
  const auto verdict = bench.post(gemini_path, "{" + contents + "}", {}, 14'197);
  const Reply& reply = std::get<Reply>(verdict);
  CHECK(reply.status == 429);
  CHECK(reply.headers.size() == 1);
  const Json error = json_of(reply)["error"];
  CHECK(error["code"] == 429);
  CHECK(error["status"] == "RESOURCE_EXHAUSTED");
  CHECK(holds(error["message"].get<std::string>(), "Please retry in 45.803s."));
  CHECK(error["details"][0]["violations"][0]["quotaId"] ==
        "GenerateRequestsPerMinutePerProjectPerModel");
  CHECK(error["details"][0]["violations"][0]["quotaValue"] == "1");
  CHECK(error["details"][1]["retryDelay"] == "45s");

  Bench day("rpd=1");
  CHECK(day.reply(gemini_path, "{" + contents + "}").status == 200);
  CHECK(holds(day.reply(gemini_path, "{" + contents + "}").body,
              "GenerateRequestsPerDayPerProjectPerModel"));
  Bench silent("rpm=1,headers=off");
  CHECK(silent.reply(gemini_path, "{" + contents + "}").status == 200);
  CHECK(json_of(silent.reply(gemini_path, "{" + contents + "}"))["error"].size() == 3);
}

TEST_CASE("Gemini: tokens are those of the input") {
  Bench bench("tpm=6");
  CHECK(bench.reply(gemini_path, "{" + contents + "}").status == 200);
  CHECK(bench.reply(gemini_path, "{" + contents + "}").status == 200);
  const Reply refused = bench.reply(gemini_path, "{" + contents + "}");
  CHECK(refused.status == 429);
  CHECK(holds(refused.body, "GenerateContentPaidTierInputTokensPerModelPerMinute"));
}

TEST_CASE("Gemini: what is wrong is INVALID_ARGUMENT, a wrong key too") {
  Bench bench("require_key=k");
  const std::vector<HeaderView> key{{"x-goog-api-key", "k"}};
  const Json wrong = json_of(bench.reply(gemini_path, "{" + contents + "}"));
  CHECK(wrong["error"]["code"] == 400);
  CHECK(wrong["error"]["details"][0]["reason"] == "API_KEY_INVALID");
  for (const char* body : {"{", "{}", R"({"contents":[]})", R"({"contents":[{"parts":[]}]})",
                           R"({"contents":[{"role":"system","parts":[{"text":"x"}]}]})"}) {
    CAPTURE(body);
    const Reply reply = bench.reply(gemini_path, body, key);
    CHECK(reply.status == 400);
    CHECK(json_of(reply)["error"]["status"] == "INVALID_ARGUMENT");
  }
  CHECK(bench.reply(gemini_path, "{" + contents + "}", key).status == 200);
  for (const char* path : {"/gemini/v1/models/:generateContent", "/gemini/v1/models/x",
                           "/gemini/v1/models/x:countTokens"}) {
    CHECK(json_of(bench.reply(path, "{}", key))["error"]["status"] == "NOT_FOUND");
  }
}

TEST_CASE("ElevenLabs: speech as bytes, its cost in characters, and what is in flight") {
  Bench bench("concurrency=2");
  const std::string text = R"({"text":"Björk sings.","model_id":"eleven_v3"})";
  const auto first = bench.post(speech_path, text);
  REQUIRE(std::holds_alternative<Admitted>(first));
  const Reply reply = bench.reply(speech_path, text);
  CHECK(reply.status == 200);
  CHECK(header(reply.headers, "Content-Type") == "audio/mpeg");
  CHECK(reply.body.starts_with("\xFF\xFB"));
  CHECK(header(reply.headers, "character-cost") == "12");
  CHECK(header(reply.headers, "current-concurrent-requests") == "2");
  CHECK(header(reply.headers, "maximum-concurrent-requests") == "2");
  CHECK(header(reply.headers, "request-id") != "(absent)");
  const auto second = bench.post(speech_path, text);
  REQUIRE(std::holds_alternative<Admitted>(second));
  const Reply refused = bench.reply(speech_path, text);
  CHECK(refused.status == 429);
  CHECK(json_of(refused)["detail"]["status"] == "too_many_concurrent_requests");
  CHECK(header(refused.headers, "Retry-After") == "(absent)");
  CHECK(bench.ledger.snapshot().models.at("eleven_v3").granted == 3);
}

TEST_CASE("ElevenLabs: characters are limited, tokens are not known") {
  Bench bench("cpm=20,tpm=1");
  CHECK(bench.reply(speech_path, R"({"text":"twelve chars"})").status == 200);
  const Reply refused = bench.reply(speech_path, R"({"text":"twelve chars"})");
  CHECK(refused.status == 429);
  CHECK(json_of(refused)["detail"]["code"] == "rate_limit_exceeded");
  CHECK(bench.ledger.snapshot().refused_by.at("cpm") == 1);
}

TEST_CASE("ElevenLabs: transcriptions come from forms, and mistakes in the framework's form") {
  Bench bench("require_key=k");
  const std::vector<HeaderView> form{{"xi-api-key", "k"},
                                     {"content-type", "multipart/form-data; boundary=b"}};
  const std::string model =
      "--b\r\nContent-Disposition: form-data; name=\"model_id\"\r\n\r\nscribe_v1\r\n";
  const std::string file =
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\nID3\r\n";
  const std::string path = "/elevenlabs/v1/speech-to-text";
  const Json good = json_of(bench.reply(path, model + file + "--b--", form));
  CHECK(good["text"].get<std::string>().size() > 100);
  for (const std::string& body : {model + "--b--", file + "--b--"}) {
    const Reply reply = bench.reply(path, body, form);
    CHECK(reply.status == 422);
    CHECK(json_of(reply)["detail"][0]["msg"] == "Field required");
  }
  CHECK(bench.reply(path, model, form).status == 400);
  CHECK(bench.reply(speech_path, "{}", form).status == 422);
  CHECK(bench.reply(speech_path, R"({"text":""})", form).status == 400);
  const Reply locked = bench.reply(speech_path, R"({"text":"x"})", {{"xi-api-key", "other"}});
  CHECK(locked.status == 401);
  CHECK(json_of(locked)["detail"]["status"] == "invalid_api_key");
  for (const char* none : {"/elevenlabs/v1/text-to-speech/", "/elevenlabs/v1/text-to-speech/a/b"}) {
    CHECK(bench.reply(none, R"({"text":"x"})", form).status == 404);
  }
}

TEST_CASE("Together: no headers of limits, refusals with a reset, pictures by the request's word") {
  Bench bench("rpm=1");
  const std::string chat = R"({"model":"m",)" + message + "}";
  const Reply reply = bench.reply("/together/v1/chat/completions", chat);
  CHECK(reply.status == 200);
  CHECK(json_of(reply)["choices"][0]["finish_reason"] == "eos");
  CHECK(reply.headers.size() == 2);
  const Reply refused = bench.reply("/together/v1/chat/completions", chat);
  CHECK(refused.status == 429);
  CHECK(header(refused.headers, "x-ratelimit-reset") == "60");
  CHECK(header(refused.headers, "Retry-After") == "(absent)");
  const Json error = json_of(refused)["error"];
  CHECK(error["type"] == "dynamic_request_limited");
  CHECK(holds(error["message"].get<std::string>(),
              "The maximum rate limit for this model is 1.0 queries per minute."));

  const std::string start = R"({"model":"flux","prompt":"whale")";
  const auto item = [&](const std::string& rest) {
    Bench fresh;
    return json_of(fresh.reply("/together/v1/images/generations", start + rest))["data"][0];
  };
  CHECK(item(R"(,"response_format":"base64"})")["type"] == "b64_json");
  CHECK(item(R"(,"response_format":"base64"})")["b64_json"].get<std::string>().size() > 1000);
  CHECK(item("}")["url"].get<std::string>().starts_with("http://127.0.0.1/files/"));
  CHECK(bench.reply("/together/v1/images/generations", start + R"(,"response_format":"b64_json"})")
            .status == 400);
}

TEST_CASE("Together: the limit of an account has words of its own") {
  SandboxOptions options;
  options.overall.windows = {{.name = "rpm", .amount = 1, .window = std::chrono::minutes{1}}};
  Bench bench(options);
  const std::string chat = R"({"model":"m",)" + message + "}";
  CHECK(bench.reply("/together/v1/chat/completions", chat).status == 200);
  const Json error = json_of(bench.reply("/together/v1/chat/completions", chat))["error"];
  CHECK(error["type"] == "credit_limit");
  CHECK(holds(error["message"].get<std::string>(), "Your rate limit is 1 queries per minute."));
}

TEST_CASE("http: answers have the form that the model's user described") {
  SandboxOptions options;
  HttpApi api{.result = "/out/0/text"};
  api.finish_reason = "/out/0/why";
  api.input_tokens = "/meta/in";
  api.output_tokens = "/meta/out";
  api.error_message = "/fault/text";
  api.error_code = "/fault/id";
  api.key_header = "X-Token";
  api.key_prefix = "t:";
  options.http["a b"] = {"id-1", ModelKind::chat, api};
  options.every_model.windows = {{.name = "rpm", .amount = 1, .window = std::chrono::minutes{1}}};
  options.required_key = "k";
  Bench bench(options);
  const std::string path = "/http/a%20b/run/now";
  const std::string body = R"({"deep":[{"q":"Hello Ada"}]})";
  CHECK(json_of(bench.reply(path, body))["fault"].is_null());
  const Reply reply = bench.reply(path, body, {{"x-token", "t:k"}});
  CHECK(reply.status == 200);
  const Json json = json_of(reply);
  CHECK(holds(json["out"][0]["text"].get<std::string>(), "Ada"));
  CHECK(json["out"][0]["why"] == "stop");
  CHECK(json["meta"]["in"] == 3);
  CHECK(json["meta"]["out"].get<int>() > 10);
  const Reply refused = bench.reply(path, body, {{"x-token", "t:k"}});
  CHECK(refused.status == 429);
  CHECK(header(refused.headers, "Retry-After") == "60");
  CHECK(json_of(refused)["fault"]["id"] == "rate_limit_exceeded");
  CHECK(bench.ledger.snapshot().models.at("id-1").granted == 1);
  CHECK(bench.reply_to(bench.ask("GET", path, "", {{"x-token", "t:k"}})).status == 405);
}

TEST_CASE("http: pictures, speech, links and unknown models") {
  SandboxOptions options;
  options.http["picture"] = {"p", ModelKind::image, {}};
  options.http["coded"] = {"c", ModelKind::image, {.result = "/image"}};
  options.http["voice"] = {"v", ModelKind::speech, {}};
  options.http["spoken"] = {"s", ModelKind::speech, {.result = "/audio"}};
  options.http["numbers"] = {"n", ModelKind::embedding, {.result = "/vector"}};
  options.http["some/"] = {"", ModelKind::chat, {.result = "/image"}};
  Bench bench(options);
  CHECK(bench.reply("/http/picture", "{}").body.starts_with("\x89PNG"));
  CHECK(json_of(bench.reply("/http/coded", "{}"))["image"].get<std::string>().starts_with("iVBO"));
  CHECK(header(bench.reply("/http/voice", "{}").headers, "Content-Type") == "audio/mpeg");
  CHECK(json_of(bench.reply("/http/spoken", "{}"))["audio"].get<std::string>().starts_with("//s"));
  CHECK(json_of(bench.reply("/http/numbers", "{}"))["vector"].is_array());
  const Json drawn = json_of(bench.reply("/http/some%2Fflux/x", "{}"));
  CHECK(drawn["image"].get<std::string>().starts_with("iVBO"));
  CHECK(bench.ledger.snapshot().models.contains("flux"));
  const Json plain = json_of(bench.reply_to(bench.ask("GET", "/http/any/x?q=Hello+Ada", "")));
  CHECK(plain["output"].is_string());
  CHECK(plain["usage"]["input_tokens"].get<int>() > 0);
  CHECK(json_of(bench.reply("/http/models", "{}")).contains("output"));
  CHECK(bench.reply("/http/", "{}").status == 404);
  CHECK(bench.reply("/http/any/x", "[").status == 400);
  options.links = true;
  Bench links(options);
  CHECK(json_of(links.reply("/http/coded", "{}"))["image"].get<std::string>().ends_with(".png"));
  CHECK(links.ledger.snapshot().links.announced == 1);
}

TEST_CASE("keys and models of different APIs are counted apart where they could be confused") {
  SandboxOptions options;
  options.models["openai/m"].windows = {
      {.name = "rpm", .amount = 1, .window = std::chrono::minutes{1}}};
  options.models["together/m"].windows = {
      {.name = "rpm", .amount = 2, .window = std::chrono::minutes{1}}};
  Bench bench(options);
  const std::string chat = R"({"model":"m",)" + message + "}";
  const std::vector<HeaderView> key{{"Authorization", "Bearer k"}};
  for (const int status : {200, 429}) {
    CHECK(bench.reply("/openai/v1/chat/completions", chat, key).status == status);
  }
  CHECK(bench.reply("/v1/chat/completions", chat, key).status == 429);  // The same as /openai/v1.
  for (const int status : {200, 200, 429}) {
    CHECK(bench.reply("/together/v1/chat/completions", chat, key).status == status);
  }
  const SandboxStats stats = bench.ledger.snapshot();
  CHECK(stats.models.at("openai/m").granted == 1);
  CHECK(stats.models.at("together/m").granted == 2);
  CHECK(stats.keys.size() == 2);
}

TEST_CASE("the bill is kept by the client's id at every API") {
  Bench bench;
  std::vector<HeaderView> headers = version;
  headers.push_back({"x-client-request-id", "job-1"});
  const std::string chat = R"({"model":"m",)" + message + "}";
  for (const auto& [path, body] :
       std::vector<std::pair<std::string, std::string>>{{"/v1/chat/completions", chat},
                                                        {"/together/v1/chat/completions", chat},
                                                        {messages_path, claude},
                                                        {gemini_path, "{" + contents + "}"},
                                                        {speech_path, R"({"text":"Hi"})"},
                                                        {"/http/any", "{}"}}) {
    CAPTURE(path);
    CHECK(bench.reply(path, body, headers).status == 200);
  }
  CHECK(bench.ledger.snapshot().bill == std::map<std::string, std::int64_t>{{"job-1", 6}});
}

}  // namespace
}  // namespace ratebatch::sandbox_apis_test
