// The dialects there are, and what concerns them all.
#include "provider/foreign_text.hpp"
#include "provider/openai.hpp"
#include "ratebatch/provider/dialect.hpp"

namespace ratebatch {
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
  return OutcomeClass::network;
}

}  // namespace

const Dialect* find_dialect(std::string_view api) {
  static const OpenAiDialect openai;  // Has no state.
  return api == "openai" ? &openai : nullptr;
}

std::vector<std::string_view> dialect_names() { return {"openai"}; }

Outcome outcome_of(const TransferFailure& failure) {
  Outcome outcome;
  outcome.kind = class_of(failure.fault);
  outcome.message = as_message(failure.message);
  outcome.http_status = failure.status;
  outcome.sent = failure.request_sent;
  return outcome;
}

}  // namespace ratebatch
