// Anthropic's Messages API (anthropic-version 2023-06-01): chat only.
//
// Differs from OpenAI's in what a job may notice: system text has a place of its own, where all
// system messages go. max_tokens is required, and 4,096 where the job has none: every model can
// write that much. There is no JSON mode and no seed: `format` json and `seed` are left out, for
// the prompt asks for JSON all the same and `accept` checks it. The input tokens of an answer are
// those that count against the limit and cost the full price or more; those read from the cache are
// left out: they do not count, and cost a tenth.
//
// Facts are from the provider's documentation: the API reference, and its pages on errors and rate
// limits, as of 2026.
#pragma once

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::provider {

class AnthropicDialect final : public Dialect {
 public:
  [[nodiscard]] Result<HttpRequest> request(const JobContent& content,
                                            const Endpoint& endpoint) const override;
  [[nodiscard]] KeyHeader key_header(const Endpoint& endpoint) const override;
  [[nodiscard]] Outcome read(const HttpReply& reply, const Endpoint& endpoint,
                             const AskedFor& asked) const override;
};

}  // namespace ratebatch::provider
