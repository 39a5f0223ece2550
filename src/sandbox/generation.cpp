#include "sandbox/generation.hpp"

#include <algorithm>

#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
namespace {

// What a square picture of low quality costs (OpenAI image generation guide).
constexpr std::int64_t picture_output_tokens = 272;

std::int64_t output_tokens(const Generation& asked, std::uint64_t seed) {
  switch (asked.kind) {
    case Generation::Kind::chat: {
      const std::int64_t all = token_count(character_count(answer_text(seed, asked.prompt)));
      return std::min(all, asked.tokens_max.value_or(all));
    }
    case Generation::Kind::image:
      break;
  }
  return picture_output_tokens * asked.pictures;
}

}  // namespace

Amounts use_of(const Generation& asked, std::uint64_t seed) {
  const std::int64_t input = token_count(asked.input_characters);
  const std::int64_t output = output_tokens(asked, seed);
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
  const std::int64_t estimate = token_count(asked.input_characters);
  reserve[index_of(Resource::tokens)] = std::max(asked.tokens_max.value_or(0), estimate);
  if (asked.tokens_max) reserve[index_of(Resource::output_tokens)] = *asked.tokens_max;
  return reserve;
}

}  // namespace ratebatch::sandbox
