#include "provider/openai_error.hpp"

#include <array>
#include <optional>
#include <string_view>

#include "provider/foreign_text.hpp"
#include "provider/openai_limits.hpp"
#include "provider/reply_json.hpp"
#include "provider/wait_hint.hpp"

namespace ratebatch {
namespace {

using nlohmann::json;

// Codes that are clear whatever 4xx they come with; `status` is the one to think of where a code
// comes inside a 200.
struct CodeMeaning {
  std::string_view code;
  OutcomeClass kind;
  std::int32_t status;
};

constexpr std::array<CodeMeaning, 24> code_meanings = {{
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
}};

// The code says more than the type, which stays general where codes became exact.
const CodeMeaning* meaning_of(const ErrorWords& words) {
  for (const std::string& name : {words.code, words.type}) {
    for (const CodeMeaning& meaning : code_meanings) {
      if (meaning.code == name) return &meaning;
    }
  }
  return nullptr;
}

struct Meaning {
  OutcomeClass kind = OutcomeClass::bad_reply;
  LimitedBy limited = LimitedBy::unspecified;
};

Meaning meaning_of_429(const ErrorWords& words, OutcomeClass by_code) {
  if (by_code == OutcomeClass::overloaded) return {.kind = OutcomeClass::overloaded};
  const LimitWords limit = limit_in_words(words.type, words.code, words.message);
  if (limit.never_fits) return {.kind = OutcomeClass::too_large};
  if (limit.is_overload) return {.kind = OutcomeClass::overloaded};
  if (limit.per_day) return {.kind = OutcomeClass::quota_exhausted};
  return {.kind = OutcomeClass::rate_limited, .limited = limit.limited};
}

struct StatusMeaning {
  std::int32_t status;
  OutcomeClass kind;
};

constexpr std::array<StatusMeaning, 12> status_meanings = {{
    {401, OutcomeClass::refused_key},
    {402, OutcomeClass::no_credit},
    {403, OutcomeClass::refused_key},
    {404, OutcomeClass::not_found},
    {408, OutcomeClass::timeout},
    {409, OutcomeClass::server_error},
    {413, OutcomeClass::too_large},
    {425, OutcomeClass::server_error},
    {503, OutcomeClass::overloaded},
    {504, OutcomeClass::timeout},
    {524, OutcomeClass::timeout},  // Cloudflare: the server behind it took too long.
    {529, OutcomeClass::overloaded},
}};

OutcomeClass class_of_status(std::int32_t status) {
  for (const StatusMeaning& meaning : status_meanings) {
    if (meaning.status == status) return meaning.kind;
  }
  const bool is_server_error = status >= 500 && status < 600;
  return is_server_error ? OutcomeClass::server_error : OutcomeClass::invalid_request;
}

Meaning meaning_of(std::int32_t status, const ErrorWords& words) {
  const CodeMeaning* code = meaning_of(words);
  const OutcomeClass by_code = code == nullptr ? OutcomeClass::bad_reply : code->kind;
  const bool is_client_error = status >= 400 && status < 500;
  // Money and quotas are refused with several statuses.
  if (is_client_error &&
      (by_code == OutcomeClass::no_credit || by_code == OutcomeClass::quota_exhausted)) {
    return {.kind = by_code};
  }
  if (status == 429) return meaning_of_429(words, by_code);
  if (status == 400 || status == 422) {
    const bool is_exact =
        by_code == OutcomeClass::too_large || by_code == OutcomeClass::content_policy ||
        by_code == OutcomeClass::refused_key || by_code == OutcomeClass::not_found;
    return {.kind = is_exact ? by_code : OutcomeClass::invalid_request};
  }
  if (status >= 500 && by_code == OutcomeClass::overloaded) return {.kind = by_code};
  return {.kind = class_of_status(status)};
}

// Text out of a page that a proxy sent: its title, or nothing.
std::string_view title_of(std::string_view page) {
  const std::string lower = in_lower_case(page.substr(0, 4096));
  const std::size_t start = lower.find("<title>");
  const std::size_t end = lower.find("</title>");
  if (start == std::string::npos || end == std::string::npos || end < start + 7) return {};
  return without_blanks(page.substr(start + 7, end - start - 7));
}

bool is_page(std::string_view body) { return without_blanks(body.substr(0, 512)).starts_with('<'); }

// Scheme and host of an absolute URL, without user name, path and query: they may hold secrets.
std::string_view host_in(std::string_view location) {
  const std::size_t slashes = location.find("//");
  if (slashes == std::string_view::npos) return {};
  std::string_view host = location.substr(slashes + 2);
  host = host.substr(0, host.find_first_of("/?#\\"));
  const std::size_t user_end = host.rfind('@');
  return user_end == std::string_view::npos ? host : host.substr(user_end + 1);
}

std::string own_words(const HttpReply& reply) {
  const std::string status = "HTTP " + std::to_string(reply.status);
  if (reply.status < 300 || reply.status >= 400) return status + " without a message";
  const std::string_view host = host_in(reply.header("location"));
  return status + ": a redirect" + (host.empty() ? "" : " to " + std::string(host)) +
         ", which is not followed: check base_url";
}

std::string message_of(const HttpReply& reply, const ErrorWords& words) {
  const bool is_redirect = reply.status >= 300 && reply.status < 400;
  if (is_redirect) return as_message(own_words(reply));
  if (!words.message.empty()) return as_message(words.message);
  if (!words.code.empty()) return as_message(words.code);
  if (!is_page(reply.body)) {
    const std::string text = as_message(reply.body);
    return text.empty() ? own_words(reply) : text;
  }
  const std::string_view title = title_of(reply.body);
  return as_message("HTTP " + std::to_string(reply.status) + ", a web page instead of an answer" +
                    (title.empty() ? "" : ": " + std::string(title)));
}

Outcome outcome_with(Meaning meaning, const HttpReply& reply, const ErrorWords& words) {
  Outcome outcome;
  outcome.kind = meaning.kind;
  outcome.limited = meaning.limited;
  outcome.message = message_of(reply, words);
  // Waits stand at the beginning of a message, if at all.
  const std::string_view text = words.message.empty() ? reply.body : words.message;
  outcome.facts.wait = wait_hint(reply, text.substr(0, 4096));
  return outcome;
}

void read_code(const json& error, ErrorWords& words) {
  const json* code = member(error, "code");
  if (code == nullptr) return;
  if (code->is_string()) words.code = code->get<std::string>();
  const std::int64_t number = count_member(error, "code");
  if (number >= 100 && number < 600) words.status = static_cast<std::int32_t>(number);
}

}  // namespace

ErrorWords error_words(const json& value) {
  const json& body = value.is_array() && !value.empty() ? value.front() : value;
  const json* inner = member(body, "error");
  const json& error = inner == nullptr ? body : *inner;
  ErrorWords words;
  if (error.is_string()) {
    words.message = error.get<std::string>();
    return words;
  }
  words.message = text_member(error, "message");
  if (words.message.empty()) words.message = text_member(error, "detail");
  if (words.message.empty()) words.message = text_member(body, "message");
  words.type = text_member(error, "type");
  read_code(error, words);
  return words;
}

Outcome read_error(const HttpReply& reply) {
  const std::optional<json> value = read_json(reply.body);
  const ErrorWords words = value ? error_words(*value) : ErrorWords{};
  return outcome_with(meaning_of(reply.status, words), reply, words);
}

Outcome read_error_in_success(const HttpReply& reply, const ErrorWords& words) {
  std::int32_t status = words.status >= 400 ? words.status : 0;
  if (const CodeMeaning* code = meaning_of(words); status == 0 && code != nullptr) {
    status = code->status;
  }
  const Meaning meaning = status == 0 ? Meaning{} : meaning_of(status, words);
  return outcome_with(meaning, reply, words);
}

}  // namespace ratebatch
