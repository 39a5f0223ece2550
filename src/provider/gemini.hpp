// Google's Gemini API (models/ID:generateContent): chat, image and transcription.
//
// A transcription is a chat about a sound: without a prompt the job asks for the bare transcript.
// Parameters with a neutral name go into generationConfig, as does what a job has under that name
// itself; others go to the top of the body (safetySettings, tools). An image's `size` becomes the
// nearest of the aspect ratios there are; `format` of an image cannot be chosen. Embeddings and
// speech are not spoken: the first are had through the API's OpenAI-compatible endpoint.
//
// Facts are from the provider's documentation (API reference, troubleshooting, image generation),
// its Python library, and replies seen, as of 2026.
#pragma once

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::provider {

class GeminiDialect final : public Dialect {
 public:
  [[nodiscard]] Result<HttpRequest> request(const JobContent& content,
                                            const Endpoint& endpoint) const override;
  [[nodiscard]] KeyHeader key_header(const Endpoint& endpoint) const override;
  [[nodiscard]] Outcome read(const HttpReply& reply, const Endpoint& endpoint,
                             const AskedFor& asked) const override;
};

}  // namespace ratebatch::provider
