// The machine-readable part of Google's errors (google.rpc.QuotaFailure, google.rpc.RetryInfo), as
// Gemini sends it, also through its OpenAI-compatible endpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/json/json_fwd.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::provider {

struct QuotaViolation {
  std::optional<Resource> resource;
  std::optional<Duration> window;
  // 0: the model is not offered on this tier at all.
  std::optional<std::int64_t> limit;
};

struct QuotaDetails {
  std::vector<QuotaViolation> violations;
  std::optional<Duration> retry_delay;  // Above zero; cut off to seconds by the server.
  bool is_key_invalid = false;          // google.rpc.ErrorInfo says so.
};

// Reads the entries of error.details by their @type, in any order; where they tell of no quota, the
// lines "* Quota exceeded for metric: M, limit: N" of the message.
QuotaDetails quota_details(const Json& error, std::string_view message);

// How long the error asks to wait. The message has the precise value of RetryInfo; where it has
// none, or a shorter one, a second is added for what the server cut off.
std::optional<Duration> google_wait(const QuotaDetails& details, std::string_view message);

}  // namespace ratebatch::provider
