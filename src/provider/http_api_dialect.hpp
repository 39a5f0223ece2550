// Any API that its user describes in the configuration, see model/http_api.hpp.
//
// Errors and limits are read as those of all APIs, from status, headers and the forms that error
// bodies have; the description says only what cannot be guessed.
#pragma once

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::provider {

// Precondition of all: the endpoint has `http`.
class HttpApiDialect final : public Dialect {
 public:
  [[nodiscard]] Result<HttpRequest> request(const JobContent& content,
                                            const Endpoint& endpoint) const override;
  [[nodiscard]] KeyHeader key_header(const Endpoint& endpoint) const override;
  [[nodiscard]] Outcome read(const HttpReply& reply, const Endpoint& endpoint,
                             const AskedFor& asked) const override;
};

}  // namespace ratebatch::provider
