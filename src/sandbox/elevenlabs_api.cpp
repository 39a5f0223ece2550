#include "sandbox/api.hpp"
#include "sandbox/canned_answers.hpp"
#include "sandbox/request_reader.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::string_view speech_path = "/text-to-speech/";

// Used where the request names none (its API reference).
constexpr const char* model_by_default = "eleven_multilingual_v2";

constexpr std::string_view elevenlabs_transcription =
    R"({"language_code":"eng","language_probability":0.98,"text":$text,"words":[]})";

constexpr std::string_view elevenlabs_error =
    R"({"detail":{"code":$code,"message":$message,"request_id":$id,"status":$code,"type":$type}})";

// The older form, which concurrency still has, tells the status only.
constexpr std::string_view concurrency_error = R"({"detail":{"message":$message,"status":$code}})";

// The list form of the web framework that checks the body's members.
constexpr std::string_view missing_member =
    R"({"detail":[{"loc":["body",$param],"msg":"Field required","type":"missing"}]})";

constexpr const char* over_limit =
    "You have exceeded the rate limit of your plan. Please try again later.";

constexpr ErrorTable elevenlabs_errors = {
    {{400, "validation_error", "invalid_parameters"},
     {413, "validation_error", "invalid_parameters"},
     {401, "authentication_error", "invalid_api_key", "Invalid API key"},
     {404, "not_found", "not_found"},
     {405, "invalid_request", "method_not_allowed"},
     {421, "validation_error", "invalid_parameters"},
     {429, "rate_limit_error", "rate_limit_exceeded", over_limit},
     {429, "rate_limit_error", "rate_limit_exceeded", over_limit},
     {429, "", "too_many_concurrent_requests"},
     {500, "internal_error", "internal_error", "An internal error occurred."},
     {503, "service_unavailable", "service_unavailable",
      "The service is temporarily unavailable."}}};

void read_elevenlabs_speech(RequestReader& in, const Question& question) {
  in.read_json();
  in.required("text");
  in.asked.kind = Generation::Kind::speech;
  in.asked.prompt = json::text_member(in.json(), "text");
  in.asked.format = question.query_value("output_format");
  in.refuse_if(in.asked.prompt.empty(), "The text must not be empty.");
  constexpr const char* no_model = "A model with this model_id does not exist.";
  in.set_model(
      in.find("model_id") == nullptr ? model_by_default : json::text_member(in.json(), "model_id"),
      no_model);
  in.refuse_if(in.asked.model.empty(), no_model);
  in.count_text(in.asked.prompt);
}

class ElevenLabsApi final : public Api {
 public:
  using Api::Api;

  [[nodiscard]] ReadRequest read(const Question& question, std::string_view rest) const override {
    const bool is_speech = rest.starts_with(speech_path) && rest.size() > speech_path.size() &&
                           rest.find('/', speech_path.size()) == std::string_view::npos;
    if (!is_speech && rest != "/speech-to-text") return no_such_path(question);
    RequestReader in(question, {"Field required"});
    if (is_speech) {
      read_elevenlabs_speech(in, question);
    } else {
      in.read_recording("model_id", "The model_id is too long.");
    }
    return in.take();
  }

  // It knows no tokens.
  [[nodiscard]] Cost cost(const Generation& /*asked*/, const Amounts& use) const override {
    Amounts counted{};
    for (const Resource resource : {Resource::requests, Resource::images, Resource::characters}) {
      counted[index_of(resource)] = use[index_of(resource)];
    }
    return {counted, counted};
  }

  [[nodiscard]] std::vector<Header> limit_headers(const Decision& decision,
                                                  Now /*now*/) const override {
    if (!decision.concurrency_max) return {};
    return {{"current-concurrent-requests", std::to_string(decision.in_flight)},
            {"maximum-concurrent-requests", std::to_string(*decision.concurrency_max)}};
  }

  [[nodiscard]] Reply answer(const Generation& asked, const AnswerMark& mark) const override {
    Reply reply;
    if (asked.kind == Generation::Kind::speech) {
      reply = spoken(asked.prompt, asked.format, options().seed);
      reply.headers.push_back({"character-cost", std::to_string(asked.input_characters)});
    } else {
      const AnswerText answer = text_for(asked, options());
      reply = json_reply(200, filled(elevenlabs_transcription, {{"text", answer.text}}));
    }
    reply.headers.push_back({"request-id", mark.id});
    return reply;
  }

  [[nodiscard]] Reply error(const Trouble& trouble, const std::string& id) const override {
    const bool is_missing = trouble.kind == Trouble::Kind::bad_request && !trouble.param.empty();
    const bool is_crowded = trouble.kind == Trouble::Kind::too_many_at_once;
    ApiError error = error_of(elevenlabs_errors, trouble);
    if (is_crowded) {
      error.message =
          "Too many concurrent requests. Your current subscription is associated with a maximum "
          "of " +
          std::to_string(trouble.concurrency_max) + " concurrent requests.";
    }
    const std::string_view form = is_missing   ? missing_member
                                  : is_crowded ? concurrency_error
                                               : elevenlabs_error;
    return json_reply(is_missing ? 422 : error.status,
                      filled(form, {{"code", error.code},
                                    {"message", error.message},
                                    {"id", id},
                                    {"type", error.type},
                                    {"param", error.param}}),
                      {{"request-id", id}});
  }
};

}  // namespace

std::unique_ptr<Api> make_elevenlabs_api(const SandboxOptions& options) {
  return std::make_unique<ElevenLabsApi>(options, "elevenlabs", KeyPlace{"xi-api-key", ""});
}

}  // namespace ratebatch::sandbox
