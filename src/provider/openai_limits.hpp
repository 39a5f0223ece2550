// Which limit a 429 of OpenAI's API is about, by its type, code and words.
#pragma once

#include <string_view>

#include "ratebatch/model/outcome.hpp"

namespace ratebatch {

struct LimitWords {
  LimitedBy limited = LimitedBy::unspecified;
  bool per_day = false;      // A window of a day or longer.
  bool never_fits = false;   // The request alone is over the limit: no wait helps.
  bool is_overload = false;  // Not our share: the server as a whole has too much to do.
};

// Reads forms such as "Rate limit reached for M in organization O on tokens per min (TPM): Limit
// 200000, Used 195869, Requested 4412. Please try again in 84ms.", and what is left of them at
// servers that imitate them.
LimitWords limit_in_words(std::string_view type, std::string_view code, std::string_view message);

}  // namespace ratebatch
