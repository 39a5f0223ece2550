// ElevenLabs' API: what it is asked, and what it answers.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::elevenlabs_dialect_test {

using namespace provider;

namespace {

using nlohmann::json;
using Kind = OutcomeClass;

const Dialect& elevenlabs() { return *find_dialect("elevenlabs"); }

Endpoint endpoint(ModelKind kind) {
  return {.base_url = "https://api.elevenlabs.io/v1",
          .model_id = kind == ModelKind::speech ? "eleven_multilingual_v2" : "scribe_v1",
          .kind = kind,
          .timeout = std::chrono::seconds{90}};
}

HttpRequest request_of(const JobContent& content, ModelKind kind) {
  Result<HttpRequest> request = elevenlabs().request(content, endpoint(kind));
  if (!request) FAIL(request.error().message);
  return std::move(*request);
}

HttpRequest speech(const std::string& params) {
  return request_of({.id = "s-1", .prompt = "Hello \xC3\xA9.", .params_json = params},
                    ModelKind::speech);
}

std::string error_of(const JobContent& content, ModelKind kind) {
  const Result<HttpRequest> request = elevenlabs().request(content, endpoint(kind));
  return request ? "none" : request.error().message;
}

Outcome read(const HttpReply& reply, ModelKind kind) {
  return elevenlabs().read(reply, endpoint(kind), {.kind = kind, .raw_body = false});
}

Outcome read_transcript(const std::string& body) {
  return read({.status = 200, .body = body}, ModelKind::transcription);
}

TEST_CASE("elevenlabs: a speech names its voice and format in the URL") {
  const HttpRequest request =
      speech(R"({"voice":"21m/00?","format":"mp3","speed":1.1,"language":"fr","seed":7,)"
             R"("voice_settings":{"stability":0.5},"enable_logging":false,"stream":false})");
  CHECK(request.url ==
        "https://api.elevenlabs.io/v1/text-to-speech/21m%2F00%3F?output_format=mp3_44100_128"
        "&enable_logging=false");
  CHECK(json::parse(request.body) == json::parse(R"({
    "text": "Hello é.", "model_id": "eleven_multilingual_v2", "seed": 7, "language_code": "fr",
    "voice_settings": {"stability":0.5,"speed":1.1}})"));
  CHECK(request.reply_files.binary_body);
  CHECK(request.headers[0].value == "application/json");
  CHECK(request.headers[1].value == "*/*");
  CHECK(request.headers[2].value == "s-1");
  CHECK(elevenlabs().key_header(endpoint(ModelKind::speech)).name == "xi-api-key");
}

TEST_CASE("elevenlabs: formats by a common name, or by the API's own") {
  const std::vector<std::pair<std::string, std::string>> table = {
      {R"({"voice":"v"})", "mp3_44100_128"},
      {R"({"voice":"v","format":"wav"})", "wav_24000"},
      {R"({"voice":"v","format":"pcm"})", "pcm_24000"},
      {R"({"voice":"v","format":"opus"})", "opus_48000_128"},
      {R"({"voice":"v","format":"ulaw"})", "ulaw_8000"},
      {R"({"voice":"v","format":"alaw"})", "alaw_8000"},
      {R"({"voice":"v","format":"pcm_44100"})", "pcm_44100"},
      {R"({"voice":"v","format":"a&b=c"})", "a%26b%3Dc"},
      {R"({"voice":"v","format":"mp3","output_format":"mp3_44100_64"})", "mp3_44100_64"},
  };
  for (const auto& [params, format] : table) {
    CHECK(speech(params).url ==
          "https://api.elevenlabs.io/v1/text-to-speech/v?output_format=" + format);
  }
  // The settings' own speed wins.
  CHECK(json::parse(speech(R"({"voice":"v","speed":2,"voice_settings":{"speed":1}})")
                        .body)["voice_settings"] == json({{"speed", 1}}));
}

TEST_CASE("elevenlabs: a transcription is a form with the file") {
  const HttpRequest request = request_of(
      {.id = "t-1",
       .params_json = R"({"language":"de","diarize":true,"num_speakers":2,"keyterms":["a","b"]})",
       .files = {{.path = "calls/one.mp3", .bytes = std::string("ab\0c", 4)}}},
      ModelKind::transcription);
  CHECK(request.url == "https://api.elevenlabs.io/v1/speech-to-text");
  CHECK(request.headers[0].value.starts_with("multipart/form-data; boundary="));
  CHECK_FALSE(request.reply_files.binary_body);
  const auto has = [&](const std::string& part) {
    return request.body.find(part) != std::string::npos;
  };
  CHECK(has("name=\"model_id\"\r\n\r\nscribe_v1\r\n"));
  CHECK(has("name=\"language_code\"\r\n\r\nde\r\n"));
  CHECK(has("name=\"diarize\"\r\n\r\ntrue\r\n"));
  CHECK(has("name=\"num_speakers\"\r\n\r\n2\r\n"));
  CHECK(has("name=\"keyterms\"\r\n\r\n[\"a\",\"b\"]\r\n"));
  CHECK(has("name=\"file\"; filename=\"one.mp3\"\r\ncontent-type: audio/mpeg\r\n\r\n" +
            std::string("ab\0c", 4) + "\r\n"));
  // Who asks for speakers gets the words too.
  CHECK_FALSE(has("timestamps_granularity"));
}

TEST_CASE("elevenlabs: the times of words are left out unless something needs them") {
  const auto granularity = [](const std::string& params) {
    const HttpRequest request =
        request_of({.params_json = params, .files = {{.path = "a.mp3", .bytes = "x"}}},
                   ModelKind::transcription);
    const std::string name = "name=\"timestamps_granularity\"\r\n\r\n";
    const std::size_t at = request.body.find(name);
    if (at == std::string::npos) return std::string("absent");
    const std::size_t start = at + name.size();
    return request.body.substr(start, request.body.find('\r', start) - start);
  };
  CHECK(granularity("{}") == "none");
  CHECK(granularity(R"({"timestamps_granularity":"word"})") == "word");
  CHECK(granularity(R"({"diarize":true})") == "absent");
  CHECK(granularity(R"({"additional_formats":[{"format":"srt"}]})") == "absent");
}

TEST_CASE("elevenlabs: what cannot be asked is refused with words, unsent") {
  struct Row {
    ModelKind kind;
    JobContent content;
    std::string words;
  };
  const auto speak = ModelKind::speech;
  const auto transcribe = ModelKind::transcription;
  const std::vector<JobFile> file = {{.path = "a.mp3", .bytes = "x"}};
  const std::vector<Row> table = {
      {speak, {.params_json = R"({"voice":"v"})"}, "needs a prompt"},
      {speak, {.system = "s", .prompt = "a", .params_json = R"({"voice":"v"})"}, "system text"},
      {speak, {.prompt = "a"}, "params.voice"},
      {speak, {.prompt = "a", .params_json = R"({"voice":""})"}, "params.voice"},
      {speak, {.prompt = "a", .params_json = R"({"voice":"."})"}, "params.voice"},
      {speak, {.prompt = "a", .params_json = R"({"voice":".."})"}, "params.voice"},
      {speak, {.prompt = "a", .params_json = R"({"voice":7})"}, "params.voice must be a text"},
      {speak, {.prompt = "a", .params_json = R"({"voice":"v","format":7})"}, "params.format"},
      {speak, {.prompt = "a", .params_json = R"({"voice":"v","text":"b"})"}, "text"},
      {speak, {.prompt = "a", .params_json = R"({"voice":"v","model_id":"b"})"}, "model_id"},
      {speak,
       {.prompt = "a", .params_json = R"({"voice":"v","voice_settings":1})"},
       "voice_settings"},
      {speak, {.prompt = "a", .params_json = "7"}, "JSON object"},
      {speak, {.messages_json = "[]"}, "no messages"},
      {speak, {.body_json = "{}"}, "has no body"},
      {transcribe, {}, "exactly one file, and the job has 0"},
      {transcribe, {.files = {file[0], file[0]}}, "the job has 2"},
      {transcribe, {.prompt = "a", .files = file}, "no prompt"},
      {transcribe, {.params_json = R"({"webhook":true})", .files = file}, "webhook"},
      {transcribe, {.params_json = R"({"file":"x"})", .files = file}, "file"},
      {transcribe, {.body_json = "{}", .files = file}, "give it a file"},
      {ModelKind::chat, {.prompt = "a"}, "no models of kind chat"},
  };
  for (const Row& row : table) {
    CAPTURE(row.words);
    const std::string message = error_of(row.content, row.kind);
    CAPTURE(message);
    CHECK(message.find(row.words) != std::string::npos);
  }
}

TEST_CASE("elevenlabs: sound is the answer, with what it costs and how many may run at once") {
  const HttpReply reply{.status = 200,
                        .headers = {{"content-type", "audio/mpeg"},
                                    {"character-cost", "57"},
                                    {"current-concurrent-requests", "2"},
                                    {"maximum-concurrent-requests", "5"},
                                    {"request-id", "req_2"}},
                        .body = "ID3\x04sound"};
  Outcome outcome = read(reply, ModelKind::speech);
  REQUIRE(outcome.answer);
  REQUIRE(outcome.answer->assets.size() == 1);
  CHECK(outcome.answer->assets[0].bytes == "ID3\x04sound");
  CHECK(outcome.answer->assets[0].extension == "mp3");
  CHECK(outcome.usage == Usage{.characters = 57});
  CHECK(outcome.facts.concurrency_max == 5);
  CHECK(outcome.request_id == "req_2");

  HttpReply in_file = reply;
  in_file.body.clear();
  in_file.files = {{.path = "/in/3-0", .bytes = 5, .head = "ID3"}};
  outcome = read(in_file, ModelKind::speech);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->assets[0].path == "/in/3-0");
}

TEST_CASE("elevenlabs: what is no sound is no answer") {
  struct Row {
    std::string type, body;
    Kind kind;
    bool unreadable;
  };
  const std::vector<Row> table = {
      {"audio/mpeg", "", Kind::bad_reply, false},
      {"text/html", "<html>login</html>", Kind::bad_reply, true},
      {"application/json", R"({"audio":"x"})", Kind::bad_reply, true},
      {"application/json", "{", Kind::bad_reply, true},
      {"application/json", R"({"detail":{"status":"system_busy","message":"Busy."}})",
       Kind::overloaded, false},
      {"", R"({"detail":{"status":"system_busy","message":"Busy."}})", Kind::overloaded, false},
  };
  for (const Row& row : table) {
    CAPTURE(row.body);
    HttpReply reply{.status = 200, .body = row.body};
    if (!row.type.empty()) reply.headers = {{"content-type", row.type}};
    const Outcome outcome = read(reply, ModelKind::speech);
    CHECK(to_string(outcome.kind) == to_string(row.kind));
    CHECK(outcome.unreadable == row.unreadable);
    CHECK_FALSE(outcome.answer);
    CHECK_FALSE(outcome.message.empty());
  }
}

TEST_CASE("elevenlabs: a transcript is its text, and kept whole where it says more") {
  const std::string plain = R"({"language_code":"en","text":"Hello.","words":[{"text":"Hello."}]})";
  Outcome outcome = read_transcript(plain);
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->text == "Hello.");
  CHECK(outcome.answer->body_json.empty());
  for (const std::string more : {R"("words":[{"text":"a","start":0.1}])",
                                 R"("words":[{"text":"a","speaker_id":"speaker_0"}])",
                                 R"("additional_formats":[{"content":"x"}])"}) {
    outcome = read_transcript(R"({"text":"a",)" + more + "}");
    REQUIRE(outcome.answer);
    CHECK(outcome.answer->text == "a");
    CHECK(outcome.answer->body_json.find(more) != std::string::npos);
  }
  outcome = read_transcript(R"({"transcripts":[{"text":"one"},{"text":"two"}]})");
  REQUIRE(outcome.answer);
  CHECK(outcome.answer->text == "one\ntwo");
  // Silence.
  CHECK(read_transcript(R"({"text":""})").kind == Kind::done);
}

TEST_CASE("elevenlabs: what is no transcript is unreadable, an error in a 2xx is read") {
  for (const std::string& body : std::vector<std::string>{
           "", "[]", "7", "{", "{}", "<html></html>", R"({"message":"queued"})", R"({"text":7})"}) {
    CAPTURE(body);
    const Outcome outcome = read_transcript(body);
    CHECK(outcome.kind == Kind::bad_reply);
    CHECK(outcome.unreadable);
  }
  const Outcome outcome =
      read_transcript(R"({"detail":{"type":"rate_limit_error","code":"concurrent_limit_exceeded",)"
                      R"("message":"Too many."}})");
  CHECK(outcome.kind == Kind::rate_limited);
  CHECK(outcome.limited == LimitedBy::concurrency);
}

}  // namespace
}  // namespace ratebatch::elevenlabs_dialect_test
