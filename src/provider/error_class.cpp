#include "provider/error_class.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

// Codes that are clear whatever 4xx they come with; `status` is the one to think of where a code
// comes inside a 200.
struct CodeMeaning {
  std::string_view code;
  OutcomeClass kind;
  std::int32_t status;
};

constexpr std::array<CodeMeaning, 45> code_meanings = {{
    // OpenAI.
    {"credit_balance_exhausted", OutcomeClass::no_credit, 429},
    {"organization_spend_limit_exceeded", OutcomeClass::no_credit, 429},
    {"project_spend_limit_exceeded", OutcomeClass::no_credit, 429},
    {"organization_usage_limit_exceeded", OutcomeClass::no_credit, 429},
    {"billing_hard_limit_reached", OutcomeClass::no_credit, 400},
    {"billing_not_active", OutcomeClass::no_credit, 429},
    {"insufficient_quota", OutcomeClass::quota_exhausted, 429},
    {"invalid_api_key", OutcomeClass::refused_key, 401},
    {"authentication_error", OutcomeClass::refused_key, 401},
    {"permission_error", OutcomeClass::refused_key, 403},
    {"model_not_found", OutcomeClass::not_found, 404},
    {"context_length_exceeded", OutcomeClass::too_large, 400},
    {"content_policy_violation", OutcomeClass::content_policy, 400},
    {"moderation_blocked", OutcomeClass::content_policy, 400},
    {"content_filter", OutcomeClass::content_policy, 400},
    {"slow_down", OutcomeClass::overloaded, 429},
    {"server_is_overloaded", OutcomeClass::overloaded, 503},
    {"service_unavailable_error", OutcomeClass::overloaded, 503},
    {"rate_limit_exceeded", OutcomeClass::rate_limited, 429},
    {"rate_limit_error", OutcomeClass::rate_limited, 429},
    {"too_many_concurrent_requests", OutcomeClass::rate_limited, 429},
    {"server_error", OutcomeClass::server_error, 500},
    {"invalid_request_error", OutcomeClass::invalid_request, 400},
    {"image_generation_user_error", OutcomeClass::invalid_request, 400},
    // Anthropic.
    {"enforced_spend_limit_reached", OutcomeClass::no_credit, 429},
    {"billing_error", OutcomeClass::no_credit, 402},
    {"not_found_error", OutcomeClass::not_found, 404},
    {"request_too_large", OutcomeClass::too_large, 413},
    {"api_error", OutcomeClass::server_error, 500},
    {"timeout_error", OutcomeClass::timeout, 504},
    {"overloaded_error", OutcomeClass::overloaded, 529},
    // Google: the region, or no billing account.
    {"FAILED_PRECONDITION", OutcomeClass::refused_key, 400},
    // ElevenLabs.
    {"insufficient_credits", OutcomeClass::no_credit, 402},
    {"quota_exceeded", OutcomeClass::no_credit, 401},
    {"text_too_long", OutcomeClass::too_large, 400},
    {"max_character_limit_exceeded", OutcomeClass::too_large, 400},
    {"voice_not_found", OutcomeClass::not_found, 404},
    {"concurrent_limit_exceeded", OutcomeClass::rate_limited, 429},
    {"system_busy", OutcomeClass::overloaded, 429},
    {"maintenance", OutcomeClass::overloaded, 503},
    // OpenRouter.
    {"provider_unavailable", OutcomeClass::server_error, 502},
    {"provider_overloaded", OutcomeClass::overloaded, 503},
    {"refusal", OutcomeClass::content_policy, 400},
    // Mistral.
    {"rate_limited", OutcomeClass::rate_limited, 429},
    {"service_tier_capacity_exceeded", OutcomeClass::rate_limited, 429},
}};

// The code says more than the type, which stays general where codes became exact.
const CodeMeaning* meaning_of_code(const ErrorWords& words) {
  for (const std::string& name : {words.code, words.type}) {
    for (const CodeMeaning& meaning : code_meanings) {
      if (meaning.code == name) return &meaning;
    }
  }
  return nullptr;
}

// Errors about money that have a general code: Anthropic's spend limits and balance, and Google's
// prepaid credits, of which only the subject is known.
bool tells_no_credit(std::string_view lower) {
  if (lower.starts_with("you have reached your") && contains(lower, "api usage limits")) {
    return true;
  }
  if (lower.starts_with("your credit balance is too low")) return true;
  const bool is_prepaid = contains(lower, "prepay") || contains(lower, "prepaid");
  return is_prepaid && (contains(lower, "exhausted") || contains(lower, "depleted"));
}

// Together and vLLM: input and max_tokens do not fit the model. Anthropic: "prompt is too long".
// Gemini: "The input token count (1200000) exceeds the maximum number of tokens allowed".
bool tells_context_overflow(std::string_view lower) {
  if (contains(lower, "context length") || contains(lower, "context window")) return true;
  if (lower.starts_with("prompt is too long")) return true;
  if (contains(lower, "input token count") && contains(lower, "exceeds")) return true;
  const bool has_answer = contains(lower, "max_new_tokens") || contains(lower, "max_tokens");
  return has_answer && contains(lower, "input") && contains(lower, "token");
}

// OpenRouter: a moderation before the model, told by these words and a list of reasons.
bool tells_moderation(std::string_view lower) { return contains(lower, "input was flagged"); }

constexpr std::array<std::pair<std::int32_t, OutcomeClass>, 13> status_meanings = {{
    {401, OutcomeClass::refused_key},
    {402, OutcomeClass::no_credit},
    {403, OutcomeClass::refused_key},
    {404, OutcomeClass::not_found},
    {408, OutcomeClass::timeout},
    {409, OutcomeClass::server_error},
    {413, OutcomeClass::too_large},
    {425, OutcomeClass::server_error},
    {498, OutcomeClass::overloaded},  // Groq: no capacity for its flex tier.
    {503, OutcomeClass::overloaded},
    {504, OutcomeClass::timeout},
    {524, OutcomeClass::timeout},  // Cloudflare: the server behind it took too long.
    {529, OutcomeClass::overloaded},
}};

OutcomeClass class_of_status(std::int32_t status) {
  for (const auto& [known, kind] : status_meanings) {
    if (known == status) return kind;
  }
  const bool is_server_error = status >= 500 && status < 600;
  return is_server_error ? OutcomeClass::server_error : OutcomeClass::invalid_request;
}

OutcomeClass class_of_429(const ErrorWords& words, const LimitWords& limit, OutcomeClass by_code) {
  if (by_code == OutcomeClass::overloaded) return OutcomeClass::overloaded;
  const auto& violations = words.quota.violations;
  const bool is_not_offered = std::any_of(violations.begin(), violations.end(),
                                          [](const NamedLimit& v) { return v.limit == 0; });
  if (is_not_offered) return OutcomeClass::not_found;
  if (limit.never_fits) return OutcomeClass::too_large;
  if (limit.is_overload) return OutcomeClass::overloaded;
  const bool is_long = limit.window > short_window_max ||
                       std::any_of(violations.begin(), violations.end(),
                                   [](const NamedLimit& v) { return v.window > short_window_max; });
  return is_long ? OutcomeClass::quota_exhausted : OutcomeClass::rate_limited;
}

// A refusal of access that is about too much of something, or about what is asked.
std::optional<OutcomeClass> class_of_403(const ErrorSigns& signs, const ErrorWords& words,
                                         const LimitWords& limit, OutcomeClass by_code) {
  if (by_code == OutcomeClass::too_large || by_code == OutcomeClass::rate_limited ||
      by_code == OutcomeClass::content_policy) {
    return by_code;
  }
  if (by_code == OutcomeClass::refused_key) return std::nullopt;
  if (tells_moderation(lower_case(words.message))) return OutcomeClass::content_policy;
  if (tells_context_overflow(lower_case(words.message))) return OutcomeClass::too_large;
  // GitHub: with nothing left, or asked to wait.
  if (signs.is_used_up || signs.has_wait) return class_of_429(words, limit, by_code);
  return std::nullopt;
}

std::optional<OutcomeClass> class_of_bad_request(const ErrorWords& words, OutcomeClass by_code) {
  if (by_code == OutcomeClass::too_large || by_code == OutcomeClass::content_policy ||
      by_code == OutcomeClass::refused_key || by_code == OutcomeClass::not_found) {
    return by_code;
  }
  if (words.quota.is_key_invalid) return OutcomeClass::refused_key;
  if (tells_context_overflow(lower_case(words.message))) return OutcomeClass::too_large;
  return std::nullopt;
}

OutcomeClass class_of(const ErrorSigns& signs, const ErrorWords& words, const LimitWords& limit,
                      OutcomeClass by_code) {
  std::optional<OutcomeClass> exact;
  if (signs.status == 429) exact = class_of_429(words, limit, by_code);
  if (signs.status == 403) exact = class_of_403(signs, words, limit, by_code);
  // OpenRouter: too much money in flight, not too little of it.
  if (signs.status == 402 && signs.has_wait) exact = OutcomeClass::rate_limited;
  if (signs.status == 400 || signs.status == 422) exact = class_of_bad_request(words, by_code);
  if (signs.status >= 500 && by_code == OutcomeClass::overloaded) exact = by_code;
  return exact.value_or(class_of_status(signs.status));
}

// OpenRouter says outright whether another try helps.
OutcomeClass with_retryable(OutcomeClass kind, bool retryable) {
  const bool is_final = kind == OutcomeClass::not_found || kind == OutcomeClass::invalid_request;
  const bool is_tried_again = kind == OutcomeClass::rate_limited ||
                              kind == OutcomeClass::overloaded ||
                              kind == OutcomeClass::server_error || kind == OutcomeClass::timeout;
  if (retryable && is_final) return OutcomeClass::overloaded;
  return !retryable && is_tried_again ? OutcomeClass::not_found : kind;
}

}  // namespace

ErrorMeaning meaning_of_error(const ErrorSigns& signs, const ErrorWords& words,
                              const LimitWords& limit) {
  const CodeMeaning* code = meaning_of_code(words);
  OutcomeClass by_code = code == nullptr ? OutcomeClass::bad_reply : code->kind;
  // Credits at one provider, any quota at others.
  if (signs.status == 429 && words.code == "quota_exceeded") by_code = OutcomeClass::bad_reply;
  const bool is_client_error = signs.status >= 400 && signs.status < 500;
  // Money and quotas are refused with several statuses.
  const bool is_account =
      by_code == OutcomeClass::no_credit || by_code == OutcomeClass::quota_exhausted;
  if (is_client_error && is_account) return {by_code, RefusalScope::provider};
  if (is_client_error && tells_no_credit(lower_case(words.message))) {
    return {OutcomeClass::no_credit, RefusalScope::provider};
  }
  OutcomeClass kind = class_of(signs, words, limit, by_code);
  if (words.retryable) kind = with_retryable(kind, *words.retryable);
  const bool is_of_account =
      kind == OutcomeClass::no_credit || (kind == OutcomeClass::quota_exhausted && limit.is_trial);
  return {kind, is_of_account ? RefusalScope::provider : RefusalScope::lane};
}

std::int32_t status_of_error(const ErrorWords& words) {
  if (words.status >= 400) return words.status;
  const CodeMeaning* code = meaning_of_code(words);
  return code == nullptr ? 0 : code->status;
}

}  // namespace ratebatch::provider
