#include "ratebatch/model/config.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::inline model {
namespace {

// A kind of model by a pattern of its ids, in lower case.
struct KindOfIds {
  std::string_view pattern;
  ModelKind kind;
};

// From the lists of models in the API references of OpenAI, ElevenLabs, Gemini, Together and
// Groq. The first that fits counts.
constexpr std::array<KindOfIds, 19> kinds_of_ids = {
    {{"*whisper*", ModelKind::transcription},      // OpenAI, Groq, Together
     {"*-transcribe*", ModelKind::transcription},  // OpenAI
     {"scribe*", ModelKind::transcription},        // ElevenLabs
     {"tts-*", ModelKind::speech},                 // OpenAI
     {"*-tts", ModelKind::speech},                 // OpenAI, Gemini
     {"*-tts-*", ModelKind::speech},               // OpenAI, Groq
     {"eleven_*", ModelKind::speech},              // ElevenLabs
     {"cartesia/sonic*", ModelKind::speech},       // Together
     {"*kokoro-*", ModelKind::speech},             // Together
     {"*orpheus-*", ModelKind::speech},            // Together, Groq
     {"*embed*", ModelKind::embedding},            // All of them
     {"baai/bge-*", ModelKind::embedding},         // Together
     {"*/multilingual-e5-*", ModelKind::embedding},
     {"*/gte-*", ModelKind::embedding},
     {"*m2-bert-*", ModelKind::embedding},
     {"*image*", ModelKind::image},  // OpenAI, Gemini
     {"dall-e*", ModelKind::image},  // OpenAI
     {"*flux*", ModelKind::image},   // Together
     {"*stable-diffusion*", ModelKind::image}}};

tl::unexpected<Error> no_model(std::string message) {
  return fail(ErrorCode::invalid_input, std::move(message));
}

std::string quoted(std::string_view name) { return "'" + escaped(name, 80) + "'"; }

// Models with this id, of this provider if one is given: they share what the provider allows, so
// "openai/gpt-4o" must not become a lane beside the configured one.
std::vector<const ModelSettings*> with_id(const Config& config, std::string_view id,
                                          const ProviderSettings* provider) {
  std::vector<const ModelSettings*> found;
  for (const auto& [name, model] : config.models) {
    if (model.id == id && (provider == nullptr || model.provider == provider->name)) {
      found.push_back(&model);
    }
  }
  return found;
}

Result<ModelSettings> only_one(const std::vector<const ModelSettings*>& found,
                               std::string_view name) {
  if (found.size() == 1) return *found.front();
  std::string names;
  for (const ModelSettings* model : found) add_to_list(names, quoted(model->name));
  return no_model("model " + quoted(name) +
                  " is the id of several configured models; name one of " + names);
}

Result<ModelSettings> unconfigured(const Config& config, const ProviderSettings& provider,
                                   std::string_view id) {
  ModelSettings model;
  model.name = provider.name + "/" + std::string(id);
  if (provider.api == "http" && !provider.http) {
    return no_model("model " + quoted(model.name) +
                    " needs 'http:' below it, under models: in the configuration, because its "
                    "provider has none");
  }
  model.provider = provider.name;
  model.id = id;
  model.kind = kind_of_id(id);
  model.retry = config.retry;
  model.http = provider.http;
  return model;
}

std::string advice(const Config& config, std::string_view name) {
  std::vector<std::string> names;
  for (const auto& [known, model] : config.models) {
    names.push_back(known);
    if (model.id != known) names.push_back(model.id);
  }
  std::string suggestion = did_you_mean(name, names);
  if (!suggestion.empty()) return suggestion;
  return "; expected a name under models: in the configuration, or provider/model such as "
         "openai/gpt-4o-mini";
}

// The provider that is meant where none is named: the only one that is not assumed.
const ProviderSettings* only_provider(const Config& config) {
  const ProviderSettings* only = nullptr;
  for (const auto& [name, provider] : config.providers) {
    if (provider.assumed) continue;
    if (only != nullptr) return nullptr;
    only = &provider;
  }
  return only;
}

// The name of the model that a job means; fails where there is none.
Result<std::string> model_name(const Config& config, std::string_view type,
                               std::string_view model) {
  if (!model.empty()) return std::string(model);
  if (type.empty()) return no_model("a job needs a type or a model, and this one has neither");
  const auto found = config.types.find(std::string(type));
  if (found == config.types.end()) {
    std::vector<std::string> names;
    for (const auto& [name, settings] : config.types) names.push_back(name);
    return no_model("unknown type " + quoted(type) + did_you_mean(type, names));
  }
  if (!found->second.model.empty()) return found->second.model;
  return no_model("type " + quoted(type) + " has no model, and the job names none either");
}

}  // namespace

ModelKind kind_of_id(std::string_view id) {
  const std::string lower = lower_case(id);
  const auto known = std::ranges::find_if(
      kinds_of_ids, [&](const KindOfIds& kind) { return matches_glob(kind.pattern, lower); });
  return known == kinds_of_ids.end() ? ModelKind::chat : known->kind;
}

Result<ModelSettings> find_model(const Config& config, std::string_view name) {
  const auto configured = config.models.find(std::string(name));
  if (configured != config.models.end()) return configured->second;
  const auto by_id = with_id(config, name, nullptr);
  if (!by_id.empty()) return only_one(by_id, name);
  // The id may hold slashes of its own: "together/black-forest-labs/FLUX".
  const auto [provider_name, id] = parted(name, '/');
  const auto provider = config.providers.find(std::string(provider_name));
  if (id && !id->empty() && provider != config.providers.end()) {
    const auto of_provider = with_id(config, *id, &provider->second);
    if (!of_provider.empty()) return only_one(of_provider, name);
    return unconfigured(config, provider->second, *id);
  }
  const bool bare = !name.empty() && !id;
  const ProviderSettings* only = only_provider(config);
  if (bare && config.models.empty() && only != nullptr) return unconfigured(config, *only, name);
  return no_model("unknown model " + quoted(name) + advice(config, name));
}

Result<ModelSettings> resolve_model(const Config& config, std::string_view name) {
  auto model = find_model(config, name);
  if (!model || model->enabled) return model;
  return no_model("model " + quoted(model->name) +
                  " is switched off (enabled: false in the configuration)");
}

Result<ModelSettings> find_job_model(const Config& config, std::string_view type,
                                     std::string_view model) {
  RB_TRY(name, model_name(config, type, model));
  return find_model(config, *name);
}

Result<ModelSettings> resolve_job_model(const Config& config, std::string_view type,
                                        std::string_view model) {
  RB_TRY(name, model_name(config, type, model));
  return resolve_model(config, *name);
}

}  // namespace ratebatch::inline model
