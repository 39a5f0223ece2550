#include "ratebatch/quota/token_estimate.hpp"

#include <algorithm>

#include "ratebatch/base/number_list.hpp"

namespace ratebatch::quota {
namespace {

// The largest of late fades by this share with each smaller one.
constexpr std::int64_t fading = 4096;

// Keeps products inside 64 bits; no model takes so much.
constexpr std::int64_t tokens_max = 1'000'000'000;

// Fewer answers do not show how long they can be.
constexpr std::int64_t answers_enough = 16;

void keep_largest(std::int64_t& largest, std::int64_t seen) {
  largest = seen >= largest ? seen : largest - std::max<std::int64_t>(1, (largest - seen) / fading);
}

}  // namespace

std::int64_t TokenEstimate::input_bytes(const JobSize& size) const {
  return size.raw_body ? size.input_bytes : clamped_sum(size.input_bytes, route_.input_bytes);
}

std::int64_t TokenEstimate::input_guess(const JobSize& size) const {
  return std::clamp<std::int64_t>(input_bytes(size) / bytes_per_token, 1, tokens_max);
}

Amounts TokenEstimate::reserve(const JobSize& size) const {
  const std::int64_t input =
      std::min(tokens_max, input_guess(size) * input_ratio_per_mille_ / 1000);
  const auto output_max = size.output_max ? size.output_max : route_.output_max;
  // One that is longer than all before it costs a refusal: a little more than the longest.
  std::int64_t output = output_largest_ + output_largest_ / 50;
  if (answers_ < answers_enough) {
    output = std::max(output_largest_ * 3 / 2, output_max.value_or(output_tokens_assumed));
  }
  output = std::min(output, std::min(output_max.value_or(tokens_max), tokens_max));
  Amounts amounts{};
  amounts[index_of(Resource::requests)] = 1;
  amounts[index_of(Resource::input_tokens)] = std::max<std::int64_t>(1, input);
  amounts[index_of(Resource::output_tokens)] = std::max<std::int64_t>(1, output);
  std::int64_t tokens = input + output;
  if (rule_ == TokenRule::input_only) tokens = input;
  if (rule_ == TokenRule::larger_of) tokens = std::max(tokens, output_max.value_or(0));
  amounts[index_of(Resource::tokens)] = std::clamp<std::int64_t>(tokens, 1, tokens_max);
  amounts[index_of(Resource::images)] =
      size.images > 0 && route_.images > 0 ? size.images : route_.images;
  // A character has at least one byte; the answer may tell how many they were.
  amounts[index_of(Resource::characters)] =
      std::clamp<std::int64_t>(input_bytes(size), 1, tokens_max);
  return amounts;
}

Amounts TokenEstimate::certain(const JobSize& size) const {
  Amounts amounts{};
  const Amounts likely = reserve(size);
  amounts[index_of(Resource::requests)] = 1;
  amounts[index_of(Resource::images)] = likely[index_of(Resource::images)];
  if (rule_ == TokenRule::larger_of) {
    const auto output_max = size.output_max ? size.output_max : route_.output_max;
    amounts[index_of(Resource::tokens)] = output_max.value_or(0);
  }
  return amounts;
}

Amounts TokenEstimate::actual(const Usage& usage, const Amounts& reserved) const {
  Amounts amounts = reserved;
  const auto set = [&](Resource resource, std::int64_t amount) {
    if (amount > 0) amounts[index_of(resource)] = std::min(amount, tokens_max);
  };
  set(Resource::input_tokens, usage.input_tokens);
  set(Resource::output_tokens, usage.output_tokens);
  const std::int64_t input = std::clamp<std::int64_t>(usage.input_tokens, 0, tokens_max);
  const std::int64_t output = std::clamp<std::int64_t>(usage.output_tokens, 0, tokens_max);
  set(Resource::tokens, rule_ == TokenRule::input_only ? input : input + output);
  set(Resource::images, usage.images);
  set(Resource::characters, usage.characters);
  return amounts;
}

void TokenEstimate::learn(const JobSize& size, const Usage& usage) {
  if (usage.input_tokens <= 0 && usage.output_tokens <= 0) return;
  if (usage.input_tokens > 0) {
    const std::int64_t used = std::min(usage.input_tokens, tokens_max);
    const std::int64_t ratio =
        std::clamp<std::int64_t>(used * 1000 / input_guess(size), 1, tokens_max);
    if (answers_ == 0) input_ratio_per_mille_ = ratio;
    keep_largest(input_ratio_per_mille_, ratio);
  }
  keep_largest(output_largest_, std::min(usage.output_tokens, tokens_max));
  ++answers_;
}

std::string TokenEstimate::store() const {
  if (answers_ == 0) return "";
  return number_list({stored_form, answers_, input_ratio_per_mille_, output_largest_});
}

bool TokenEstimate::restore(std::string_view text) {
  const auto numbers = read_all_stored(text, 4);
  if (!numbers) return false;
  answers_ = std::clamp<std::int64_t>((*numbers)[1], 0, tokens_max);
  input_ratio_per_mille_ = std::clamp<std::int64_t>((*numbers)[2], 1, tokens_max);
  output_largest_ = std::clamp<std::int64_t>((*numbers)[3], 0, tokens_max);
  return true;
}

}  // namespace ratebatch::quota
