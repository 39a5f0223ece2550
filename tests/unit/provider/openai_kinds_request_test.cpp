// How jobs of every kind but plain chats become requests of OpenAI's API.
#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::openai_kinds_request_test {

using namespace provider;

namespace {

using nlohmann::json;

Endpoint endpoint_of(ModelKind kind, const std::string& model) {
  return {.base_url = "https://api.openai.com/v1",
          .model_id = model,
          .kind = kind,
          .timeout = std::chrono::seconds{90}};
}

HttpRequest request_of(const JobContent& content, const Endpoint& endpoint) {
  Result<HttpRequest> request = find_dialect("openai")->request(content, endpoint);
  if (!request) FAIL(request.error().message);
  return std::move(*request);
}

std::string refusal_of(const JobContent& content, const Endpoint& endpoint) {
  const Result<HttpRequest> request = find_dialect("openai")->request(content, endpoint);
  if (request) return "(taken)";
  CHECK(request.error().code == ErrorCode::invalid_input);
  return request.error().message;
}

std::string header_of(const HttpRequest& request, const std::string& name) {
  for (const Header& header : request.headers) {
    if (header.name == name) return header.value;
  }
  return "(none)";
}

json body_of(const JobContent& content, const Endpoint& endpoint) {
  return json::parse(request_of(content, endpoint).body);
}

TEST_CASE("models that think first get max_completion_tokens on chats") {
  const JobContent content{.prompt = "Hi", .params_json = R"({"max_tokens":9,"top_p":0.5})"};
  for (const std::string model :
       {"o1", "o1-mini", "o3-2025-04-16", "o4-mini", "gpt-5", "gpt-5.1"}) {
    CAPTURE(model);
    const json body = body_of(content, endpoint_of(ModelKind::chat, model));
    CHECK(body["max_completion_tokens"] == 9);
    CHECK_FALSE(body.contains("max_tokens"));
    CHECK(body["top_p"] == 0.5);
  }
  for (const std::string model : {"gpt-4o-mini", "gpt-4.1", "o100", "openai/gpt-5", "gpt-50"}) {
    CAPTURE(model);
    CHECK(body_of(content, endpoint_of(ModelKind::chat, model))["max_tokens"] == 9);
  }
  const json both =
      body_of({.prompt = "Hi", .params_json = R"({"max_tokens":9,"max_completion_tokens":7})"},
              endpoint_of(ModelKind::chat, "o3"));
  CHECK(both["max_completion_tokens"] == 7);
}

TEST_CASE("format json asks a chat and a response for an object") {
  const JobContent content{.prompt = "Hi", .params_json = R"({"format":"json"})"};
  CHECK(body_of(content, endpoint_of(ModelKind::chat, "gpt-4o")) == json::parse(R"({
    "model":"gpt-4o","messages":[{"role":"user","content":"Hi"}],
    "response_format":{"type":"json_object"}})"));
  CHECK(body_of(content, endpoint_of(ModelKind::responses, "gpt-4o")) == json::parse(R"({
    "model":"gpt-4o","input":"Hi","text":{"format":{"type":"json_object"}}})"));
  const json plain = body_of({.prompt = "Hi", .params_json = R"({"format":"text"})"},
                             endpoint_of(ModelKind::chat, "gpt-4o"));
  CHECK_FALSE(plain.contains("format"));
}

TEST_CASE("a response has its own names for what a chat has") {
  const Endpoint endpoint = endpoint_of(ModelKind::responses, "gpt-5");
  const HttpRequest request = request_of({.id = "r-1",
                                          .system = "You write.",
                                          .prompt = "Hi",
                                          .params_json = R"({"max_tokens":5,"temperature":0})"},
                                         endpoint);
  CHECK(request.url == "https://api.openai.com/v1/responses");
  CHECK(header_of(request, "x-client-request-id") == "r-1");
  CHECK(json::parse(request.body) == json::parse(R"({"model":"gpt-5","input":"Hi",
    "instructions":"You write.","max_output_tokens":5,"temperature":0})"));
  const json body =
      body_of({.system = "s", .messages_json = R"([{"role":"user","content":"a"}])"}, endpoint);
  CHECK(body == json::parse(R"({"model":"gpt-5","instructions":"s",
    "input":[{"role":"user","content":"a"}]})"));
}

TEST_CASE("an embedding asks for its prompt") {
  const HttpRequest request =
      request_of({.prompt = "some text", .params_json = R"({"dimensions":256})"},
                 endpoint_of(ModelKind::embedding, "text-embedding-3-small"));
  CHECK(request.url == "https://api.openai.com/v1/embeddings");
  CHECK(json::parse(request.body) == json::parse(R"({"model":"text-embedding-3-small",
    "input":"some text","dimensions":256})"));
  CHECK(request.reply_files.members.empty());
  CHECK_FALSE(request.reply_files.binary_body);
}

TEST_CASE("speech has a voice and a format, and its reply is a file") {
  const Endpoint endpoint = endpoint_of(ModelKind::speech, "gpt-4o-mini-tts");
  const HttpRequest request = request_of(
      {.system = "Calmly.", .prompt = "Hello.", .params_json = R"({"format":"wav","speed":1.5})"},
      endpoint);
  CHECK(request.url == "https://api.openai.com/v1/audio/speech");
  CHECK(json::parse(request.body) == json::parse(R"({"model":"gpt-4o-mini-tts","input":"Hello.",
    "instructions":"Calmly.","voice":"alloy","response_format":"wav","speed":1.5})"));
  CHECK(request.reply_files.binary_body);
  CHECK(header_of(request, "accept") == "*/*");
  CHECK(body_of({.prompt = "x", .params_json = R"({"voice":"coral"})"}, endpoint)["voice"] ==
        "coral");
  CHECK(body_of({.prompt = "x", .params_json = R"({"voice":{"id":"v_1"}})"}, endpoint)["voice"] ==
        json{{"id", "v_1"}});
}

TEST_CASE("an image takes sizes in both forms, and a format where the model has one") {
  struct Row {
    std::string model, params, added;
  };
  for (const Row& row : std::vector<Row>{
           {"gpt-image-1", R"({"width":1024,"height":1536})", R"({"size":"1024x1536"})"},
           {"gpt-image-1", R"({"size":"1024x1536","width":1024,"height":1536})",
            R"({"size":"1024x1536"})"},
           {"gpt-image-1", R"({"size":"auto"})", "{}"},
           {"gpt-image-1", R"({"format":"webp","quality":"high"})",
            R"({"output_format":"webp","quality":"high"})"},
           {"other/picture", R"({"size":"2K","response_format":"b64_json"})",
            R"({"size":"2K","response_format":"b64_json"})"},
           {"black-forest-labs/FLUX.1-schnell", R"({"width":512,"height":256,"format":"png"})",
            R"({"width":512,"height":256,"output_format":"png"})"},
           {"dall-e-3", R"({"format":"png"})", R"({"response_format":"b64_json"})"},
           {"dall-e-2", R"({"response_format":"url"})", R"({"response_format":"url"})"}}) {
    CAPTURE(row.params);
    json expected = {{"model", row.model}, {"prompt", "x"}};
    expected.update(json::parse(row.added));
    const HttpRequest request = request_of({.prompt = "x", .params_json = row.params},
                                           endpoint_of(ModelKind::image, row.model));
    CHECK(json::parse(request.body) == expected);
    CHECK(request.reply_files.members == std::vector<std::string>{"b64_json"});
  }
}

TEST_CASE("a transcription is a form with its file") {
  const Endpoint endpoint = endpoint_of(ModelKind::transcription, "whisper-1");
  JobContent content{.id = "call-7",
                     .prompt = "ratebatch",
                     .params_json = R"({"format":"verbose_json","language":"de","temperature":0.5,
                       "timestamp_granularities":["word","segment"],"none":null})",
                     .files = {{"calls/a \"b\".mp3", "ID3\x04\r\n"}}};
  const HttpRequest request = request_of(content, endpoint);
  CHECK(request.url == "https://api.openai.com/v1/audio/transcriptions");
  CHECK(header_of(request, "x-client-request-id") == "call-7");
  const std::string type = header_of(request, "content-type");
  REQUIRE(type.starts_with("multipart/form-data; boundary="));
  const std::string line = "--" + type.substr(type.find('=') + 1) + "\r\ncontent-disposition: ";
  for (const std::string part :
       {"form-data; name=\"model\"\r\n\r\nwhisper-1\r\n",
        "form-data; name=\"prompt\"\r\n\r\nratebatch\r\n",
        "form-data; name=\"response_format\"\r\n\r\nverbose_json\r\n",
        "form-data; name=\"language\"\r\n\r\nde\r\n",
        "form-data; name=\"temperature\"\r\n\r\n0.5\r\n",
        "form-data; name=\"timestamp_granularities[]\"\r\n\r\nword\r\n",
        "form-data; name=\"timestamp_granularities[]\"\r\n\r\nsegment\r\n",
        "form-data; name=\"file\"; filename=\"a %22b%22.mp3\"\r\ncontent-type: "
        "audio/mpeg\r\n\r\nID3\x04\r\n\r\n"}) {
    CAPTURE(part);
    CHECK(request.body.find(line + part) != std::string::npos);
  }
  CHECK(request.body.find("none") == std::string::npos);
  CHECK(request_of(content, endpoint).body == request.body);
  content.params_json = "{}";
  CHECK(request_of(content, endpoint).body.find("name=\"response_format\"\r\n\r\njson\r\n") !=
        std::string::npos);
}

TEST_CASE("files become parts of the last message, known by their content") {
  const JobContent content{.system = "You look.",
                           .prompt = "What is it?",
                           .files = {{"a.bin", "GIF89a"}, {"b.wav", "RIFF....WAVE"}}};
  CHECK(body_of(content, endpoint_of(ModelKind::chat, "gpt-4o"))["messages"] == json::parse(R"([
    {"role":"system","content":"You look."},
    {"role":"user","content":[{"type":"text","text":"What is it?"},
      {"type":"image_url","image_url":{"url":"data:image/gif;base64,R0lGODlh"}},
      {"type":"input_audio","input_audio":{"data":"UklGRi4uLi5XQVZF","format":"wav"}}]}])"));
  const JobContent picture{
      .system = "You look.", .prompt = "What is it?", .files = {{"x.png", "no picture"}}};
  CHECK(body_of(picture, endpoint_of(ModelKind::responses, "gpt-4o")) == json::parse(R"({
    "model":"gpt-4o","instructions":"You look.","input":[
    {"role":"user","content":[{"type":"input_text","text":"What is it?"},
      {"type":"input_image","image_url":"data:image/png;base64,bm8gcGljdHVyZQ=="}]}]})"));
  const JobContent messages{
      .messages_json = R"([{"role":"user","content":[{"type":"text","text":"a"}],"name":"n"}])",
      .files = {{"x.mp3", "ID3\x04"}}};
  CHECK(body_of(messages, endpoint_of(ModelKind::chat, "gpt-4o"))["messages"] == json::parse(R"([
    {"role":"user","name":"n","content":[{"type":"text","text":"a"},
      {"type":"input_audio","input_audio":{"data":"SUQzBA==","format":"mp3"}}]}])"));
}

TEST_CASE("a raw body goes to its own path, and its reply's files are known by it") {
  struct Row {
    std::string path;
    ModelKind kind;
    bool has_pictures, is_file;
  };
  for (const Row& row : std::vector<Row>{{"/v1/images/generations", ModelKind::image, true, false},
                                         {"/v1/audio/speech", ModelKind::speech, false, true},
                                         {"/v1/moderations", ModelKind::raw, false, false},
                                         {"/v1/embeddings", ModelKind::embedding, false, false}}) {
    CAPTURE(row.path);
    const HttpRequest request = request_of({.kind = row.kind, .body_json = "{}", .path = row.path},
                                           endpoint_of(ModelKind::chat, "gpt-4o"));
    CHECK(request.url == "https://api.openai.com" + row.path);
    CHECK(request.reply_files.members.empty() != row.has_pictures);
    CHECK(request.reply_files.binary_body == row.is_file);
  }
  CHECK(request_of({.body_json = "{}"}, endpoint_of(ModelKind::responses, "m")).url ==
        "https://api.openai.com/v1/responses");
}

TEST_CASE("a path tells what is asked") {
  struct Row {
    std::string path;
    std::string kind;
  };
  for (const Row& row : std::vector<Row>{{"/v1/chat/completions", "chat"},
                                         {"/chat/completions", "chat"},
                                         {"/v1/chat/completions?api-version=1", "chat"},
                                         {"/v1/responses", "responses"},
                                         {"/v1/embeddings", "embedding"},
                                         {"/v1/images/generations", "image"},
                                         {"/v1/audio/speech", "speech"},
                                         {"/v1/completions", "raw"},
                                         {"/v1/moderations", "raw"},
                                         {"/v1/score", "raw"},
                                         {"/rerank", "raw"},
                                         {"/v1/images/edits", "(none)"},
                                         {"/v1/audio/transcriptions", "(none)"},
                                         {"/v1", "(none)"},
                                         {"/v1/v1/responses", "(none)"},
                                         {"", "(none)"}}) {
    CAPTURE(row.path);
    const std::optional<ModelKind> kind = kind_of_path(row.path);
    CHECK((kind ? std::string(to_string(*kind)) : "(none)") == row.kind);
  }
}

TEST_CASE("a job of any kind that cannot be expressed is refused with the reason") {
  struct Row {
    ModelKind kind;
    std::string reason;
    JobContent content;
  };
  const std::vector<JobFile> audio = {{"a.mp3", "ID3"}};
  const std::vector<JobFile> pdf = {{"dir/a.pdf", "%PDF-1.7"}};
  const auto with = [](const std::string& params) {
    return JobContent{.prompt = "x", .params_json = params};
  };
  for (const Row& row : std::vector<Row>{
           {ModelKind::chat, "pictures, and audio as WAV or MP3", {.prompt = "x", .files = pdf}},
           {ModelKind::chat,
            "'dir/a.pdf' is of type application/pdf",
            {.prompt = "x", .files = pdf}},
           {ModelKind::chat, "asks for nothing about its files", {.files = audio}},
           {ModelKind::chat,
            "must be one of role user",
            {.messages_json = R"([{"role":"assistant","content":"x"}])", .files = audio}},
           {ModelKind::chat, "messages must be", {.messages_json = "[]", .files = audio}},
           {ModelKind::chat, "params.format", with(R"({"format":"xml"})")},
           {ModelKind::responses, "pictures only", {.prompt = "x", .files = audio}},
           {ModelKind::responses, "asks for nothing", {.system = "x"}},
           {ModelKind::responses, "messages must be", {.messages_json = "{}"}},
           {ModelKind::responses, "background", with(R"({"background":true})")},
           {ModelKind::responses, "must not name input", with(R"({"input":"x"})")},
           {ModelKind::responses, "stream", with(R"({"stream":true})")},
           {ModelKind::embedding, "needs a prompt", {.messages_json = "[1]"}},
           {ModelKind::embedding, "takes no files", {.prompt = "x", .files = audio}},
           {ModelKind::speech, "needs a prompt", {}},
           {ModelKind::speech, "stream_format", with(R"({"stream_format":"sse"})")},
           {ModelKind::image, "takes no files", {.prompt = "x", .files = audio}},
           {ModelKind::image, "params.size says something else",
            with(R"({"size":"1x2","width":1,"height":1})")},
           {ModelKind::image, "both be given", with(R"({"width":1})")},
           {ModelKind::transcription, "exactly one file, and the job names 0", {}},
           {ModelKind::transcription,
            "exactly one file, and the job names 2",
            {.files = {{"a", ""}, {"b", ""}}}},
           {ModelKind::transcription,
            "takes no messages",
            {.messages_json = "[1]", .files = audio}},
           {ModelKind::transcription,
            "must not name file",
            {.params_json = R"({"file":"x"})", .files = audio}},
           {ModelKind::raw, "kind raw", {.prompt = "x"}}}) {
    CAPTURE(row.reason);
    const std::string refusal = refusal_of(row.content, endpoint_of(row.kind, "gpt-image-1"));
    CAPTURE(refusal);
    CHECK(refusal.find(row.reason) != std::string::npos);
  }
}

}  // namespace
}  // namespace ratebatch::openai_kinds_request_test
