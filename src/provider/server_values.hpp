// Counts, lengths of time, waits and resets as servers write them in headers and sentences.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::provider {

// Counts above this are taken for mistakes and left out: no limit of a known provider is near it,
// and sums of many of them fit 64 bits.
constexpr std::int64_t count_max = 1'000'000'000'000'000;

// The number that `text` begins with, rounded down, with or without commas between thousands:
// "30,000", "250000.000000", "9.0". nullopt if there is none, or above count_max.
std::optional<std::int64_t> leading_count(std::string_view text);

// The value of a header that counts: its leading number, where nothing but blanks or a list
// follows ("100, 100;w=60"). Nothing for negative and other values.
std::optional<std::int64_t> header_count(std::string_view value);

// A longer wait than this is taken for a mistake of the server and cut: no window of a known
// provider that a wait could outlast is longer, but for months, which come as refusals of payment.
constexpr Duration wait_hint_max = std::chrono::days{7};

// A wait of more than a century is no hint at all.
//
// The larger of what the headers and the message ask for, above zero and at most wait_hint_max.
// Headers: retry-after-ms, else Retry-After in seconds or as a date, which is compared with the
// reply's own Date; without one a date says nothing. Message: see wait_in_message. nullopt if
// neither asks, or asks for zero.
std::optional<Duration> wait_hint(const HttpReply& reply, std::string_view message);

// "Please try again in 6m0s.", "Please retry after 7 seconds", "retry in 45.8s": the first such
// wait that is above zero.
std::optional<Duration> wait_in_message(std::string_view message);

// Resets further away are taken for mistakes and left out: the longest window known is a month.
constexpr Duration reset_max = std::chrono::days{32};

// The time from the reply's arrival to the reset that a header tells, above zero and at most
// reset_max. A number from 1e12 is epoch milliseconds, from 1e9 epoch seconds, below it seconds
// from now; with unit letters it is a duration ("6m0s"), and with a T an instant of RFC 3339.
// Instants are compared with the server's own Date; without one they say nothing. A Date is cut off
// to seconds, so the result is up to a second too long, never too short. nullopt for any other
// text, zero and the past.
std::optional<Duration> until_reset(std::string_view value, std::optional<WallTime> server_time);

}  // namespace ratebatch::provider
