// How long a server asks to wait, wherever it says so.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::provider {

// A longer wait than this is taken for a mistake of the server and cut: no window of a known
// provider that a wait could outlast is longer, but for months, which come as refusals of payment.
constexpr Duration wait_hint_max = std::chrono::days{7};

// A wait of more than a century is no hint at all.
//
// The larger of what the headers and the message ask for, above zero and at most wait_hint_max.
// Headers: retry-after-ms, else Retry-After in seconds or as a date, which is compared with the
// reply's own Date; without one a date says nothing. Message: see wait_in_message. Nothing where
// neither asks, or asks for zero.
std::optional<Duration> wait_hint(const HttpReply& reply, std::string_view message);

// "Please try again in 6m0s.", "Please retry after 7 seconds", "retry in 45.8s": the first such
// wait that is above zero.
std::optional<Duration> wait_in_message(std::string_view message);

}  // namespace ratebatch::provider
