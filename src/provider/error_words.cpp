#include "provider/error_words.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <initializer_list>

#include "provider/server_values.hpp"
#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

using MaybeValue = std::optional<json::Value>;

constexpr std::size_t headers_max = 32;  // Of ours: three are seen.

// More are not looked at: a quota has a few dimensions.
constexpr std::size_t violations_max = 32;

// The first text that is not empty.
std::string first_text(MaybeValue value, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const std::string_view text = json::text_member(value, name);
    if (!text.empty()) return std::string(text);
  }
  return {};
}

// The object that describes the error: inside "error" or "detail", or the body itself.
json::Value error_in(json::Value body) {
  if (const MaybeValue error = json::find_member(body, "error")) return *error;
  const MaybeValue detail = json::find_member(body, "detail");
  if (!detail || detail->is_string()) return body;
  return json::first_element(detail).value_or(*detail);
}

void read_code(json::Value error, json::Value body, ErrorWords& words) {
  words.type = first_text(error, {"type", "status"});
  // By how exact they are.
  for (const std::string& code : {first_text(json::find_member(error, "details"), {"error_code"}),
                                  first_text(error, {"code", "status", "error_type"}),
                                  first_text(json::find_member(error, "metadata"), {"error_type"}),
                                  first_text(json::find_member(body, "details"), {"error_code"}),
                                  first_text(body, {"error_type"})}) {
    if (words.code.empty()) words.code = code;
  }
  words.status = status_in_code(json::count_of(json::find_member(error, "code"), count_max));
}

void read_availability(json::Value error, ErrorWords& words) {
  const MaybeValue availability = json::find_member(error, "availability");
  words.retryable = json::as<bool>(json::find_member(availability, "retryable"));
  const auto seconds = json::as<double>(json::find_member(availability, "retry_after"));
  if (!seconds || !(*seconds > 0)) return;
  const double most = std::chrono::duration<double>(wait_hint_max).count();
  const double ms = std::ceil(std::min(*seconds, most) * 1000);
  words.retry_after = std::chrono::milliseconds{static_cast<std::int64_t>(ms)};
}

void read_headers(json::Value error, ErrorWords& words) {
  const MaybeValue metadata = json::find_member(error, "metadata");
  const auto headers = json::as<json::Object>(json::find_member(metadata, "headers"));
  if (!headers) return;
  for (const auto& [name, value] : *headers) {
    if (words.headers.size() == headers_max) return;
    words.headers.push_back({.name = lower_case(name), .value = json::as_text(value)});
  }
}

// FastAPI, of a body that is not valid: "body.text", without which its words say little.
std::string place_of(json::Value error) {
  std::string place;
  for (const json::Value part : json::elements_of(json::find_member(error, "loc"))) {
    if (!place.empty()) place += '.';
    place += json::as_text(part);
  }
  return place;
}

// Of names like "GenerateContentInputTokensPerModelPerMinute-FreeTier" and
// "generativelanguage.googleapis.com/generate_content_free_tier_input_token_count", in lower case.
std::optional<Resource> resource_in_metric(std::string_view name) {
  if (contains(name, "token")) {
    if (contains(name, "input")) return Resource::input_tokens;
    return contains(name, "output") ? Resource::output_tokens : Resource::tokens;
  }
  if (contains(name, "image")) return Resource::images;
  return contains(name, "request") ? std::optional(Resource::requests) : std::nullopt;
}

std::optional<Duration> window_in_metric(std::string_view name) {
  for (const std::string unit : {"second", "minute", "hour", "day", "month"}) {
    if (contains(name, "per" + unit) || contains(name, "per_" + unit)) return window_named(unit);
  }
  return std::nullopt;
}

// By the quota's id, and if that does not tell by its metric.
NamedLimit violation_of(std::string_view id, std::string_view metric) {
  NamedLimit violation;
  for (const std::string& name : {lower_case(id), lower_case(metric)}) {
    if (!violation.resource) violation.resource = resource_in_metric(name);
    if (!violation.window) violation.window = window_in_metric(name);
  }
  return violation;
}

void read_violations(json::Value detail, QuotaDetails& details) {
  for (const json::Value entry : json::elements_of(json::find_member(detail, "violations"))) {
    if (details.violations.size() == violations_max) return;
    NamedLimit violation =
        violation_of(json::text_member(entry, "quotaId"), json::text_member(entry, "quotaMetric"));
    // 64-bit numbers are texts in Google's JSON.
    const MaybeValue value = json::find_member(entry, "quotaValue");
    if (value) violation.limit = header_count(json::as_text(*value));
    details.violations.push_back(violation);
  }
}

void read_retry_info(json::Value detail, QuotaDetails& details) {
  const std::string_view delay = json::text_member(detail, "retryDelay");
  if (!delay.ends_with('s')) return;
  const Result<Duration> parsed = parse_duration(delay);
  if (parsed && *parsed > Duration::zero()) details.retry_delay = *parsed;
}

void read_quota_lines(std::string_view message, QuotaDetails& details) {
  constexpr std::string_view start = "Quota exceeded for metric: ";
  constexpr std::string_view limit_start = ", limit: ";
  for (std::size_t at = message.find(start); at != std::string_view::npos;
       at = message.find(start, at + 1)) {
    if (details.violations.size() == violations_max) return;
    const std::string_view line = parted(message.substr(at + start.size()), '\n').before;
    const std::size_t comma = std::min(line.find(','), line.size());
    NamedLimit violation = violation_of("", line.substr(0, comma));
    if (line.substr(comma).starts_with(limit_start)) {
      violation.limit = leading_count(line.substr(comma + limit_start.size()));
    }
    details.violations.push_back(violation);
  }
}

QuotaDetails quota_details(json::Value error, std::string_view message) {
  QuotaDetails details;
  for (const json::Value detail : json::elements_of(json::find_member(error, "details"))) {
    const std::string_view type = json::text_member(detail, "@type");
    if (type.ends_with("google.rpc.QuotaFailure")) read_violations(detail, details);
    if (type.ends_with("google.rpc.RetryInfo")) read_retry_info(detail, details);
    if (type.ends_with("google.rpc.ErrorInfo")) {
      details.is_key_invalid = json::text_member(detail, "reason") == "API_KEY_INVALID";
    }
  }
  if (details.violations.empty()) read_quota_lines(message, details);
  return details;
}

}  // namespace

ErrorWords error_words(json::Value value) {
  const json::Value body = json::first_element(value).value_or(value);
  const json::Value error = error_in(body);
  ErrorWords words;
  words.message = json::text_of(error);
  if (error.is_string()) return words;
  words.message = first_text(error, {"message", "detail", "msg"});
  if (words.message.empty()) words.message = first_text(body, {"message", "detail", "title"});
  if (const std::string place = place_of(error); !place.empty()) {
    words.message = place + ": " + words.message;
  }
  read_code(error, body, words);
  words.quota = quota_details(error, words.message);
  read_availability(error, words);
  read_headers(error, words);
  for (const json::Value policy : json::elements_of(json::find_member(body, "violated-policies"))) {
    if (policy.is_string()) words.violated_policies.emplace_back(json::text_of(policy));
  }
  return words;
}

std::int32_t status_in_code(std::int64_t number) {
  return number >= 100 && number < 600 ? static_cast<std::int32_t>(number) : 0;
}

std::optional<Duration> google_wait(const QuotaDetails& details, std::string_view message) {
  if (!details.retry_delay) return std::nullopt;
  const std::optional<Duration> precise = wait_in_message(message);
  if (precise && *precise >= *details.retry_delay) return precise;
  return std::min<Duration>(*details.retry_delay + std::chrono::seconds{1}, wait_hint_max);
}

}  // namespace ratebatch::provider
