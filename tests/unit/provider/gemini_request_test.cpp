// How jobs become requests of the Gemini API.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::gemini_request_test {

using namespace provider;

namespace {

using nlohmann::json;

const Dialect& gemini() { return *find_dialect("gemini"); }

Endpoint endpoint(ModelKind kind = ModelKind::chat) {
  return {.base_url = "https://generativelanguage.googleapis.com/v1beta",
          .model_id = "gemini-2.5-flash",
          .kind = kind,
          .timeout = std::chrono::seconds{90}};
}

HttpRequest request_of(JobContent content, ModelKind kind = ModelKind::chat) {
  content.kind = kind;
  Result<HttpRequest> request = gemini().request(content, endpoint(kind));
  if (!request) FAIL(request.error().message);
  return std::move(*request);
}

json body_of(const JobContent& content, ModelKind kind = ModelKind::chat) {
  return json::parse(request_of(content, kind).body);
}

std::string error_of(JobContent content, ModelKind kind = ModelKind::chat) {
  content.kind = kind;
  const Result<HttpRequest> request = gemini().request(content, endpoint(kind));
  return request ? "none" : request.error().message;
}

TEST_CASE("gemini: a prompt becomes contents, with the model in the URL") {
  const HttpRequest request = request_of({.id = "a", .system = "You write.", .prompt = "Hi"});
  CHECK(request.url ==
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent");
  CHECK(json::parse(request.body) == json::parse(R"({
    "systemInstruction": {"parts":[{"text":"You write."}]},
    "contents": [{"role":"user","parts":[{"text":"Hi"}]}]})"));
  CHECK(request.headers.back().name == "x-client-request-id");
  CHECK(request.reply_files.members.empty());
  CHECK(gemini().key_header(endpoint()).name == "x-goog-api-key");
  CHECK(gemini().key_header(endpoint()).prefix.empty());
}

TEST_CASE("gemini: a model's id cannot leave its place in the URL") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"models/gemini-2.5-pro", "/models/gemini-2.5-pro:"},
      {"tunedModels/mine-1", "/tunedModels/mine-1:"},
      {"../../x?y#z", "/models/..%2F..%2Fx%3Fy%23z:"},
      {"models/a/b", "/models/a%2Fb:"},
  };
  for (const auto& [id, path] : table) {
    Endpoint where = endpoint();
    where.model_id = id;
    const Result<HttpRequest> request = gemini().request({.prompt = "a"}, where);
    REQUIRE(request);
    CHECK(request->url == where.base_url + path + "generateContent");
  }
}

TEST_CASE("gemini: neutral parameters go into generationConfig, others to the top") {
  const json body = body_of(
      {.prompt = "Hi",
       .params_json =
           R"({"max_tokens":300,"temperature":0.5,"top_p":0.9,"top_k":4,"stop":"END","seed":7,)"
           R"("presence_penalty":1,"frequency_penalty":2,"format":"json","n":1,)"
           R"("generationConfig":{"topK":5,"thinkingConfig":{"thinkingBudget":0}},)"
           R"("safetySettings":[{"category":"x"}]})"});
  CHECK(body == json::parse(R"({
    "contents": [{"role":"user","parts":[{"text":"Hi"}]}],
    "generationConfig": {"maxOutputTokens":300,"temperature":0.5,"topP":0.9,"topK":5,
      "stopSequences":["END"],"seed":7,"presencePenalty":1,"frequencyPenalty":2,
      "responseMimeType":"application/json","thinkingConfig":{"thinkingBudget":0}},
    "safetySettings": [{"category":"x"}]})"));
}

TEST_CASE("gemini: messages become contents, of the model or the user") {
  const json body = body_of({.messages_json = R"([
    {"role":"system","content":[{"type":"text","text":"Be brief."},{"type":"text","text":"!"}]},
    {"role":"user","content":[{"type":"text","text":"What is it?"},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBOR"}},
      {"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}},
      {"fileData":{"fileUri":"gs://a/b"}}]},
    {"role":"assistant","content":"A cat."},
    {"role":"model","content":"A dog."},
    {"role":"user","content":"Sure?"}])"});
  CHECK(body["systemInstruction"] == json::parse(R"({"parts":[{"text":"Be brief.\n!"}]})"));
  CHECK(body["contents"] == json::parse(R"([
    {"role":"user","parts":[{"text":"What is it?"},
      {"inlineData":{"mimeType":"image/png","data":"iVBOR"}},
      {"inlineData":{"mimeType":"audio/wav","data":"UklG"}},
      {"fileData":{"fileUri":"gs://a/b"}}]},
    {"role":"model","parts":[{"text":"A cat."}]},
    {"role":"model","parts":[{"text":"A dog."}]},
    {"role":"user","parts":[{"text":"Sure?"}]}])"));
}

TEST_CASE("gemini: files are inline data before the text") {
  const json body =
      body_of({.prompt = "What?",
               .files = {{.path = "a.mp3", .bytes = "abc"}, {.path = "b.pdf", .bytes = "de"}}});
  CHECK(body["contents"][0]["parts"] == json::parse(R"([
    {"inlineData":{"mimeType":"audio/mpeg","data":"YWJj"}},
    {"inlineData":{"mimeType":"application/pdf","data":"ZGU="}},
    {"text":"What?"}])"));
}

TEST_CASE("gemini: a transcription asks for the transcript unless its prompt asks otherwise") {
  const std::vector<JobFile> files = {{.path = "a.mp3", .bytes = "abc"}};
  const json plain = body_of({.files = files}, ModelKind::transcription);
  CHECK(plain["contents"][0]["parts"].size() == 2);
  CHECK(plain["contents"][0]["parts"][1]["text"].get<std::string>().starts_with("Transcribe"));
  const json asked = body_of({.prompt = "Sum up.", .files = files}, ModelKind::transcription);
  CHECK(asked["contents"][0]["parts"][1]["text"] == "Sum up.");
  CHECK(error_of({.prompt = "a"}, ModelKind::transcription).find("needs a file") !=
        std::string::npos);
}

TEST_CASE("gemini: an image is asked with the aspect ratio nearest to its size") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {R"("size":"1024x1024")", "1:1"}, {R"("size":"832x1248")", "2:3"},
      {R"("size":"1536x1024")", "3:2"}, {R"("size":"864x1184")", "3:4"},
      {R"("size":"1184x864")", "4:3"},  {R"("size":"896x1152")", "4:5"},
      {R"("size":"1152x896")", "5:4"},  {R"("size":"1024x1792")", "9:16"},
      {R"("size":"1344x768")", "16:9"}, {R"("width":1536,"height":672)", "21:9"},
      {R"("size":"1029x1000")", "1:1"},
  };
  for (const auto& [size, ratio] : table) {
    CAPTURE(size);
    const json body =
        body_of({.prompt = "a cat", .params_json = "{" + size + "}"}, ModelKind::image);
    CHECK(body["generationConfig"] == json({{"responseModalities", {"TEXT", "IMAGE"}},
                                            {"imageConfig", {{"aspectRatio", ratio}}}}));
  }
  const HttpRequest request = request_of({.prompt = "a cat"}, ModelKind::image);
  CHECK(json::parse(request.body)["generationConfig"] ==
        json({{"responseModalities", {"TEXT", "IMAGE"}}}));
  CHECK(request.reply_files.members == std::vector<std::string>{"data"});
  CHECK_FALSE(request.reply_files.binary_body);
}

TEST_CASE("gemini: a body goes without the model that stands in the URL") {
  CHECK(body_of({.body_json = R"({"model":"x","contents":[]})"}) ==
        json::parse(R"({"contents":[]})"));
}

TEST_CASE("gemini: what cannot be asked is refused with words, unsent") {
  struct Row {
    ModelKind kind;
    JobContent content;
    std::string words;
  };
  const auto chat = ModelKind::chat;
  const auto image = ModelKind::image;
  const std::vector<Row> table = {
      {chat, {}, "asks for nothing"},
      {chat, {.messages_json = R"([{"role":"tool","content":"a"}])"}, "role 'tool'"},
      {chat, {.messages_json = R"([{"role":"user","content":[{"type":"x"}]}])"}, "type 'x'"},
      {chat,
       {.messages_json =
            R"([{"role":"user","content":[{"type":"image_url","image_url":"https://a/b"}]}])"},
       "by its URL"},
      {chat, {.prompt = "a", .files = {{.path = "a.xyz", .bytes = "x"}}}, "file 'a.xyz'"},
      {chat, {.prompt = "a", .params_json = R"({"n":3})"}, "several answers"},
      {chat, {.prompt = "a", .params_json = R"({"format":"png"})"}, "format"},
      {chat, {.prompt = "a", .params_json = R"({"generationConfig":1})"}, "generationConfig"},
      {chat, {.prompt = "a", .params_json = R"({"contents":[]})"}, "contents"},
      {chat, {.prompt = "a", .params_json = R"({"stream":true})"}, "stream"},
      {chat, {.body_json = "7"}, "JSON object"},
      {chat,
       {.body_json = "{}", .path = "/v1/chat/completions"},
       "means nothing to the api gemini"},
      {image, {.prompt = "a", .params_json = R"({"size":"1000x1060"})"}, "ratios are 1:1, 2:3"},
      {image, {.prompt = "a", .params_json = R"({"size":"1031x1000"})"}, "1031x1000"},
      {image, {.prompt = "a", .params_json = R"({"size":"x"})"}, "size"},
      {image, {.prompt = "a", .params_json = R"({"format":"png"})"}, "cannot be chosen"},
      {ModelKind::embedding, {.prompt = "a"}, "/v1beta/openai"},
      {ModelKind::speech, {.prompt = "a"}, "no models of kind speech"},
      {ModelKind::responses, {.prompt = "a"}, "no models of kind responses"},
  };
  for (const Row& row : table) {
    CAPTURE(row.words);
    const std::string message = error_of(row.content, row.kind);
    CAPTURE(message);
    CHECK(message.find(row.words) != std::string::npos);
  }
}

}  // namespace
}  // namespace ratebatch::gemini_request_test
