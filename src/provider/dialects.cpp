// The dialects there are, and what concerns them all.
#include <array>

#include "provider/apis.hpp"
#include "provider/reply_frame.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::provider {
namespace {

OutcomeClass class_of(TransferFault fault) {
  switch (fault) {
    case TransferFault::not_allowed:
      return OutcomeClass::invalid_request;
    case TransferFault::resolve:
    case TransferFault::connect:
    case TransferFault::tls:
    case TransferFault::broken:
    case TransferFault::local:
      return OutcomeClass::network;
    case TransferFault::timeout:
    case TransferFault::stalled:
      return OutcomeClass::timeout;
    case TransferFault::malformed:
    case TransferFault::too_large:
      return OutcomeClass::bad_reply;
  }
  RB_ASSERT(false);
}

// An API under its name. Without state: each is made once.
class Api final : public Dialect {
 public:
  using Request = Result<HttpRequest>(const JobContent&, const Endpoint&);
  using Read = Outcome(const HttpReply&, const Endpoint&, const AskedFor&);

  // Without a header's name the key goes as the endpoint's description says.
  Api(std::string_view name, std::string_view key_header, std::string_view key_prefix,
      Request& request, Read& read)
      : name_(name),
        key_header_(key_header),
        key_prefix_(key_prefix),
        request_(request),
        read_(read) {}

  [[nodiscard]] std::string_view name() const { return name_; }

  [[nodiscard]] Result<HttpRequest> request(const JobContent& content,
                                            const Endpoint& endpoint) const override {
    return request_(content, endpoint);
  }

  [[nodiscard]] KeyHeader key_header(const Endpoint& endpoint) const override {
    if (!key_header_.empty()) return {key_header_, key_prefix_, {}, {}};
    RB_ASSERT(endpoint.http.has_value());
    return {endpoint.http->key_header, endpoint.http->key_prefix, {}, {}};
  }

  [[nodiscard]] Outcome read(const HttpReply& reply, const Endpoint& endpoint,
                             const AskedFor& asked) const override {
    return read_(reply, endpoint, asked);
  }

 private:
  std::string_view name_;
  std::string key_header_;
  std::string key_prefix_;
  Request& request_;
  Read& read_;
};

const std::array<Api, 6>& dialects() {
  static const std::array<Api, 6> all = {{
      {"openai", "Authorization", "Bearer ", openai_request, read_openai},
      {"together", "Authorization", "Bearer ", together_request, read_openai},
      {"anthropic", "x-api-key", "", anthropic_request, read_anthropic},
      {"gemini", "x-goog-api-key", "", gemini_request, read_gemini},
      {"elevenlabs", "xi-api-key", "", elevenlabs_request, read_elevenlabs},
      {"http", "", "", described_request, read_described},
  }};
  return all;
}

}  // namespace

const Dialect* find_dialect(std::string_view api) {
  for (const Api& known : dialects()) {
    if (known.name() == api) return &known;
  }
  return nullptr;
}

std::vector<std::string_view> dialect_names() {
  std::vector<std::string_view> names;
  for (const Api& known : dialects()) names.push_back(known.name());
  return names;
}

Outcome outcome_of(const TransferFailure& failure) {
  Outcome outcome;
  outcome.kind = class_of(failure.fault);
  outcome.message = as_message(failure.message);
  outcome.http_status = failure.status;
  outcome.unreadable = failure.fault == TransferFault::malformed;
  outcome.sent = failure.request_sent;
  return outcome;
}

}  // namespace ratebatch::provider
