// What the replies of all dialects have in common.
#pragma once

#include <string_view>
#include <utility>

#include "provider/limit_headers.hpp"
#include "provider/openai_error.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {

// A 2xx, and what its headers say.
struct Reply {
  const HttpReply& http;
  const HeaderFacts& headers;
};

// An outcome without answer, with these words.
Outcome failed(OutcomeClass kind, std::string_view message);

// A bad_reply whose form is not even the provider's: it counts against the server.
Outcome unreadable(std::string_view message);

// The same for a body that is no JSON, with its start as the message.
Outcome unreadable_body(std::string_view body);

// The same for an error that came as a file, with its first bytes as the message.
Outcome text_instead_of_file(std::string_view head);

// Of pictures that only links lead to which the transport refuses: no retry helps.
Outcome only_http_links();

Outcome answered(Answer answer);

// An answer that used all the tokens it was given before its first word: no retry helps.
Outcome cut_before_first_word();

// Fills in what any outcome of a complete reply has: status, request id and characters where
// headers tell them, and of a 2xx the facts of its headers.
void finish_outcome(const HttpReply& http, HeaderFacts headers, Outcome& outcome);

// What a reply means: a 2xx by `read_success` (an Outcome of a Reply), all others as the errors
// they are.
template <typename ReadSuccess>
Outcome read_framed(const HttpReply& http, const ReadSuccess& read_success) {
  HeaderFacts headers = read_limit_headers(http.headers);
  const bool is_success = http.status >= 200 && http.status < 300;
  Outcome outcome = is_success ? read_success(Reply{http, headers}) : read_error(http, headers);
  finish_outcome(http, std::move(headers), outcome);
  return outcome;
}

}  // namespace ratebatch::provider
