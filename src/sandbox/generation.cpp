#include "sandbox/generation.hpp"

#include "ratebatch/base/integers.hpp"
#include "ratebatch/base/text.hpp"
#include "sandbox/canned_answers.hpp"
#include "sandbox/json_body.hpp"

namespace ratebatch::sandbox {
namespace {

// What a square picture of low quality costs (OpenAI image generation guide).
constexpr std::int64_t picture_output_tokens = 272;

// Of an audio file, our own: half a second of compressed speech.
constexpr std::int64_t file_bytes_per_token = 1000;

}  // namespace

AnswerText text_for(const Generation& asked, const SandboxOptions& options) {
  std::string full = answer_text(options.seed, asked.prompt);
  const std::string once = full;
  const auto bytes_min = static_cast<std::size_t>(options.text_bytes);
  if (full.size() < bytes_min) full.reserve(bytes_min + once.size() + 2);
  while (full.size() < bytes_min) full.append("\n\n").append(once);
  if (asked.wants_json) full = filled(R"({"text":$text})", {{"text", full}});
  AnswerText answer{.tokens = token_count(code_points(full))};
  if (asked.tokens_max && *asked.tokens_max < answer.tokens) {
    answer.cut = true;
    answer.tokens = *asked.tokens_max;
    full.resize(first_tokens(full, answer.tokens).size());
  }
  answer.text = std::move(full);
  return answer;
}

bool has_text(const Generation& asked) {
  using Kind = Generation::Kind;
  return asked.kind == Kind::chat || asked.kind == Kind::responses ||
         asked.kind == Kind::completion || asked.kind == Kind::transcription;
}

Amounts use_with_text(const Generation& asked, std::int64_t text_tokens) {
  const std::int64_t pictures = asked.kind == Generation::Kind::image ? asked.pictures : 0;
  const std::int64_t input =
      token_count(asked.input_characters) + divide_up(asked.file_bytes, file_bytes_per_token);
  const std::int64_t output = text_tokens + picture_output_tokens * pictures;
  Amounts use{};
  use[index_of(Resource::requests)] = 1;
  use[index_of(Resource::tokens)] = input + output;
  use[index_of(Resource::input_tokens)] = input;
  use[index_of(Resource::output_tokens)] = output;
  use[index_of(Resource::images)] = pictures;
  use[index_of(Resource::characters)] = asked.input_characters;
  return use;
}

Amounts use_of(const Generation& asked, const SandboxOptions& options) {
  return use_with_text(asked, has_text(asked) ? text_for(asked, options).tokens : 0);
}

std::uint64_t picture_number(const Generation& asked, const SandboxOptions& options,
                             std::int64_t index) {
  return mixed(options.seed + static_cast<std::uint64_t>(index), asked.prompt);
}

}  // namespace ratebatch::sandbox
