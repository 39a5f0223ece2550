// The errors of the OpenAI dialect, word for word, and the form of its durations. No JSON here: see
// openai_bodies.hpp.
//
// Sources: OpenAI guides on rate limits and error codes, and refusals that users published.
#pragma once

#include <cstdint>
#include <string>

#include "ratebatch/base/time.hpp"
#include "sandbox/limiter.hpp"

namespace ratebatch::sandbox {

// {"error": {...}} with its status. An empty `code` or `param` is null.
struct ApiError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string code;
  std::string param;
};

// Whether a refusal tells the numbers of the limit, or only which one it is.
enum class Telling : std::uint8_t { numbers, name };

// The limit is used up: "Rate limit reached for ... Please try again in 132ms. ..."
ApiError rate_limit_error(const std::string& model, const LimitView& limit, Telling telling);

// The request alone exceeds the limit: "Request too large for ...". No retry helps.
ApiError too_large_error(const std::string& model, const LimitView& limit, Telling telling);

ApiError concurrency_error(const std::string& model, std::int64_t concurrency_max);

// Precondition: `status` is 500 or 503.
ApiError server_error(int status);

// "12ms", "8.64s", "6m0s", "1h0m0s": as Go prints a duration, rounded up to milliseconds.
std::string go_duration(Duration d);

}  // namespace ratebatch::sandbox
