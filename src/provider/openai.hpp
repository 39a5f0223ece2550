// The API of OpenAI, and of the many servers that speak it: chat completions and images.
//
// Facts are from the provider's documentation and from replies seen: the rate limit guide, the list
// of error codes, and the API reference, as of 2026.
#pragma once

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch {

class OpenAiDialect final : public Dialect {
 public:
  [[nodiscard]] Result<HttpRequest> request(const JobContent& content,
                                            const Endpoint& endpoint) const override;
  [[nodiscard]] KeyHeader key_header() const override;
  [[nodiscard]] Outcome read(const HttpReply& reply, ModelKind kind, bool raw_body) const override;
};

}  // namespace ratebatch
