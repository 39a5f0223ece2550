// What an error says, put together: its class, which limit it is about, and the facts of headers
// and body as one.
#pragma once

#include <cstdint>

#include "provider/error_words.hpp"
#include "provider/limit_headers.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {

struct Refusal {
  OutcomeClass kind = OutcomeClass::bad_reply;
  LimitedBy limited = LimitedBy::unspecified;
  Facts facts;
};

// The meaning of an error with these words; `headers` are those of `reply`. `status` is its own, or
// the one that goes with an error inside a 2xx; 0: nothing known, so bad_reply.
//
// The wait is, best first: of headers and body, the longer; else until the reset of the limits of
// which nothing remains. Left out where the server's own cannot be true: less than an hour for a
// day's quota of Google, whose reset is at midnight.
Refusal read_refusal(std::int32_t status, const HttpReply& reply, const ErrorWords& words,
                     const HeaderFacts& headers);

// Adds what the headers of a 2xx say, unless an error inside it has told already.
void add_success_facts(HeaderFacts headers, Facts& facts);

}  // namespace ratebatch::provider
