#include "provider/limit_name.hpp"

#include <array>
#include <chrono>
#include <utility>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

// The words behind a prefix complete its meaning.
constexpr std::array<std::pair<std::string_view, LimitName>, 7> prefixes = {{
    {"x-ratelimit-", {}},
    {"x-rate-limit-", {}},
    {"x-tokenlimit-", {.resource = Resource::tokens}},
    {"anthropic-ratelimit-", {.family = LimitFamily::anthropic}},
    {"ratelimitbysize-", {.family = LimitFamily::by_size, .resource = Resource::tokens}},
    {"x-ratelimitbysize-", {.family = LimitFamily::by_size, .resource = Resource::tokens}},
    // Cohere, trial keys: calls per minute.
    {"x-trial-endpoint-call-", {.window = std::chrono::minutes{1}}},
}};

std::optional<LimitField> field_named(std::string_view word) {
  if (word == "limit") return LimitField::limit;
  if (word == "remaining") return LimitField::remaining;
  if (word == "reset") return LimitField::reset;
  if (word == "renewalperiod") return LimitField::renewal_period;
  return std::nullopt;
}

std::string_view without_plural(std::string_view word) {
  if (word.ends_with('s')) word.remove_suffix(1);
  return word;
}

// Words in any order; each says one thing.
std::optional<LimitName> read_words(std::string_view words, LimitName name) {
  bool has_field = false;
  bool has_resource = false;
  std::optional<Resource> part;  // Of the tokens.
  while (!words.empty()) {
    const auto [word, rest] = parted(words, '-');
    words = rest.value_or("");
    if (const auto field = field_named(word); field && !has_field) {
      name.field = *field;
      has_field = true;
    } else if (const auto resource = resource_named(word)) {
      name.resource = *resource;
      has_resource = true;
    } else if (const auto window = window_named(word)) {
      name.window = window;
    } else if (word == "project") {
      name.is_project = true;
    } else if (word == "dynamic") {
      name.is_dynamic = true;
    } else if (word == "input" || word == "prompt") {
      part = Resource::input_tokens;
    } else if (word == "output" || word == "generated") {
      part = Resource::output_tokens;
    } else {
      return std::nullopt;
    }
  }
  if (!has_field || (part && name.resource != Resource::tokens)) return std::nullopt;
  name.resource = part.value_or(name.resource);
  const bool is_plain = name.family == LimitFamily::plain;
  if (has_resource && is_plain) name.family = LimitFamily::per_resource;
  return name;
}

}  // namespace

std::optional<Resource> resource_named(std::string_view word) {
  const std::string_view one = without_plural(word);
  if (one == "request" || one == "req") return Resource::requests;
  if (one == "token") return Resource::tokens;
  if (one == "image") return Resource::images;
  return one == "character" ? std::optional(Resource::characters) : std::nullopt;
}

std::optional<Duration> window_named(std::string_view word) {
  const std::string_view one = without_plural(word);
  if (one == "second" || one == "sec") return std::chrono::seconds{1};
  if (one == "minute" || one == "min") return std::chrono::minutes{1};
  if (one == "hour") return std::chrono::hours{1};
  if (one == "day") return std::chrono::hours{24};
  if (one == "week") return std::chrono::days{7};
  return one == "month" ? std::optional(month_window) : std::nullopt;
}

std::optional<LimitName> limit_name(std::string_view header_name) {
  if (header_name == "x-endpoint-monthly-call-limit") {  // Cohere, trial keys.
    return LimitName{.window = month_window};
  }
  for (const auto& [prefix, meaning] : prefixes) {
    if (!header_name.starts_with(prefix)) continue;
    return read_words(header_name.substr(prefix.size()), meaning);
  }
  return std::nullopt;
}

}  // namespace ratebatch::provider
