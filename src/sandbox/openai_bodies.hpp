// The JSON of the OpenAI dialect as a server speaks it: requests read, answers written. The only
// file of the sandbox that knows the JSON library.
//
// Source: OpenAI API reference, as of 2026.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "ratebatch/base/time.hpp"
#include "ratebatch/sandbox/sandbox_server.hpp"
#include "sandbox/generation.hpp"
#include "sandbox/openai_errors.hpp"

namespace ratebatch::sandbox {

// Deeper documents are refused: no request needs more.
constexpr std::size_t json_depth_max = 64;
constexpr std::size_t model_name_bytes_max = 256;

// Reads the body of /v1/chat/completions or /v1/images/generations. Fails with the error that a
// provider would send.
tl::expected<Generation, ApiError> read_generation(Generation::Kind kind, std::string_view body);

std::string error_body(const ApiError& error);

struct AnswerMark {
  std::string id;
  WallTime created;
};

std::string chat_body(const Generation& asked, const AnswerMark& mark, std::uint64_t seed);
// As many pictures as were asked for, all different.
std::string image_body(const Generation& asked, const AnswerMark& mark, std::uint64_t seed,
                       std::int64_t image_bytes);
std::string models_body(const SandboxOptions& options);
std::string stats_body(const SandboxStats& stats);

}  // namespace ratebatch::sandbox
