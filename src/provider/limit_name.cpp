#include "provider/limit_name.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace ratebatch::provider {
namespace {

struct Prefix {
  std::string_view text;
  LimitName meaning;
};

// The words behind a prefix complete its meaning.
constexpr std::array<Prefix, 7> prefixes = {{
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
class NameReader {
 public:
  explicit NameReader(const LimitName& start) : name_(start) {}

  bool read(std::string_view word) {
    if (const auto field = field_named(word)) {
      if (has_field_) return false;
      name_.field = *field;
      has_field_ = true;
      return true;
    }
    if (const auto resource = resource_named(word)) {
      name_.resource = *resource;
      has_resource_ = true;
      return true;
    }
    if (const auto window = window_named(word)) {
      name_.window = window;
      return true;
    }
    if (word == "project") return name_.is_project = true;
    if (word == "dynamic") return name_.is_dynamic = true;
    if (word == "input" || word == "prompt") return is_input_ = true;
    if (word == "output" || word == "generated") return is_output_ = true;
    return false;
  }

  [[nodiscard]] std::optional<LimitName> result() const {
    if (!has_field_) return std::nullopt;
    LimitName name = name_;
    if (is_input_ || is_output_) {
      if (name.resource != Resource::tokens) return std::nullopt;
      name.resource = is_input_ ? Resource::input_tokens : Resource::output_tokens;
    }
    if (has_resource_ && name.family == LimitFamily::plain) {
      name.family = LimitFamily::per_resource;
    }
    return name;
  }

 private:
  LimitName name_;
  bool has_field_ = false;
  bool has_resource_ = false;
  bool is_input_ = false;
  bool is_output_ = false;
};

std::optional<LimitName> read_words(std::string_view words, const LimitName& start) {
  NameReader reader(start);
  while (!words.empty()) {
    const std::size_t end = std::min(words.find('-'), words.size());
    if (!reader.read(words.substr(0, end))) return std::nullopt;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return reader.result();
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
  for (const Prefix& prefix : prefixes) {
    if (!header_name.starts_with(prefix.text)) continue;
    return read_words(header_name.substr(prefix.text.size()), prefix.meaning);
  }
  return std::nullopt;
}

}  // namespace ratebatch::provider
