// The parts of an error body, whatever form it came in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "provider/quota_details.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/json/json_fwd.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::provider {

// Empty, absent or 0 where the body has none.
struct ErrorWords {
  std::string message;
  std::string type;
  std::string code;
  std::int32_t status = 0;  // Where the code is a number.
  QuotaDetails quota;       // Google's.
  // OpenRouter: whether another try helps, whatever the status, and when.
  std::optional<bool> retryable;
  std::optional<Duration> retry_after;  // Above zero.
  std::vector<Header> headers;          // OpenRouter: of the server behind it. In lower case.
  // Of a problem (RFC 9457): the names of the policies, see rate_limit_fields.hpp.
  std::vector<std::string> violated_policies;
};

// Reads {"error":{...}}, {"error":"..."}, {"message":...}, {"detail":...} as text, object or list,
// {"title":...}, and any of them in an array. The code is the most exact name there is: of
// Anthropic details.error_code, of ElevenLabs code or status, of OpenRouter metadata.error_type.
ErrorWords error_words(const Json& value);

}  // namespace ratebatch::provider
