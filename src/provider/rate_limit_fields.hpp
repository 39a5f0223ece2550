// The RateLimit fields of the IETF drafts "RateLimit header fields for HTTP": up to draft 06 three
// fields, in draft 07 a dictionary, in draft 11 lists of named policies.
#pragma once

#include <optional>
#include <string>

#include "provider/limit_headers.hpp"

namespace ratebatch::provider {

// The values of these fields, several lines of one joined by commas.
struct RateLimitTexts {
  std::string rate_limit;  // RateLimit
  std::string policy;      // RateLimit-Policy
  std::string limit;       // RateLimit-Limit
  std::string remaining;   // RateLimit-Remaining
  std::string reset;       // RateLimit-Reset
};

// What the fields say: limits, for each of them the name of its policy (empty if it has none), and
// concurrency_max. One that is malformed is ignored whole. Limits in units other than requests,
// tokens and concurrent requests are left out.
HeaderFacts read_rate_limit_fields(const RateLimitTexts& texts,
                                   std::optional<WallTime> server_time);

}  // namespace ratebatch::provider
