// The parts of an error body, whatever form it came in, with the machine-readable part of Google's
// errors (google.rpc.QuotaFailure, google.rpc.RetryInfo), as Gemini sends it, also through its
// OpenAI-compatible endpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "provider/limit_words.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/json/reader.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::provider {

// The entries of error.details by their @type, in any order; if they tell of no quota, the lines
// "* Quota exceeded for metric: M, limit: N" of the message.
struct QuotaDetails {
  std::vector<NamedLimit> violations;   // A limit of 0: the tier does not offer the model at all.
  std::optional<Duration> retry_delay;  // Above zero; cut off to seconds by the server.
  bool is_key_invalid = false;          // google.rpc.ErrorInfo says so.
};

// Empty, absent or 0 if the body has none.
struct ErrorWords {
  std::string message;
  std::string type;
  std::string code;
  std::int32_t status = 0;  // If the code is a number.
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
ErrorWords error_words(json::Value value);

// The status that `number` is as an error's code; 0 if it is none.
std::int32_t status_in_code(std::int64_t number);

// How long Google's error asks to wait. The message has the precise value of RetryInfo; if it has
// none, or a shorter one, a second is added for what the server cut off.
std::optional<Duration> google_wait(const QuotaDetails& details, std::string_view message);

}  // namespace ratebatch::provider
