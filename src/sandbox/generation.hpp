// A request for a text or pictures, as far as its answer and its cost depend on it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ratebatch/model/limit.hpp"

namespace ratebatch::sandbox {

// OpenAI API reference: n of an image request is 1 to 10.
constexpr std::int64_t pictures_max = 10;

struct Generation {
  enum class Kind : std::uint8_t { chat, image };
  Kind kind = Kind::chat;
  std::string model;
  std::string prompt;                      // Of a chat: all that the user said.
  std::int64_t input_characters = 0;       // Of all messages.
  std::optional<std::int64_t> tokens_max;  // Of the answer.
  std::int64_t pictures = 1;               // 1 to pictures_max; of an image request.
  std::string size = "1024x1024";
};

// What the request and its answer use of each resource.
Amounts use_of(const Generation& asked, std::uint64_t seed);

// What OpenAI would reserve for it before it has an answer: tokens as the larger of max_tokens and
// a quarter of the characters (its rate limit guide), output tokens as max_tokens where it is
// given. The rest is known: as in `use`, which is use_of(asked).
Amounts reserve_of(const Generation& asked, const Amounts& use);

}  // namespace ratebatch::sandbox
