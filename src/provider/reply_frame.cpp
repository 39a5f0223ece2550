#include "provider/reply_frame.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "provider/foreign_text.hpp"
#include "provider/refusal.hpp"

namespace ratebatch::provider {
namespace {

constexpr std::size_t request_id_bytes_max = 256;  // Of ours: those seen have 36.

}  // namespace

Outcome failed(OutcomeClass kind, std::string_view message) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.message = as_message(message);
  return outcome;
}

Outcome unreadable(std::string_view message) {
  Outcome outcome = failed(OutcomeClass::bad_reply, message);
  outcome.unreadable = true;
  return outcome;
}

Outcome unreadable_body(std::string_view body) {
  constexpr std::size_t start_bytes = 200;
  const std::string start = as_message(body.substr(0, start_bytes));
  return unreadable(start.empty() ? "the reply is empty"
                                  : "the reply is not the JSON it should be: " + start);
}

Outcome text_instead_of_file(std::string_view head) {
  return unreadable("the reply is a text instead of a file: " + as_message(head));
}

Outcome only_http_links() {
  return failed(OutcomeClass::invalid_request,
                "the reply holds only links that cannot be fetched, because they are not https: "
                "ask for base64");
}

Outcome answered(Answer answer) {
  Outcome outcome;
  outcome.kind = OutcomeClass::done;
  outcome.answer = std::move(answer);
  return outcome;
}

Outcome cut_before_first_word() {
  return failed(OutcomeClass::invalid_request,
                "the answer was cut before its first word: raise max_tokens (models that think "
                "first spend them on that)");
}

void finish_outcome(const HttpReply& http, HeaderFacts headers, Outcome& outcome) {
  if (headers.characters > 0) outcome.usage.characters = headers.characters;
  Usage& usage = outcome.usage;
  for (std::int64_t* count :
       {&usage.input_tokens, &usage.output_tokens, &usage.images, &usage.characters}) {
    *count = std::min(*count, usage_max);
  }
  if (http.status >= 200 && http.status < 300) {
    add_success_facts(std::move(headers), outcome.facts);
  }
  outcome.http_status = http.status;
  std::string_view id = http.header("x-request-id");
  if (id.empty()) id = http.header("request-id");  // Anthropic, ElevenLabs.
  if (!id.empty()) outcome.request_id = as_message(id.substr(0, request_id_bytes_max));
  outcome.sent = true;
}

}  // namespace ratebatch::provider
