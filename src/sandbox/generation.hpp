// A request for a text, pictures, audio or numbers, as far as its answer and its cost depend on it;
// in no API's words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/model/limit.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"

namespace ratebatch::sandbox {

// OpenAI API reference: n of an image request is 1 to 10.
constexpr std::int64_t pictures_max = 10;

// Numbers of an embedding where the request does not say how many: enough to look like one.
constexpr std::int64_t embedding_dimensions = 16;

struct Generation {
  enum class Kind : std::uint8_t {
    chat,
    responses,
    completion,
    image,
    speech,
    transcription,
    embedding,
    moderation,
    score,
    rerank,
  };
  Kind kind = Kind::chat;
  std::string model;
  std::string counted_as;  // The name that the model is counted under; empty: `model`.
  std::string prompt;      // What the answer speaks of: of a chat, all that the user said.
  std::int64_t input_characters = 0;       // Of all that was sent as text.
  std::int64_t file_bytes = 0;             // Of an audio file that was sent.
  std::optional<std::int64_t> tokens_max;  // Of the answer.
  std::int64_t pictures = 1;               // 1 to pictures_max; of an image request.
  std::string size = "1024x1024";
  bool wants_json = false;          // Of a text: an object instead of a plain text.
  std::string format;               // Of the answer, in the words of its API; empty: not said.
  std::vector<std::string> inputs;  // Of an embedding, a moderation, a score or a rerank.
  std::int64_t dimensions = embedding_dimensions;
};

// The text that is answered, cut at tokens_max.
struct AnswerText {
  std::string text;
  std::int64_t tokens = 0;
  bool cut = false;
};
AnswerText text_for(const Generation& asked, const SandboxOptions& options);

// Whether the answer is a text.
bool has_text(const Generation& asked);

// What the request and its answer use of each resource; `text_tokens` are those of the answer's
// text, 0 if it has none.
Amounts use_with_text(const Generation& asked, std::int64_t text_tokens);

// The same where the text was not made yet.
Amounts use_of(const Generation& asked, const SandboxOptions& options);

// The number that the picture of this index follows from.
std::uint64_t picture_number(const Generation& asked, const SandboxOptions& options,
                             std::int64_t index);

}  // namespace ratebatch::sandbox
