#include "provider/error_words.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <initializer_list>

#include "provider/wait_hint.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

constexpr std::size_t headers_max = 32;  // Of ours: three are seen.

// The first text that is not empty.
std::string first_text(const Json& value, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string text = json::text_member(value, name); !text.empty()) return text;
  }
  return {};
}

// The object that describes the error: inside "error" or "detail", or the body itself.
const Json& error_in(const Json& body) {
  if (const Json* error = json::member(body, "error"); error != nullptr) return *error;
  const Json* detail = json::member(body, "detail");
  if (detail == nullptr || detail->is_string()) return body;
  const Json* first = json::first_element(detail);
  return first == nullptr ? *detail : *first;
}

void read_code(const Json& error, const Json& body, ErrorWords& words) {
  const Json empty;
  const auto inner = [&](const char* name) -> const Json& {
    const Json* found = json::member(error, name);
    return found == nullptr ? empty : *found;
  };
  words.type = first_text(error, {"type", "status"});
  // By how exact they are.
  words.code = json::text_member(inner("details"), "error_code");
  if (words.code.empty()) words.code = first_text(error, {"code", "status", "error_type"});
  if (words.code.empty()) words.code = json::text_member(inner("metadata"), "error_type");
  const Json* details = json::member(body, "details");
  if (words.code.empty() && details != nullptr)
    words.code = json::text_member(*details, "error_code");
  if (words.code.empty()) words.code = json::text_member(body, "error_type");
  const std::int64_t number = json::count_member(error, "code");
  if (number >= 100 && number < 600) words.status = static_cast<std::int32_t>(number);
}

std::optional<Duration> seconds_member(const Json& value, const char* name) {
  const Json* found = json::member(value, name);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  const double most = std::chrono::duration<double>(wait_hint_max).count();
  if (!(seconds > 0)) return std::nullopt;
  const double ms = std::ceil(std::min(seconds, most) * 1000);
  return std::chrono::milliseconds{static_cast<std::int64_t>(ms)};
}

void read_availability(const Json& error, ErrorWords& words) {
  const Json* availability = json::member(error, "availability");
  if (availability == nullptr) return;
  const Json* retryable = json::member(*availability, "retryable");
  if (retryable != nullptr && retryable->is_boolean()) words.retryable = retryable->get<bool>();
  words.retry_after = seconds_member(*availability, "retry_after");
}

void read_headers(const Json& error, ErrorWords& words) {
  const Json* metadata = json::member(error, "metadata");
  const Json* headers = metadata == nullptr ? nullptr : json::member(*metadata, "headers");
  if (headers == nullptr || !headers->is_object()) return;
  for (const auto& [name, value] : headers->items()) {
    if (words.headers.size() == headers_max) return;
    const std::string text = value.is_string() ? value.get<std::string>() : json::written(value);
    words.headers.push_back({.name = lower_case(name), .value = text});
  }
}

void read_policies(const Json& body, ErrorWords& words) {
  const Json* policies = json::member(body, "violated-policies");
  if (policies == nullptr || !policies->is_array()) return;
  for (const Json& policy : *policies) {
    if (policy.is_string()) words.violated_policies.push_back(policy.get<std::string>());
  }
}

// FastAPI, of a body that is not valid: "body.text", without which its words say little.
std::string place_of(const Json& error) {
  std::string place;
  const Json* parts = json::member(error, "loc");
  if (parts == nullptr || !parts->is_array()) return place;
  for (const Json& part : *parts) {
    if (!place.empty()) place += '.';
    place += part.is_string() ? part.get<std::string>() : json::written(part);
  }
  return place;
}

}  // namespace

ErrorWords error_words(const Json& value) {
  const Json& body = value.is_array() && !value.empty() ? value.front() : value;
  const Json& error = error_in(body);
  ErrorWords words;
  if (error.is_string()) {
    words.message = error.get<std::string>();
    return words;
  }
  words.message = first_text(error, {"message", "detail", "msg"});
  if (words.message.empty()) words.message = first_text(body, {"message", "detail", "title"});
  if (const std::string place = place_of(error); !place.empty()) {
    words.message = place + ": " + words.message;
  }
  read_code(error, body, words);
  words.quota = quota_details(error, words.message);
  read_availability(error, words);
  read_headers(error, words);
  read_policies(body, words);
  return words;
}

}  // namespace ratebatch::provider
