// The port of an API: how a job becomes a request, and what a reply means. One file per API; pure
// functions, no state, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/job_content.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {

// What must be known of a request to read its reply.
struct AskedFor {
  ModelKind kind = ModelKind::chat;  // Of JobContent.
  bool raw_body = false;  // The job gave its own body: the answer keeps the reply's body too.
  // Of the text of a speech job: what is charged where the reply does not say.
  std::int64_t characters = 0;
};

class Dialect {
 public:
  Dialect() = default;
  Dialect(const Dialect&) = delete;
  Dialect& operator=(const Dialect&) = delete;
  virtual ~Dialect() = default;

  // The request of a job, without its key; of `reply_files` what may go to files, without a folder.
  // Fails with invalid_input if the job cannot be expressed (what is missing or wrong, for the
  // user).
  [[nodiscard]] virtual Result<HttpRequest> request(const JobContent& content,
                                                    const Endpoint& endpoint) const = 0;

  // Where and how the key goes: name and prefix of the header. The caller adds key and origin.
  [[nodiscard]] virtual KeyHeader key_header(const Endpoint& endpoint) const = 0;

  // What a complete reply of any status means. Never fails: what cannot be read is bad_reply. Files
  // of the reply that the answer's assets do not name are the caller's to remove.
  [[nodiscard]] virtual Outcome read(const HttpReply& reply, const Endpoint& endpoint,
                                     const AskedFor& asked) const = 0;
};

// The dialect of this name ("openai"), or nullptr. Lives for ever.
const Dialect* find_dialect(std::string_view api);

// All names find_dialect knows, for messages.
std::vector<std::string_view> dialect_names();

// What the path of an OpenAI Batch line asks for, with or without its /v1; ModelKind::raw for those
// whose answer is only kept. nullopt if the path is none of the API's.
std::optional<ModelKind> kind_of_path(std::string_view path);

// What a transfer without a complete reply means; the same for all dialects.
Outcome outcome_of(const TransferFailure& failure);

}  // namespace ratebatch::provider
