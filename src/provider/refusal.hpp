// What an error says, put together: its class, which limit it is about, and the facts of headers
// and body as one.
#pragma once

#include "provider/error_words.hpp"
#include "provider/limit_headers.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {

// The meaning of an error with these words, without its message; `headers` are those of `reply`.
// Inside a 2xx the error is classified as its code says: bad_reply if that is not known.
//
// The wait is, best first: of headers and body, the longer; else until the reset of the limits of
// which nothing remains. Left out where the server's own cannot be true: less than an hour for a
// day's quota of Google, whose reset is at midnight.
Outcome read_refusal(const HttpReply& reply, const ErrorWords& words, const HeaderFacts& headers);

}  // namespace ratebatch::provider
