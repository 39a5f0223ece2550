// What an error of OpenAI's API, or of a server that speaks it, means.
#pragma once

#include "provider/error_words.hpp"
#include "provider/limit_headers.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {

// The meaning of a reply that is no 2xx: class, limit, message and facts. `headers` are those of
// `reply`.
Outcome read_error(const HttpReply& reply, const HeaderFacts& headers);

// The same, with these words instead of those that error_words finds in the body.
Outcome read_error(const HttpReply& reply, const HeaderFacts& headers, const ErrorWords& words);

// The meaning of an error inside a 2xx, classified as its code says; bad_reply where it says
// nothing known.
Outcome read_error_in_success(const HttpReply& reply, const HeaderFacts& headers,
                              const ErrorWords& words);

}  // namespace ratebatch::provider
