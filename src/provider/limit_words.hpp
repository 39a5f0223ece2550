// The words for limits, and which limit a refusal is about by its type, code and words, with the
// numbers it names.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::provider {

// A limit as far as words name it.
struct NamedLimit {
  std::optional<Resource> resource;
  std::optional<Duration> window;
  std::optional<std::int64_t> limit;
};

// "requests", "tokens", "images", "characters", with or without the plural. In lower case.
std::optional<Resource> resource_named(std::string_view word);

// "second", "min", "minute", "hour", "day", "week", "month", with or without a plural. In lower
// case.
std::optional<Duration> window_named(std::string_view word);

// Its limit is at least 1.
struct LimitWords : NamedLimit {
  std::optional<std::int64_t> used;       // Before this request.
  std::optional<std::int64_t> requested;  // By this request.
  bool is_concurrency = false;            // About requests at the same time: the rest is empty.
  bool never_fits = false;                // The request alone is over the limit: no wait helps.
  bool is_overload = false;  // Not our share: the server as a whole has too much to do.
  bool is_trial = false;     // Of a trial key, whatever the model.
};

// Reads, first match first: the short name in brackets, "(TPM)", "(RPD)", "(ITPM)"; a phrase such
// as "tokens per min", "60 queries per minute", "30,000 input tokens per minute", "40 API calls /
// minute", "free-models-per-day", "per minute request limit"; "token rate limit", "call rate
// limit"; the type. And the numbers of "Limit 200000, Used 195869, Requested 4412" and of the older
// "Limit: 250000.000000 / min. Current: 275070.000000 / min.".
LimitWords limit_in_words(std::string_view type, std::string_view code, std::string_view message);

}  // namespace ratebatch::provider
