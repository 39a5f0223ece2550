#include "sandbox/elevenlabs_api.hpp"

#include <algorithm>

#include "sandbox/audio.hpp"
#include "sandbox/form_data.hpp"
#include "sandbox/json_body.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::string_view speech_path = "/text-to-speech/";

// Used where the request names none (its API reference).
constexpr const char* model_by_default = "eleven_multilingual_v2";

// The list form of the web framework that checks the body's members.
std::string missing_body(const std::string& member) {
  return written({{"detail", Json::array({{{"type", "missing"},
                                           {"loc", Json::array({"body", member})},
                                           {"msg", "Field required"}}})}});
}

struct ElevenlabsWords {
  int status;
  const char* type;
  const char* code;
  std::string message;
};

ElevenlabsWords elevenlabs_words(const Trouble& trouble) {
  switch (trouble.kind) {
    case Trouble::Kind::bad_request:
    case Trouble::Kind::body_too_large:
    case Trouble::Kind::elsewhere:
      return {usual_status(trouble.kind), "validation_error", "invalid_parameters",
              trouble.message};
    case Trouble::Kind::wrong_key:
      return {401, "authentication_error", "invalid_api_key", "Invalid API key"};
    case Trouble::Kind::not_found:
      return {404, "not_found", "not_found", trouble.message};
    case Trouble::Kind::wrong_method:
      return {405, "invalid_request", "method_not_allowed", trouble.message};
    case Trouble::Kind::rate_limited:
    case Trouble::Kind::never_fits:
      return {429, "rate_limit_error", "rate_limit_exceeded",
              "You have exceeded the rate limit of your plan. Please try again later."};
    case Trouble::Kind::too_many_at_once:
      break;  // Its own form.
    case Trouble::Kind::failed:
      return {500, "internal_error", "internal_error", "An internal error occurred."};
    case Trouble::Kind::overloaded:
      return {503, "service_unavailable", "service_unavailable",
              "The service is temporarily unavailable."};
  }
  return {429, "", "too_many_concurrent_requests",
          "Too many concurrent requests. Your current subscription is associated with a maximum "
          "of " +
              std::to_string(trouble.concurrency_max) + " concurrent requests."};
}

using ReadGeneration = tl::expected<Generation, Trouble>;

ReadGeneration read_elevenlabs_speech(const Question& question) {
  auto json = read_object(question.body);
  if (!json) return refuse(json.error());
  if (!json->contains("text")) return refuse("Field required", "text");
  Generation asked{.kind = Generation::Kind::speech,
                   .model = json->contains("model_id") ? text_at(*json, "model_id")
                                                       : std::string(model_by_default),
                   .prompt = text_at(*json, "text"),
                   .format = question.query_value("output_format")};
  if (asked.prompt.empty()) return refuse("The text must not be empty.");
  if (asked.model.empty() || asked.model.size() > model_name_bytes_max) {
    return refuse("A model with this model_id does not exist.");
  }
  asked.input_characters = character_count(asked.prompt);
  return asked;
}

ReadGeneration read_elevenlabs_transcription(const Question& question) {
  const auto form = Form::read(question.header("Content-Type"), question.body);
  if (!form) return refuse(form.error());
  Generation asked{.kind = Generation::Kind::transcription, .model = form->text("model_id")};
  if (asked.model.empty()) return refuse("Field required", "model_id");
  if (asked.model.size() > model_name_bytes_max) return refuse("The model_id is too long.");
  const FormPart* file = form->find("file");
  if (file == nullptr || !file->file_name || file->bytes.empty()) {
    return refuse("Field required", "file");
  }
  asked.prompt = transcript_subject(file->bytes);
  asked.file_bytes = static_cast<std::int64_t>(file->bytes.size());
  return asked;
}

}  // namespace

KeyPlace ElevenLabsApi::key_place(const Question& /*question*/, std::string_view /*rest*/) const {
  return {"xi-api-key", ""};
}

ReadGeneration ElevenLabsApi::read(const Question& question, std::string_view rest) const {
  const bool is_speech = rest.starts_with(speech_path) && rest.size() > speech_path.size() &&
                         rest.find('/', speech_path.size()) == std::string_view::npos;
  if (!is_speech && rest != "/speech-to-text") return no_such_path(question);
  if (auto good = expect_method(question, "POST"); !good) return tl::unexpected(good.error());
  return is_speech ? read_elevenlabs_speech(question) : read_elevenlabs_transcription(question);
}

// It knows no tokens.
Cost ElevenLabsApi::cost(const Generation& /*asked*/, const Amounts& use) const {
  Amounts counted = use;
  for (const Resource resource :
       {Resource::tokens, Resource::input_tokens, Resource::output_tokens}) {
    counted[index_of(resource)] = 0;
  }
  return {counted, counted};
}

std::vector<Header> ElevenLabsApi::limit_headers(const Decision& decision, Now /*now*/) const {
  if (!decision.concurrency_max) return {};
  return {{"current-concurrent-requests", std::to_string(decision.in_flight)},
          {"maximum-concurrent-requests", std::to_string(*decision.concurrency_max)}};
}

Reply ElevenLabsApi::answer(const Generation& asked, const AnswerMark& mark) const {
  Reply reply;
  if (asked.kind == Generation::Kind::speech) {
    Audio audio = spoken(asked.prompt, asked.format, options().seed);
    reply = {200, {{"Content-Type", std::move(audio.content_type)}}, std::move(audio.bytes)};
    reply.headers.push_back({"character-cost", std::to_string(asked.input_characters)});
  } else {
    reply = json_reply(200, written({{"language_code", "eng"},
                                     {"language_probability", 0.98},
                                     {"text", text_for(asked, options()).text},
                                     {"words", Json::array()}}));
  }
  reply.headers.push_back({"request-id", mark.id});
  return reply;
}

Reply ElevenLabsApi::error(const Trouble& trouble, const std::string& id) const {
  const std::vector<Header> trace{{"request-id", id}};
  if (trouble.kind == Trouble::Kind::bad_request && !trouble.param.empty()) {
    return json_reply(422, missing_body(trouble.param), trace);
  }
  const ElevenlabsWords words = elevenlabs_words(trouble);
  Json detail = {{"status", words.code}, {"message", words.message}};
  // The older form, which concurrency still has, tells the status only.
  if (trouble.kind != Trouble::Kind::too_many_at_once) {
    detail["type"] = words.type;
    detail["code"] = words.code;
    detail["request_id"] = id;
  }
  return json_reply(words.status, written({{"detail", std::move(detail)}}), trace);
}

}  // namespace ratebatch::sandbox
