// What a request will cost in tokens, before it is sent: from the length of its texts, its
// max_tokens, and what the answers of its route used so far.
//
// Reserved is what it may well cost; the difference comes back with the answer. So an estimate that
// is too high costs a little patience, one that is too low may cost a refusal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::quota {

// English text; OpenAI's tokenizer page gives about 4 characters to a token.
constexpr std::int64_t bytes_per_token = 4;

// The answer of a request that bounds it nowhere, before any answer was seen: more than most are,
// so that the first requests wait for each other's answers rather than for a refusal.
constexpr std::int64_t output_tokens_assumed = 4000;

class TokenEstimate {
 public:
  TokenEstimate(const RouteEstimate& route, TokenRule rule) : route_(route), rule_(rule) {}

  // What a job of this size may use, of every resource. At least 1 request.
  [[nodiscard]] Amounts reserve(const JobSize& size) const;

  // What it certainly uses: a job whose certain cost exceeds a window never fits. Tokens only where
  // the provider charges max_tokens beforehand.
  [[nodiscard]] Amounts certain(const JobSize& size) const;

  // What an answer with this usage used of every resource; what the answer does not say counts as
  // `reserved`.
  [[nodiscard]] Amounts actual(const Usage& usage, const Amounts& reserved) const;

  // Learns from an answer.
  void learn(const JobSize& size, const Usage& usage);

  // What was learned; empty where nothing was; and back.
  [[nodiscard]] std::string store() const;
  bool restore(std::string_view text);

 private:
  [[nodiscard]] std::int64_t input_bytes(const JobSize& size) const;
  [[nodiscard]] std::int64_t input_guess(const JobSize& size) const;

  RouteEstimate route_;
  TokenRule rule_;
  std::int64_t answers_ = 0;
  std::int64_t input_ratio_per_mille_ = 1000;  // The largest of late: used to guessed.
  std::int64_t output_largest_ = 0;            // Of late.
};

}  // namespace ratebatch::quota
