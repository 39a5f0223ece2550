// The port of an API: how a job becomes a request, and what a reply means. One file per API; pure
// functions, no state, no clock.
#pragma once

#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/job_content.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch {

class Dialect {
 public:
  Dialect() = default;
  Dialect(const Dialect&) = delete;
  Dialect& operator=(const Dialect&) = delete;
  virtual ~Dialect() = default;

  // The request of a job, without its key. Fails with invalid_input where the job cannot be
  // expressed (what is missing or wrong, for the user).
  [[nodiscard]] virtual Result<HttpRequest> request(const JobContent& content,
                                                    const Endpoint& endpoint) const = 0;

  // Where and how the key goes: name and prefix of the header. The caller adds key and origin.
  [[nodiscard]] virtual KeyHeader key_header() const = 0;

  // What a complete reply of any status means. `raw_body`: the job gave its own body, so the answer
  // keeps the reply's body too. Never fails: what cannot be read is bad_reply.
  [[nodiscard]] virtual Outcome read(const HttpReply& reply, ModelKind kind,
                                     bool raw_body) const = 0;
};

// The dialect of this name ("openai"), or nullptr. Lives for ever.
const Dialect* find_dialect(std::string_view api);

// All names find_dialect knows, for messages.
std::vector<std::string_view> dialect_names();

// What a transfer without a complete reply means; the same for all dialects.
Outcome outcome_of(const TransferFailure& failure);

}  // namespace ratebatch
