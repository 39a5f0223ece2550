// The JSON of the OpenAI dialect as a server speaks it: requests read, answers written. The only
// file of the sandbox that knows the JSON library.
//
// Sources: OpenAI API reference and guides on rate limits and error codes, as of 2026.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "ratebatch/base/time.hpp"
#include "ratebatch/sandbox/sandbox_server.hpp"
#include "sandbox/limiter.hpp"

namespace ratebatch::sandbox {

// Deeper documents are refused: no request needs more.
constexpr std::size_t json_depth_max = 64;
constexpr std::size_t model_name_bytes_max = 256;

// A request for a text or a picture, as far as the answer depends on it.
struct Generation {
  enum class Kind : std::uint8_t { chat, image };
  Kind kind = Kind::chat;
  std::string model;
  std::string prompt;                      // Of a chat: all that the user said.
  std::int64_t input_characters = 0;       // Of all messages.
  std::optional<std::int64_t> tokens_max;  // Of the answer.
  std::string size = "1024x1024";
};

// {"error": {...}} with its status. An empty `code` or `param` is null.
struct ApiError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string code;
  std::string param;
};

// Reads the body of /v1/chat/completions or /v1/images/generations. Fails with the error that a
// provider would send.
tl::expected<Generation, ApiError> read_generation(Generation::Kind kind, std::string_view body);

std::string error_body(const ApiError& error);

// The two refusals. `wait` and the numbers come from the limit that refused.
ApiError rate_limit_error(const std::string& model, const LimitView& limit);
ApiError concurrency_error(const std::string& model, std::int64_t concurrency_max);

struct AnswerMark {
  std::string id;
  WallTime created;
};

std::string chat_body(const Generation& asked, const AnswerMark& mark, std::uint64_t seed);
std::string image_body(const Generation& asked, const AnswerMark& mark, std::uint64_t seed,
                       std::int64_t image_bytes);
std::string models_body(const SandboxOptions& options);
std::string stats_body(const SandboxStats& stats);

// "12ms", "8.64s", "6m0s", "1h0m0s": as Go prints a duration, rounded up to milliseconds.
std::string go_duration(Duration d);

}  // namespace ratebatch::sandbox
