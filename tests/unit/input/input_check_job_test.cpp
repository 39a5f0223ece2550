#include <doctest/doctest.h>

#include <string>

#include "ratebatch/input/config_file.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/input/render_job.hpp"
#include "support/input_support.hpp"

namespace ratebatch::input_check_job_test {

using namespace input;
using namespace input_support;

namespace {

constexpr const char* config_text = R"(
models:
  mini: {id: gpt-4o-mini, params: {temperature: 0.5, max_tokens: 10, seed: 1}}
  picture: {id: gpt-image-1}
  off: {id: gpt-4o, enabled: false}
types:
  bio:
    model: mini
    system: "For {{site|us}}."
    prompt: "{{artist}}, {{genre|music}}{{note?}}"
    params: {max_tokens: 300, nested: {a: 1}}
  strict: {model: mini, system: "For {{site}}.", prompt: "{{a}} {{b}}"}
  image: {model: picture, prompt: "{{subject}}"}
  bare: {model: mini}
  modelless: {prompt: "{{a}}"}
  sleeping: {model: off, prompt: "x"}
)";

Config sample_config() {
  auto config = parse_config(config_text, "ratebatch.yaml");
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  return *config;
}

std::string check(const std::string& line, const Config& config) {
  const auto job = parse_job_line(line);
  REQUIRE_MESSAGE(job.has_value(), message_of(job));
  const auto checked = JobChecker{config}.check(*job);
  return checked ? "ok" : checked.error().message;
}

std::string batch_line(const std::string& url, const std::string& model) {
  return R"({"custom_id":"a","method":"POST","url":")" + url + R"(","body":{"model":")" + model +
         "\"}}";
}

TEST_CASE("a bare line that its provider cannot take lacks an id, not a path") {
  const auto config =
      parse_config("models: {claude: {provider: anthropic, id: claude-x}}", "c.yaml");
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  const LineOrigin origin{"jobs", 1, {}};
  const auto job = JobLineParser{}.parse(
      R"({"model":"claude","messages":[{"role":"user","content":"hi"}]})", &origin);
  REQUIRE_MESSAGE(job.has_value(), message_of(job));
  const auto checked = JobChecker{*config}.check(*job);
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().message ==
        "missing field 'id'; a line without it is a request body for OpenAI's API, but provider "
        "'anthropic' speaks 'anthropic'");
}

struct Checked {
  std::string line;
  std::string message;
};

TEST_CASE("a line is checked against the configuration") {
  const Checked lines[] = {
      {R"({"id":1,"type":"bio","vars":{"artist":"Nina"}})", "ok"},
      {R"({"id":1,"type":"bio","prompt":"p"})", "ok"},
      {R"({"id":1,"type":"bio","model":"picture","vars":{"artist":"Nina"}})", "ok"},
      {R"({"id":1,"model":"openai/o3","messages":[{"role":"user"}]})", "ok"},
      {R"({"id":1,"type":"sleeping","vars":{}})", "ok"},
      {R"({"id":1,"type":"bioo","vars":{}})", "unknown type 'bioo' (did you mean 'bio'?)"},
      {R"({"id":1,"type":"\u202ezzzzzzzz","vars":{}})", "unknown type '\\u{202e}zzzzzzzz'"},
      {R"({"id":1,"prompt":"p"})", "a job needs a type or a model, and this one has neither"},
      {R"({"id":1,"type":"modelless","vars":{"a":1}})",
       "type 'modelless' has no model, and the job names none either"},
      {R"({"id":1,"model":"minni","prompt":"p"})", "unknown model 'minni' (did you mean 'mini'?)"},
      {R"({"id":1,"model":"mini","vars":{}})",
       "vars need a type, whose prompt template they fill in"},
      {R"({"id":1,"type":"bare","vars":{}})",
       "vars need a prompt template, and type 'bare' has none"},
      {R"({"id":1,"type":"bio","vars":{"artits":"Nina"}})",
       "missing variable 'artist' in the prompt of type 'bio'; the line has 'artits'"},
      {R"({"id":1,"type":"bio","vars":{"artist":null}})",
       "missing variable 'artist' in the prompt of type 'bio'"},
      {R"({"id":1,"type":"strict","vars":{}})",
       "missing variables 'a', 'b' in the prompt of type 'strict'"},
      {R"({"id":1,"type":"strict","vars":{"a":1,"b":2}})",
       "missing variable 'site' in the system text of type 'strict'"},
      {R"({"id":1,"type":"strict","messages":[{"role":"user"}]})",
       "missing variable 'site' in the system text of type 'strict'"},
      {R"({"id":1,"type":"strict","messages":[{"role":"system"}]})", "ok"},
      {R"({"id":1,"type":"strict","body":{}})", "ok"},
      {R"({"id":1,"model":"picture","messages":[{"role":"user"}]})",
       "messages need a chat or responses model, but 'picture' is an image model"},
      {batch_line("/v1/chat/completions", "gpt-4o-mini"), "ok"},
      {batch_line("/chat/completions", "mini"), "ok"},
      {batch_line("/v1/images/generations", "gpt-image-1"), "ok"},
      {batch_line("/images/generations", "picture"), "ok"},
      {batch_line("/v1/chat/completions", "picture"), "ok"},
      {batch_line("/v1/embeddings", "mini"), "ok"},
      {batch_line("/score", "mini"), "ok"},
      {batch_line("/v1/images/edits", "mini"),
       "url '/v1/images/edits' is not supported; expected one of /v1/chat/completions, "
       "/v1/responses, /v1/embeddings, /v1/images/generations, /v1/audio/speech, /v1/completions, "
       "/v1/moderations, /v1/score, /v1/rerank"},
      {batch_line("/v1/chat/completions", "anthropic/claude-sonnet-4-5"),
       "url '/v1/chat/completions' is one of OpenAI's API, but provider 'anthropic' speaks "
       "'anthropic'; write the job with id, model and messages or prompt"},
      {batch_line("/v1/chat/completions", "together/llama"), "ok"},
  };
  const Config config = sample_config();
  for (const Checked& line : lines) {
    CAPTURE(line.line);
    CHECK(check(line.line, config) == line.message);
  }
}

TEST_CASE("each kind of model is asked with what it can be asked with") {
  const Checked lines[] = {
      {R"({"id":1,"model":"openai/tts-1","prompt":"p"})", "ok"},
      {R"({"id":1,"model":"openai/tts-1","messages":[{"role":"user"}]})",
       "messages need a chat or responses model, but 'openai/tts-1' is a speech model"},
      {R"({"id":1,"model":"openai/tts-1","prompt":"p","files":"a.txt"})",
       "files need a chat, responses, image or transcription model, but 'openai/tts-1' is a speech "
       "model"},
      {R"({"id":1,"model":"openai/text-embedding-3-small","prompt":"p"})", "ok"},
      {R"({"id":1,"model":"openai/text-embedding-3-small","prompt":"p","files":"a.txt"})",
       "files need a chat, responses, image or transcription model, but "
       "'openai/text-embedding-3-small' is an embedding model"},
      {R"({"id":1,"model":"openai/whisper-1","files":"a.mp3"})", "ok"},
      {R"({"id":1,"model":"openai/whisper-1","files":["a.mp3"],"prompt":"p"})", "ok"},
      {R"({"id":1,"model":"openai/whisper-1","prompt":"p"})",
       "a transcription model, which 'openai/whisper-1' is, needs exactly one file in 'files', and "
       "the line has 0"},
      {R"({"id":1,"model":"openai/whisper-1","files":["a.mp3","b.mp3"]})",
       "a transcription model, which 'openai/whisper-1' is, needs exactly one file in 'files', and "
       "the line has 2"},
      {R"({"id":1,"model":"openai/whisper-1","files":"a.mp3","messages":[{"role":"user"}]})",
       "messages need a chat or responses model, but 'openai/whisper-1' is a transcription model"},
      {R"({"id":1,"model":"mini","files":"a.png"})",
       "files alone are no question to a chat model, which 'mini' is; add a prompt or vars"},
      {R"({"id":1,"model":"picture","files":["a.png","b.png"],"prompt":"p"})", "ok"},
      {R"({"id":1,"type":"caption","files":"a.png"})", "ok"},
      {R"({"id":1,"type":"bio","files":"a.png"})",
       "missing variable 'artist' in the prompt of type 'bio'"},
      {R"({"id":1,"model":"openai/tts-1","body":{"messages":[]}})", "ok"},
  };
  Config config = sample_config();
  config.types["caption"] = config.types["bare"];
  config.types["caption"].name = "caption";
  config.types["caption"].prompt = "What is {{what|this}}?";
  for (const Checked& line : lines) {
    CAPTURE(line.line);
    CHECK(check(line.line, config) == line.message);
  }
  const auto content = render_job(R"({"id":1,"type":"caption","files":["a/b.png"]})", config);
  REQUIRE(content.has_value());
  CHECK(content->prompt == "What is this?");
  REQUIRE(content->files.size() == 1);
  CHECK(content->files[0].path == "a/b.png");
  CHECK(content->files[0].bytes.empty());
}

TEST_CASE("a path decides what kind of answer is expected") {
  const auto kind = [](const std::string& url) {
    return render_job(batch_line(url, "mini"), sample_config())->kind;
  };
  CHECK(kind("/v1/chat/completions") == ModelKind::chat);
  CHECK(kind("/v1/embeddings") == ModelKind::embedding);
  CHECK(kind("/v1/moderations") == ModelKind::raw);
}

TEST_CASE("the built-in providers need no configuration but their key") {
  const Config config = built_in_config();
  for (const auto& [model, kind] :
       {std::pair{"anthropic/claude-sonnet-4-5", ModelKind::chat},
        std::pair{"gemini/gemini-2.5-flash", ModelKind::chat},
        std::pair{"gemini/gemini-2.5-flash-image", ModelKind::image},
        std::pair{"elevenlabs/eleven_multilingual_v2", ModelKind::speech},
        std::pair{"together/black-forest-labs/FLUX.1-schnell", ModelKind::image}}) {
    CAPTURE(model);
    const std::string line = std::string(R"({"id":1,"prompt":"p","model":")") + model + "\"}";
    CHECK(check(line, config) == "ok");
    CHECK(render_job(line, config)->kind == kind);
  }
}

TEST_CASE("without a configuration a Batch file runs, and a type is explained") {
  const Config config = built_in_config();
  CHECK(check(batch_line("/v1/chat/completions", "gpt-4o-mini"), config) == "ok");
  CHECK(check(R"({"id":1,"type":"bio","vars":{}})", config) ==
        "unknown type 'bio'; the configuration has no types");
}

TEST_CASE("vars fill in the templates, and the later params win") {
  const auto content = render_job(R"({"id":"b","type":"bio","vars":{"artist":"Nina","year":1},)"
                                  R"("params":{"seed":2,"nested":{}}})",
                                  sample_config());
  REQUIRE_MESSAGE(content.has_value(), message_of(content));
  CHECK(content->id == "b");
  CHECK(content->system == "For us.");
  CHECK(content->prompt == "Nina, music");
  CHECK(content->params_json == R"({"max_tokens":300,"nested":{},"seed":2,"temperature":0.5})");
  CHECK(content->messages_json.empty());
  CHECK(content->body_json.empty());
  CHECK(content->path.empty());
}

TEST_CASE("a finished prompt is not a template") {
  const auto content =
      render_job(R"({"id":1,"type":"bio","prompt":"{{artist}} {{"})", sample_config());
  REQUIRE(content.has_value());
  CHECK(content->prompt == "{{artist}} {{");
  CHECK(content->system == "For us.");
}

TEST_CASE("messages take the system text of the type unless they bring one") {
  const Config config = sample_config();
  const auto with = [&](const std::string& messages) {
    const auto content = render_job(R"({"id":1,"type":"bio","messages":)" + messages + "}", config);
    REQUIRE(content.has_value());
    CHECK(content->messages_json == messages);
    CHECK(content->prompt.empty());
    return content->system;
  };
  CHECK(with(R"([{"content":"a","role":"user"}])") == "For us.");
  CHECK(with(R"([{"content":"a","role":"system"},{"content":"b","role":"user"}])").empty());
  CHECK(with(R"([{"content":"a","role":"developer"}])").empty());
}

TEST_CASE("a body stays as it is but for the provider's name of the model") {
  const Config config = sample_config();
  const auto batch = render_job(batch_line("/v1/chat/completions", "mini"), config);
  REQUIRE(batch.has_value());
  CHECK(batch->body_json == R"({"model":"gpt-4o-mini"})");
  CHECK(batch->path == "/v1/chat/completions");
  CHECK(batch->params_json == "{}");
  const auto native = render_job(R"({"id":1,"type":"bio","body":{"input":[1.5]}})", config);
  REQUIRE(native.has_value());
  CHECK(native->body_json == R"({"input":[1.5],"model":"gpt-4o-mini"})");
  CHECK(native->path.empty());
  CHECK(native->system.empty());
}

TEST_CASE("the model's place in a body is found whatever stands around it") {
  struct Row {
    std::string body, sent;
  };
  const Config config = sample_config();
  JobRenderer renderer{config};
  for (const Row& row : {
           Row{R"({"model":"mini","a":"model"})", R"({"model":"gpt-4o-mini","a":"model"})"},
           Row{R"({ "a" : {"model":"x"} , "model" : "mini" , "b":[1] })",
               R"({ "a" : {"model":"x"} , "model" : "gpt-4o-mini" , "b":[1] })"},
           Row{R"({"m\u006fdel":"mini"})", R"({"m\u006fdel":"gpt-4o-mini"})"},
           Row{"{}", R"({"model":"gpt-4o-mini"})"},
           Row{"{ }", R"({ "model":"gpt-4o-mini"})"},
           Row{R"({"a":"}" })", R"({"a":"}" ,"model":"gpt-4o-mini"})"},
       }) {
    const auto content = renderer.render(R"({"id":1,"type":"bio","body":)" + row.body + "}");
    REQUIRE_MESSAGE(content.has_value(), message_of(content));
    CHECK(content->body_json == row.sent);
  }
}

TEST_CASE("a renderer and a checker serve many jobs of many types") {
  const Config config = sample_config();
  JobRenderer renderer{config};
  JobLineParser parser;
  JobChecker checker{config};
  const std::string lines[] = {
      R"({"id":1,"type":"bio","vars":{"artist":"Nina"},"params":{"seed":2}})",
      R"({"id":2,"type":"bio","vars":{"artist":"Ella"}})",
      R"({"id":3,"type":"bio","model":"picture","vars":{"artist":"Ella"}})",
      R"({"id":4,"type":"none","vars":{}})",
      R"({"id":5,"type":"bio","vars":{}})",
      R"({"id":6,"type":"bio","model":"none","prompt":"p"})",
      R"({"id":7,"model":"mini","prompt":"p"})",
      R"({"id":8,"type":"sleeping","prompt":"p"})",
  };
  for (int round = 0; round < 2; ++round) {
    for (const std::string& line : lines) {
      CAPTURE(line);
      const auto again = renderer.render(line);
      const auto alone = render_job(line, config);
      CHECK(message_of(again) == message_of(alone));
      const auto job = parser.parse(line);
      REQUIRE(job.has_value());
      CHECK(message_of(checker.check(*job)) == message_of(JobChecker{config}.check(*job)));
      if (!again || !alone) continue;
      CHECK(again->id == alone->id);
      CHECK(again->prompt == alone->prompt);
      CHECK(again->system == alone->system);
      CHECK(again->params_json == alone->params_json);
    }
  }
}

TEST_CASE("a job of a model that is switched off is not rendered") {
  const auto content = render_job(R"({"id":1,"type":"sleeping","vars":{}})", sample_config());
  CHECK(message_of(content) == "model 'off' is switched off (enabled: false in the configuration)");
}

TEST_CASE("a job that the configuration no longer fits says so") {
  const auto content = render_job(R"({"id":1,"type":"bio","vars":{}})", sample_config());
  CHECK(message_of(content) == "missing variable 'artist' in the prompt of type 'bio'");
}

TEST_CASE("a recipe names all that makes a result") {
  const Config config = sample_config();
  const auto bio = recipe_json(config, "bio", "");
  REQUIRE(bio.has_value());
  CHECK(*bio ==
        R"({"kind":"chat","model":"gpt-4o-mini","params":{"max_tokens":300,"nested":{"a":1},)"
        R"("seed":1,"temperature":0.5},"prompt":"{{artist}}, {{genre|music}}{{note?}}",)"
        R"("provider":"openai","system":"For {{site|us}}.","type":"bio"})");
  const auto typeless = recipe_json(config, "", "picture");
  REQUIRE(typeless.has_value());
  CHECK(*typeless == R"({"kind":"image","model":"gpt-image-1","params":{},"prompt":"",)"
                     R"("provider":"openai","system":"","type":""})");
  CHECK(recipe_json(config, "sleeping", "").has_value());
  CHECK(message_of(recipe_json(config, "none", "")) == "unknown type 'none'");
}

TEST_CASE("a recipe changes with each of its parts and with nothing else") {
  const Config config = sample_config();
  const auto before = recipe_json(config, "bio", "");
  Config other = config;
  other.workers = 9;
  other.models["mini"].timeout = std::chrono::seconds{1};
  other.models["mini"].limits.concurrency = 1;
  CHECK(recipe_json(other, "bio", "") == before);
  other.types["bio"].system = "x";
  CHECK(recipe_json(other, "bio", "") != before);
  other = config;
  other.models["mini"].id = "gpt-4.1";
  CHECK(recipe_json(other, "bio", "") != before);
  other = config;
  other.models["mini"].params_json = "{}";
  CHECK(recipe_json(other, "bio", "") != before);
  other = config;
  other.types["bio"].accept.chars_min = 5;
  CHECK(recipe_json(other, "bio", "") == before);
  other.models["mini"].http = HttpApi{};
  const auto described = recipe_json(other, "bio", "");
  CHECK(described != before);
  other.models["mini"].http->key_prefix = "Token ";
  CHECK(recipe_json(other, "bio", "") == described);
  other.models["mini"].http->path = "/x";
  CHECK(recipe_json(other, "bio", "") != described);
}

}  // namespace
}  // namespace ratebatch::input_check_job_test
