// The errors of OpenAI's API, word for word, and the form of its durations.
//
// Sources: OpenAI guides on rate limits and error codes, and refusals that users published.
#pragma once

#include <cstdint>
#include <string>

#include "ratebatch/base/time.hpp"
#include "sandbox/api.hpp"
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

// What OpenAI says to it: "Rate limit reached for ... Please try again in 132ms. ...", "Request too
// large for ...", and so on.
ApiError openai_error(const Trouble& trouble);

std::string error_body(const ApiError& error);

// What a limit is in words: "tokens per min (TPM)", "requests per 10s".
std::string openai_dimension(const LimitTerms& terms);

// "12ms", "8.64s", "6m0s", "1h0m0s": as Go prints a duration, rounded up to milliseconds.
std::string go_duration(Duration d);

}  // namespace ratebatch::sandbox
