#include <doctest/doctest.h>

#include <string>

#include "ratebatch/model/config.hpp"
#include "support/input_support.hpp"

namespace ratebatch::config_model_test {

using namespace input_support;

namespace {

ModelSettings model(const std::string& name, const std::string& provider, const std::string& id) {
  ModelSettings settings;
  settings.name = name;
  settings.provider = provider;
  settings.id = id;
  settings.limits.concurrency = 7;
  return settings;
}

Config sample_config() {
  Config config;
  config.retry.jitter_per_mille = 5;
  for (const char* name : {"openai", "local"}) config.providers[name].name = name;
  config.models["mini"] = model("mini", "openai", "gpt-4o-mini");
  config.models["big"] = model("big", "openai", "gpt-4o");
  config.models["local-big"] = model("local-big", "local", "gpt-4o");
  config.models["off"] = model("off", "openai", "o1");
  config.models["off"].enabled = false;
  config.models["a/b"] = model("a/b", "local", "c");
  config.types["bio"].model = "mini";
  config.types["bare"] = {};
  return config;
}

// The name of the lane, or the complaint.
std::string found(const Config& config, std::string_view name) {
  const auto model = resolve_model(config, name);
  return model ? model->name : model.error().message;
}

TEST_CASE("a model is found by name, by id, and by provider and id") {
  const Config config = sample_config();
  CHECK(found(config, "mini") == "mini");
  CHECK(found(config, "a/b") == "a/b");
  CHECK(found(config, "gpt-4o-mini") == "mini");
  CHECK(found(config, "openai/o3") == "openai/o3");
  CHECK(found(config, "local/meta/llama") == "local/meta/llama");
}

TEST_CASE("provider and id of a configured model are that model, with its limits") {
  const Config config = sample_config();
  CHECK(found(config, "openai/gpt-4o-mini") == "mini");
  CHECK(found(config, "openai/gpt-4o") == "big");
  CHECK(found(config, "local/gpt-4o") == "local-big");
}

TEST_CASE("a model made from provider and id has the common retry rules and a kind by its id") {
  const Config config = sample_config();
  const auto chat = resolve_model(config, "openai/gpt-5");
  REQUIRE(chat.has_value());
  CHECK(chat->provider == "openai");
  CHECK(chat->id == "gpt-5");
  CHECK(chat->kind == ModelKind::chat);
  CHECK(chat->limits == Limits{});
  CHECK(chat->retry.jitter_per_mille == 5);
  CHECK(kind_of_id("gpt-image-1") == ModelKind::image);
  CHECK(kind_of_id("chatgpt-image-latest") == ModelKind::image);
  CHECK(kind_of_id("dall-e-3") == ModelKind::image);
  CHECK(kind_of_id("not-dall-e") == ModelKind::chat);
}

TEST_CASE("what is not found names the nearest name or the way out") {
  const Config config = sample_config();
  CHECK(found(config, "mimi") == "unknown model 'mimi' (did you mean 'mini'?)");
  CHECK(found(config, "gpt-4o-mni") == "unknown model 'gpt-4o-mni' (did you mean 'gpt-4o-mini'?)");
  const std::string way_out =
      "; expected a name under models: in the configuration, or provider/model such as "
      "openai/gpt-4o-mini";
  CHECK(found(config, "zzzzzzzzzzzz") == "unknown model 'zzzzzzzzzzzz'" + way_out);
  CHECK(found(config, "nowhere/something") == "unknown model 'nowhere/something'" + way_out);
  CHECK(found(config, "openai/") == "unknown model 'openai/'" + way_out);
  CHECK(found(config, "gpt-4o") ==
        "model 'gpt-4o' is the id of several configured models; name one of 'big', 'local-big'");
}

TEST_CASE("a model that is switched off is found but not resolved") {
  const Config config = sample_config();
  CHECK(found(config, "off") ==
        "model 'off' is switched off (enabled: false in the configuration)");
  CHECK(found(config, "openai/o1") ==
        "model 'off' is switched off (enabled: false in the configuration)");
  CHECK(find_model(config, "off").has_value());
  CHECK(find_job_model(config, "bio", "off").has_value());
  CHECK_FALSE(resolve_job_model(config, "bio", "off").has_value());
}

TEST_CASE("a bare id needs a configured model, unless there is nothing to choose from") {
  Config config;
  config.providers["openai"].name = "openai";
  CHECK(found(config, "gpt-4o") == "openai/gpt-4o");
  CHECK(found(config, "").starts_with("unknown model ''"));
  CHECK(found(config, "other/x").starts_with("unknown model 'other/x'"));
  config.providers["second"].name = "second";
  CHECK(found(config, "gpt-4o").starts_with("unknown model 'gpt-4o'"));
  config.providers.erase("second");
  config.models["mini"] = model("mini", "openai", "gpt-4o-mini");
  CHECK(found(config, "gpt-4o").starts_with("unknown model 'gpt-4o'"));
}

TEST_CASE("a job's own model comes before that of its type") {
  const Config config = sample_config();
  CHECK(resolve_job_model(config, "bio", "")->name == "mini");
  CHECK(resolve_job_model(config, "bio", "big")->name == "big");
  CHECK(resolve_job_model(config, "", "big")->name == "big");
  CHECK(message_of(resolve_job_model(config, "", "")) ==
        "a job needs a type or a model, and this one has neither");
  CHECK(message_of(resolve_job_model(config, "bare", "")) ==
        "type 'bare' has no model, and the job names none either");
  CHECK(message_of(resolve_job_model(config, "boi", "")) ==
        "unknown type 'boi' (did you mean 'bio'?)");
}

TEST_CASE("a bare id is not meant for a provider that is only assumed") {
  Config config;
  config.providers["openai"].name = "openai";
  config.providers["groq"].name = "groq";
  config.providers["groq"].assumed = true;
  CHECK(resolve_model(config, "gpt-5")->provider == "openai");
  CHECK(found(config, "groq/llama") == "groq/llama");
  config.providers["groq"].assumed = false;
  CHECK_FALSE(resolve_model(config, "gpt-5").has_value());
  config.providers.erase("openai");
  CHECK(resolve_model(config, "gpt-5")->provider == "groq");
}

TEST_CASE("the usual names of image models are known") {
  for (const char* id : {"gpt-image-1", "dall-e-3", "black-forest-labs/FLUX.1-schnell",
                         "stabilityai/stable-diffusion-xl", "gemini-2.5-flash-image"}) {
    CAPTURE(id);
    CHECK(kind_of_id(id) == ModelKind::image);
  }
  for (const char* id : {"gpt-4o", "my-dall-e-3", "influence-7b", "llama"}) {
    CAPTURE(id);
    CHECK(kind_of_id(id) == ModelKind::chat);
  }
}

TEST_CASE("the usual names of models for sound and numbers are known") {
  for (const char* id : {"tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gemini-2.5-flash-preview-tts",
                         "eleven_multilingual_v2", "playai-tts-arabic", "cartesia/sonic-2",
                         "hexgrad/Kokoro-82M", "canopylabs/orpheus-3b-0.1-ft"}) {
    CAPTURE(id);
    CHECK(kind_of_id(id) == ModelKind::speech);
  }
  for (const char* id : {"whisper-1", "openai/whisper-large-v3", "distil-whisper-large-v3-en",
                         "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "scribe_v1"}) {
    CAPTURE(id);
    CHECK(kind_of_id(id) == ModelKind::transcription);
  }
  for (const char* id :
       {"text-embedding-3-small", "text-embedding-ada-002", "gemini-embedding-001", "mistral-embed",
        "BAAI/bge-large-en-v1.5", "Alibaba-NLP/gte-modernbert",
        "intfloat/multilingual-e5-large-instruct", "togethercomputer/m2-bert-80M-32k-retrieval"}) {
    CAPTURE(id);
    CHECK(kind_of_id(id) == ModelKind::embedding);
  }
  for (const char* id : {"claude-sonnet-4-5", "gemini-2.5-pro", "o3", "attts", "describer"}) {
    CAPTURE(id);
    CHECK(kind_of_id(id) == ModelKind::chat);
  }
}

}  // namespace
}  // namespace ratebatch::config_model_test
