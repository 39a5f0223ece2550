#include "sandbox/gemini_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/text.hpp"
#include "sandbox/json_body.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::string_view method_behind_model = ":generateContent";

// The member under its JSON name, or as protocol buffers call it: the API takes both.
const Json* find(const Json& object, const char* name, const char* other) {
  if (!object.is_object()) return nullptr;
  for (const char* one : {name, other}) {
    if (const auto found = object.find(one); found != object.end()) return &*found;
  }
  return nullptr;
}

// The text of {"parts": [{"text": ...}]}; nothing where it has no parts.
std::optional<std::string> text_of_content(const Json& content) {
  const auto parts = content.is_object() ? content.find("parts") : content.end();
  if (parts == content.end() || !parts->is_array() || parts->empty()) return std::nullopt;
  return text_of_parts(*parts);
}

// Reads `contents` into `asked`; says what is wrong with them, if anything is.
std::optional<std::string> read_contents(const Json& contents, Generation& asked) {
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const auto text = text_of_content(contents[i]);
    if (!text)
      return fmt::format("* GenerateContentRequest.contents[{}].parts: must not be empty", i);
    asked.input_characters += character_count(*text);
    const std::string role = text_at(contents[i], "role");
    if (!role.empty() && role != "user" && role != "model") {
      return "Please use a valid role: user, model.";
    }
    if (role == "model") continue;
    if (!asked.prompt.empty()) asked.prompt += '\n';
    asked.prompt += *text;
  }
  return std::nullopt;
}

// Pictures come only where they are asked for, whatever the model can do.
bool wants_picture(const Json* config) {
  if (config == nullptr) return false;
  const Json* wanted = find(*config, "responseModalities", "response_modalities");
  return wanted != nullptr && wanted->is_array() &&
         std::ranges::any_of(*wanted,
                             [](const Json& one) { return one == "IMAGE" || one == "Image"; });
}

bool wants_json(const Json* config) {
  if (config == nullptr) return false;
  const Json* type = find(*config, "responseMimeType", "response_mime_type");
  return type != nullptr && *type == "application/json";
}

std::string quota_id(const LimitTerms& terms) {
  const bool is_day = terms.window == std::chrono::hours{24};
  const char* window = is_day ? "PerDay" : "PerMinute";
  switch (terms.resource) {
    case Resource::requests:
      return fmt::format("GenerateRequests{}PerProjectPerModel", window);
    case Resource::tokens:
    case Resource::input_tokens:
      return fmt::format("GenerateContentPaidTierInputTokensPerModel{}", window);
    case Resource::images:
      return fmt::format("GenerateImages{}PerProjectPerModel", window);
    case Resource::output_tokens:
    case Resource::characters:
      break;  // The API has none; its pattern.
  }
  return fmt::format("GenerateContentOutputPerModel{}", window);
}

std::string quota_metric(const LimitTerms& terms) {
  const bool is_tokens =
      terms.resource == Resource::tokens || terms.resource == Resource::input_tokens;
  return std::string("generativelanguage.googleapis.com/") +
         (is_tokens ? "generate_content_paid_tier_input_token_count"
                    : "generate_requests_per_model");
}

// Word for word as in refusals that users published; the order of `details` varies there.
Json quota_error(const Trouble& trouble) {
  if (!trouble.limit || !trouble.tells_numbers) {
    return {{"message", "Resource has been exhausted (e.g. check quota)."}};
  }
  const LimitTerms& terms = *trouble.limit->terms;
  const Duration wait = trouble.limit->reading.wait;
  const std::string metric = quota_metric(terms);
  const double wait_s = static_cast<double>(wait.count()) / 1e9;
  std::string message = fmt::format(
      "You exceeded your current quota, please check your plan and billing details. For more "
      "information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To "
      "monitor your current usage, head to: https://ai.dev/rate-limit. \n* Quota exceeded for "
      "metric: {}, limit: {}, model: {}\nPlease retry in {:.9g}s.",
      metric, terms.amount, trouble.model, wait_s);
  const Json violation = {{"quotaMetric", metric},
                          {"quotaId", quota_id(terms)},
                          {"quotaDimensions", {{"location", "global"}, {"model", trouble.model}}},
                          {"quotaValue", std::to_string(terms.amount)}};
  return {{"message", std::move(message)},
          {"details",
           Json::array({{{"@type", "type.googleapis.com/google.rpc.QuotaFailure"},
                         {"violations", Json::array({violation})}},
                        {{"@type", "type.googleapis.com/google.rpc.RetryInfo"},
                         // Cut to whole seconds, as there.
                         {"retryDelay", fmt::format("{}s", wait.count() / 1'000'000'000)}}})}};
}

struct GeminiWords {
  int status;
  const char* name;
  Json rest;  // The error's message and details.
};

GeminiWords gemini_words(const Trouble& trouble) {
  switch (trouble.kind) {
    case Trouble::Kind::bad_request:
    case Trouble::Kind::body_too_large:
    case Trouble::Kind::wrong_method:
    case Trouble::Kind::elsewhere:
      return {usual_status(trouble.kind), "INVALID_ARGUMENT", {{"message", trouble.message}}};
    case Trouble::Kind::wrong_key:
      return {400,
              "INVALID_ARGUMENT",
              {{"message", "API key not valid. Please pass a valid API key."},
               {"details", Json::array({{{"@type", "type.googleapis.com/google.rpc.ErrorInfo"},
                                         {"reason", "API_KEY_INVALID"},
                                         {"domain", "googleapis.com"}}})}}};
    case Trouble::Kind::not_found:
      return {404, "NOT_FOUND", {{"message", trouble.message}}};
    case Trouble::Kind::rate_limited:
    case Trouble::Kind::never_fits:
    case Trouble::Kind::too_many_at_once:
      return {429, "RESOURCE_EXHAUSTED", quota_error(trouble)};
    case Trouble::Kind::failed:
      return {500, "INTERNAL", {{"message", "An internal error has occurred. Please retry."}}};
    case Trouble::Kind::overloaded:
      break;
  }
  return {503, "UNAVAILABLE", {{"message", "The model is overloaded. Please try again later."}}};
}

}  // namespace

KeyPlace GeminiApi::key_place(const Question& /*question*/, std::string_view /*rest*/) const {
  return {"x-goog-api-key", ""};
}

tl::expected<Generation, Trouble> GeminiApi::read(const Question& question,
                                                  std::string_view rest) const {
  constexpr std::string_view prefix = "/models/";
  const std::string path = percent_decoded(rest);
  const bool is_known = path.starts_with(prefix) && path.ends_with(method_behind_model) &&
                        path.size() > prefix.size() + method_behind_model.size();
  if (!is_known) return no_such_path(question);
  if (auto good = expect_method(question, "POST"); !good) return tl::unexpected(good.error());
  auto json = read_object(question.body);
  if (!json) return refuse(json.error());
  Generation asked{.model = path.substr(prefix.size(),
                                        path.size() - prefix.size() - method_behind_model.size())};
  if (asked.model.size() > model_name_bytes_max) return refuse("The model name is too long.");
  const auto contents = json->find("contents");
  if (contents == json->end() || !contents->is_array() || contents->empty()) {
    return refuse("* GenerateContentRequest.contents: contents is not specified");
  }
  if (const auto wrong = read_contents(*contents, asked)) return refuse(*wrong);
  if (const Json* system = find(*json, "systemInstruction", "system_instruction")) {
    asked.input_characters += character_count(text_of_content(*system).value_or(""));
  }
  const Json* config = find(*json, "generationConfig", "generation_config");
  if (wants_picture(config)) asked.kind = Generation::Kind::image;
  asked.wants_json = wants_json(config);
  const Json* tokens =
      config == nullptr ? nullptr : find(*config, "maxOutputTokens", "max_output_tokens");
  if (tokens != nullptr) {
    asked.tokens_max = tokens->is_number_integer() ? tokens->get<std::int64_t>() : 0;
    if (*asked.tokens_max < 1) return refuse("max_output_tokens must be positive");
  }
  return asked;
}

// Its page on rate limits: tokens are input tokens.
Cost GeminiApi::cost(const Generation& /*asked*/, const Amounts& use) const {
  Amounts counted = use;
  counted[index_of(Resource::tokens)] = use[index_of(Resource::input_tokens)];
  return {counted, counted};
}

// It has none.
std::vector<Header> GeminiApi::limit_headers(const Decision& /*decision*/, Now /*now*/) const {
  return {};
}

Reply GeminiApi::answer(const Generation& asked, const AnswerMark& mark) const {
  const bool is_picture = asked.kind == Generation::Kind::image;
  AnswerText answer = text_for(asked, options());
  const Amounts use = use_of(asked, options());
  const std::int64_t output = use[index_of(Resource::output_tokens)];
  Json parts = Json::array({{{"text", std::move(answer.text)}}});
  std::vector<std::uint64_t> embedded;
  if (is_picture) {
    embedded.push_back(picture_number(asked, options(), 0));
    parts.push_back({{"inlineData", {{"mimeType", "image/png"}, {"data", picture_mark()}}}});
  }
  const bool cut = answer.cut && !is_picture;
  const Json body = {
      {"candidates", Json::array({{{"content", {{"parts", std::move(parts)}, {"role", "model"}}},
                                   {"finishReason", cut ? "MAX_TOKENS" : "STOP"},
                                   {"index", 0}}})},
      {"usageMetadata",
       {{"promptTokenCount", use[index_of(Resource::input_tokens)]},
        {"candidatesTokenCount", output},
        {"totalTokenCount", use[index_of(Resource::tokens)]}}},
      {"modelVersion", asked.model},
      {"responseId", mark.id}};
  return json_reply(200, written_with_pictures(body, embedded, options().image_bytes));
}

Reply GeminiApi::error(const Trouble& trouble, const std::string& /*id*/) const {
  GeminiWords words = gemini_words(trouble);
  words.rest["code"] = words.status;
  words.rest["status"] = words.name;
  return json_reply(words.status, written({{"error", std::move(words.rest)}}));
}

}  // namespace ratebatch::sandbox
