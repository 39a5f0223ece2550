#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/base64.hpp"
#include "sandbox/api.hpp"
#include "sandbox/canned_answers.hpp"
#include "sandbox/request_reader.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::string_view gemini_models = "/models/";
constexpr std::string_view method_behind_model = ":generateContent";

constexpr std::string_view gemini_answer =
    R"({"candidates":[{"content":{"parts":[{"text":$text}$picture],"role":"model"},)"
    R"("finishReason":$reason,"index":0}],"modelVersion":$model,"responseId":"$id",)"
    R"("usageMetadata":{"candidatesTokenCount":$output,"promptTokenCount":$input,)"
    R"("totalTokenCount":$total}})";

constexpr std::string_view gemini_error =
    R"({"error":{"code":$status,$details"message":$message,"status":$type}})";

constexpr std::string_view wrong_key_details =
    R"("details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",)"
    R"("domain":"googleapis.com","reason":"API_KEY_INVALID"}],)";

constexpr std::string_view quota_details =
    R"("details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[)"
    R"({"quotaDimensions":{"location":"global","model":$model},"quotaId":$quota_id,)"
    R"("quotaMetric":$metric,"quotaValue":"$amount"}]},)"
    R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":$delay}],)";

constexpr ErrorTable gemini_errors = {
    {{400, "INVALID_ARGUMENT"},
     {413, "INVALID_ARGUMENT"},
     {400, "INVALID_ARGUMENT", "", "API key not valid. Please pass a valid API key."},
     {404, "NOT_FOUND"},
     {405, "INVALID_ARGUMENT"},
     {421, "INVALID_ARGUMENT"},
     {429, "RESOURCE_EXHAUSTED", "", "Resource has been exhausted (e.g. check quota)."},
     {429, "RESOURCE_EXHAUSTED", "", "Resource has been exhausted (e.g. check quota)."},
     {429, "RESOURCE_EXHAUSTED", "", "Resource has been exhausted (e.g. check quota)."},
     {500, "INTERNAL", "", "An internal error has occurred. Please retry."},
     {503, "UNAVAILABLE", "", "The model is overloaded. Please try again later."}}};

// The text of {"parts": [{"text": ...}]}; nullopt where it has no parts.
std::optional<std::string> text_of_content(const Json& content) {
  const Json* const parts = find_member(content, {"parts"});
  if (parts == nullptr || !parts->is_array() || parts->empty()) return std::nullopt;
  return text_of_parts(*parts);
}

void read_contents(RequestReader& in) {
  const Json* const contents = in.find("contents");
  if (contents == nullptr || !contents->is_array() || contents->empty()) {
    return in.refuse("* GenerateContentRequest.contents: contents is not specified");
  }
  for (std::size_t i = 0; i < contents->size(); ++i) {
    const Json& content = (*contents)[i];
    const auto text = text_of_content(content);
    if (!text) {
      return in.refuse(
          fmt::format("* GenerateContentRequest.contents[{}].parts: must not be empty", i));
    }
    in.count_text(*text);
    const std::string role = json::text_member(content, "role");
    in.refuse_if(!role.empty() && role != "user" && role != "model",
                 "Please use a valid role: user, model.");
    if (role != "model") in.add_to_prompt(*text);
  }
}

// All members are found under their JSON name, or as protocol buffers call them: the API takes
// both.
void read_config(RequestReader& in, const Json& config) {
  // Pictures come only where they are asked for, whatever the model can do.
  const Json* const wanted = find_member(config, {"responseModalities", "response_modalities"});
  const bool wants_picture =
      wanted != nullptr && wanted->is_array() && std::ranges::any_of(*wanted, [](const Json& one) {
        return one == "IMAGE" || one == "Image";
      });
  if (wants_picture) in.asked.kind = Generation::Kind::image;
  const Json* const type = find_member(config, {"responseMimeType", "response_mime_type"});
  in.asked.wants_json = type != nullptr && *type == "application/json";
  const Json* const tokens = find_member(config, {"maxOutputTokens", "max_output_tokens"});
  if (tokens == nullptr) return;
  in.asked.tokens_max = positive(*tokens);
  in.refuse_if(*in.asked.tokens_max < 1, "max_output_tokens must be positive");
}

bool is_of_input_tokens(const LimitTerms& terms) {
  return terms.resource == Resource::tokens || terms.resource == Resource::input_tokens;
}

// The API has none for output tokens and characters: theirs follows its pattern.
std::string quota_id(const LimitTerms& terms) {
  const bool is_day = terms.window == std::chrono::hours{24};
  const char* const window = is_day ? "PerDay" : "PerMinute";
  if (is_of_input_tokens(terms)) {
    return fmt::format("GenerateContentPaidTierInputTokensPerModel{}", window);
  }
  const bool is_images = terms.resource == Resource::images;
  if (!is_images && terms.resource != Resource::requests) {
    return fmt::format("GenerateContentOutputPerModel{}", window);
  }
  return fmt::format("Generate{}{}PerProjectPerModel", is_images ? "Images" : "Requests", window);
}

// Word for word as in refusals that users published; the order of `details` varies there.
void add_quota(const Trouble& trouble, std::string& message, std::string& details) {
  const LimitTerms& terms = *trouble.limit->terms;
  const Duration wait = trouble.limit->reading.wait;
  const std::string metric =
      std::string("generativelanguage.googleapis.com/") +
      (is_of_input_tokens(terms) ? "generate_content_paid_tier_input_token_count"
                                 : "generate_requests_per_model");
  message = fmt::format(
      "You exceeded your current quota, please check your plan and billing details. For more "
      "information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To "
      "monitor your current usage, head to: https://ai.dev/rate-limit. \n* Quota exceeded for "
      "metric: {}, limit: {}, model: {}\nPlease retry in {:.9g}s.",
      metric, terms.amount, trouble.model, static_cast<double>(wait.count()) / 1e9);
  details = filled(quota_details, {{"model", trouble.model},
                                   {"quota_id", quota_id(terms)},
                                   {"metric", metric},
                                   {"amount", terms.amount},
                                   // Cut to whole seconds, as there.
                                   {"delay", fmt::format("{}s", wait.count() / 1'000'000'000)}});
}

// It has no headers of limits.
class GeminiApi final : public Api {
 public:
  using Api::Api;

  [[nodiscard]] ReadRequest read(const Question& question, std::string_view rest) const override {
    const std::string path = percent_decoded(rest);
    constexpr std::size_t around = gemini_models.size() + method_behind_model.size();
    const bool is_known = path.starts_with(gemini_models) && path.ends_with(method_behind_model);
    if (!is_known || path.size() <= around) return no_such_path(question);
    RequestReader in(question);
    in.read_json();
    in.set_model(path.substr(gemini_models.size(), path.size() - around),
                 "The model name is too long.");
    read_contents(in);
    if (const Json* const system = in.find({"systemInstruction", "system_instruction"})) {
      in.count_text(text_of_content(*system).value_or(""));
    }
    if (const Json* const config = in.find({"generationConfig", "generation_config"})) {
      read_config(in, *config);
    }
    return in.take();
  }

  // Its page on rate limits: tokens are input tokens.
  [[nodiscard]] Cost cost(const Generation& /*asked*/, const Amounts& use) const override {
    Amounts counted = use;
    counted[index_of(Resource::tokens)] = use[index_of(Resource::input_tokens)];
    return {counted, counted};
  }

  [[nodiscard]] Reply answer(const Generation& asked, const AnswerMark& mark) const override {
    const bool is_picture = asked.kind == Generation::Kind::image;
    const AnswerText answer = text_for(asked, options());
    const Amounts use = use_with_text(asked, is_picture ? 0 : answer.tokens);
    const auto append_picture = [&](std::string& out) {
      if (!is_picture) return;
      out += R"(,{"inlineData":{"data":")";
      append_base64(out, picture_png(picture_number(asked, options(), 0), options().image_bytes));
      out += R"(","mimeType":"image/png"}})";
    };
    return json_reply(
        200, filled(gemini_answer, {{"text", answer.text},
                                    {"picture", append_picture},
                                    {"reason", answer.cut && !is_picture ? "MAX_TOKENS" : "STOP"},
                                    {"model", asked.model},
                                    {"id", raw(mark.id)},
                                    {"output", use[index_of(Resource::output_tokens)]},
                                    {"input", use[index_of(Resource::input_tokens)]},
                                    {"total", use[index_of(Resource::tokens)]}}));
  }

  [[nodiscard]] Reply error(const Trouble& trouble, const std::string& /*id*/) const override {
    ApiError error = error_of(gemini_errors, trouble);
    std::string details;
    if (trouble.kind == Trouble::Kind::wrong_key) details = wrong_key_details;
    if (trouble.is_of_limit() && trouble.tells_numbers) add_quota(trouble, error.message, details);
    return json_reply(error.status, filled(gemini_error, {{"status", error.status},
                                                          {"details", raw(details)},
                                                          {"message", error.message},
                                                          {"type", error.type}}));
  }
};

}  // namespace

std::unique_ptr<Api> make_gemini_api(const SandboxOptions& options) {
  return std::make_unique<GeminiApi>(options, "gemini", KeyPlace{"x-goog-api-key", ""});
}

}  // namespace ratebatch::sandbox
