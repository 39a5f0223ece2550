// The names of rate limit headers: which part of which limit one tells.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::provider {

enum class LimitField : std::uint8_t { limit, remaining, reset, renewal_period };

enum class LimitFamily : std::uint8_t {
  per_resource,  // x-ratelimit-, with a resource behind it.
  plain,         // Without one: requests. And Together's x-tokenlimit-.
  anthropic,
  by_size,  // Mistral: tokens.
};

struct LimitName {
  LimitFamily family = LimitFamily::plain;
  LimitField field = LimitField::limit;
  Resource resource = Resource::requests;
  std::optional<Duration> window;  // Where the name says it.
  bool is_project = false;         // A second limit of the same kind, for the project.
  bool is_dynamic = false;         // Together: as of now, beside the one of the plan.

  [[nodiscard]] bool is_same_limit(const LimitName& other) const {
    return family == other.family && resource == other.resource && window == other.window &&
           is_project == other.is_project && is_dynamic == other.is_dynamic;
  }
};

// A limit as far as words name it.
struct NamedLimit {
  std::optional<Resource> resource;
  std::optional<Duration> window;
  std::optional<std::int64_t> limit;
};

// nullopt if the header is none of these, or has a word that is not known: it may then mean
// anything. Precondition: in lower case.
std::optional<LimitName> limit_name(std::string_view header_name);

// "requests", "tokens", "images", "characters", with or without the plural. In lower case.
std::optional<Resource> resource_named(std::string_view word);

// "second", "min", "minute", "hour", "day", "week", "month", with or without a plural. In lower
// case.
std::optional<Duration> window_named(std::string_view word);

}  // namespace ratebatch::provider
