#include "provider/quota_details.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "provider/number_text.hpp"
#include "provider/wait_hint.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

// More are not looked at: a quota has a few dimensions.
constexpr std::size_t violations_max = 32;

// Of names like "GenerateContentInputTokensPerModelPerMinute-FreeTier" and
// "generativelanguage.googleapis.com/generate_content_free_tier_input_token_count", in lower case.
std::optional<Resource> resource_in(std::string_view name) {
  if (contains(name, "token")) {
    if (contains(name, "input")) return Resource::input_tokens;
    return contains(name, "output") ? Resource::output_tokens : Resource::tokens;
  }
  if (contains(name, "image")) return Resource::images;
  return contains(name, "request") ? std::optional(Resource::requests) : std::nullopt;
}

std::optional<Duration> window_in(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Duration>, 5> units = {
      {{"second", std::chrono::seconds{1}},
       {"minute", std::chrono::minutes{1}},
       {"hour", std::chrono::hours{1}},
       {"day", std::chrono::hours{24}},
       {"month", month_window}}};
  for (const auto& [unit, window] : units) {
    if (contains(name, std::string("per").append(unit))) return window;
    if (contains(name, std::string("per_").append(unit))) return window;
  }
  return std::nullopt;
}

QuotaViolation violation_of(std::string_view id, std::string_view metric) {
  const std::string id_lower = lower_case(id);
  const std::string metric_lower = lower_case(metric);
  QuotaViolation violation;
  violation.resource = resource_in(id_lower);
  if (!violation.resource) violation.resource = resource_in(metric_lower);
  violation.window = window_in(id_lower);
  if (!violation.window) violation.window = window_in(metric_lower);
  return violation;
}

void read_violations(const Json& detail, QuotaDetails& details) {
  const Json* list = json::member(detail, "violations");
  if (list == nullptr || !list->is_array()) return;
  for (const Json& entry : *list) {
    if (details.violations.size() == violations_max) return;
    QuotaViolation violation =
        violation_of(json::text_member(entry, "quotaId"), json::text_member(entry, "quotaMetric"));
    const Json* value = json::member(entry, "quotaValue");
    if (value != nullptr) {
      // 64-bit numbers are texts in Google's JSON.
      violation.limit = value->is_string() ? header_count(value->get<std::string>())
                                           : header_count(json::written(*value));
    }
    details.violations.push_back(violation);
  }
}

void read_retry_info(const Json& detail, QuotaDetails& details) {
  const std::string delay = json::text_member(detail, "retryDelay");
  if (!delay.ends_with('s')) return;
  const Result<Duration> parsed = parse_duration(delay);
  if (parsed && *parsed > Duration::zero()) details.retry_delay = *parsed;
}

void read_message(std::string_view message, QuotaDetails& details) {
  constexpr std::string_view start = "Quota exceeded for metric: ";
  constexpr std::string_view limit_start = ", limit: ";
  for (std::size_t at = message.find(start); at != std::string_view::npos;
       at = message.find(start, at + 1)) {
    if (details.violations.size() == violations_max) return;
    std::string_view line = message.substr(at + start.size());
    line = line.substr(0, line.find('\n'));
    const std::size_t comma = std::min(line.find(','), line.size());
    QuotaViolation violation = violation_of("", line.substr(0, comma));
    if (line.substr(comma).starts_with(limit_start)) {
      violation.limit = leading_count(line.substr(comma + limit_start.size()));
    }
    details.violations.push_back(violation);
  }
}

}  // namespace

QuotaDetails quota_details(const Json& error, std::string_view message) {
  QuotaDetails details;
  const Json* list = json::member(error, "details");
  if (list != nullptr && list->is_array()) {
    for (const Json& detail : *list) {
      const std::string type = json::text_member(detail, "@type");
      if (type.ends_with("google.rpc.QuotaFailure")) read_violations(detail, details);
      if (type.ends_with("google.rpc.RetryInfo")) read_retry_info(detail, details);
      if (type.ends_with("google.rpc.ErrorInfo")) {
        details.is_key_invalid = json::text_member(detail, "reason") == "API_KEY_INVALID";
      }
    }
  }
  if (details.violations.empty()) read_message(message, details);
  return details;
}

std::optional<Duration> google_wait(const QuotaDetails& details, std::string_view message) {
  if (!details.retry_delay) return std::nullopt;
  const std::optional<Duration> precise = wait_in_message(message);
  if (precise && *precise >= *details.retry_delay) return precise;
  return std::min<Duration>(*details.retry_delay + std::chrono::seconds{1}, wait_hint_max);
}

}  // namespace ratebatch::provider
