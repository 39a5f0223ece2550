// The API of OpenAI, and of the many servers that speak it: chat completions, responses, images,
// speech, transcriptions and embeddings.
//
// Facts are from the provider's documentation and from replies seen: the rate limit guide, the list
// of error codes, and the API reference, as of 2026.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::provider {

// What differs between servers that speak it.
struct OpenAiVariant {
  // The body of an image request that is no raw one.
  Result<std::string> (*image_body)(const JobContent& content, const Endpoint& endpoint);
  std::string_view default_voice;  // Empty: a job must name one.
};

class OpenAiDialect final : public Dialect {
 public:
  explicit OpenAiDialect(const OpenAiVariant& variant) : variant_(variant) {}

  [[nodiscard]] Result<HttpRequest> request(const JobContent& content,
                                            const Endpoint& endpoint) const override;
  [[nodiscard]] KeyHeader key_header(const Endpoint& endpoint) const override;
  [[nodiscard]] Outcome read(const HttpReply& reply, const Endpoint& endpoint,
                             const AskedFor& asked) const override;

 private:
  OpenAiVariant variant_;
};

// OpenAI itself.
OpenAiVariant openai_variant();

// Together.ai: chat and most else as at OpenAI, images by other names.
OpenAiVariant together_variant();

}  // namespace ratebatch::provider
