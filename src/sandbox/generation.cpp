#include "sandbox/generation.hpp"

#include <algorithm>

#include "ratebatch/base/text.hpp"
#include "sandbox/json_body.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
namespace {

// What a square picture of low quality costs (OpenAI image generation guide).
constexpr std::int64_t picture_output_tokens = 272;

// Of an audio file, our own: half a second of compressed speech.
constexpr std::int64_t file_bytes_per_token = 1000;

std::int64_t input_tokens(const Generation& asked) {
  return token_count(asked.input_characters) +
         (asked.file_bytes + file_bytes_per_token - 1) / file_bytes_per_token;
}

std::int64_t output_tokens(const Generation& asked, const SandboxOptions& options) {
  switch (asked.kind) {
    case Generation::Kind::chat:
    case Generation::Kind::responses:
    case Generation::Kind::completion:
    case Generation::Kind::transcription:
      return text_for(asked, options).tokens;
    case Generation::Kind::image:
      return picture_output_tokens * asked.pictures;
    case Generation::Kind::speech:
    case Generation::Kind::embedding:
    case Generation::Kind::moderation:
    case Generation::Kind::score:
    case Generation::Kind::rerank:
      break;
  }
  return 0;
}

}  // namespace

AnswerText text_for(const Generation& asked, const SandboxOptions& options) {
  std::string full = answer_text(options.seed, asked.prompt);
  const std::string once = full;
  const auto bytes_min = static_cast<std::size_t>(options.text_bytes);
  if (full.size() < bytes_min) full.reserve(bytes_min + once.size() + 2);
  while (full.size() < bytes_min) full.append("\n\n").append(once);
  if (asked.wants_json) full = written({{"text", std::move(full)}});
  AnswerText answer{.tokens = token_count(character_count(full))};
  if (asked.tokens_max && *asked.tokens_max < answer.tokens) {
    answer.cut = true;
    answer.tokens = *asked.tokens_max;
    full.resize(first_tokens(full, answer.tokens).size());
  }
  answer.text = std::move(full);
  return answer;
}

Amounts use_of(const Generation& asked, const SandboxOptions& options) {
  const std::int64_t input = input_tokens(asked);
  const std::int64_t output = output_tokens(asked, options);
  Amounts use{};
  use[index_of(Resource::requests)] = 1;
  use[index_of(Resource::tokens)] = input + output;
  use[index_of(Resource::input_tokens)] = input;
  use[index_of(Resource::output_tokens)] = output;
  use[index_of(Resource::images)] = asked.kind == Generation::Kind::image ? asked.pictures : 0;
  use[index_of(Resource::characters)] = asked.input_characters;
  return use;
}

Amounts reserve_of(const Generation& asked, const Amounts& use) {
  Amounts reserve = use;
  const std::int64_t estimate = input_tokens(asked);
  reserve[index_of(Resource::tokens)] = std::max(asked.tokens_max.value_or(0), estimate);
  if (asked.tokens_max) reserve[index_of(Resource::output_tokens)] = *asked.tokens_max;
  return reserve;
}

std::string transcript_subject(std::string_view file) {
  return "what is heard in " + fnv1a_64_hex(file);
}

std::uint64_t picture_number(const Generation& asked, const SandboxOptions& options,
                             std::int64_t index) {
  return mixed(options.seed + static_cast<std::uint64_t>(index), asked.prompt);
}

}  // namespace ratebatch::sandbox
