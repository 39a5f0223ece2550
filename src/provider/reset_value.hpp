// When a limit is full again, as a header writes it: there are five ways, and one header name for
// several of them.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "ratebatch/base/time.hpp"

namespace ratebatch::provider {

// Resets further away are taken for mistakes and left out: the longest window known is a month.
constexpr Duration reset_max = std::chrono::days{32};

// The time from the reply's arrival to the reset, above zero and at most reset_max. A number from
// 1e12 is epoch milliseconds, from 1e9 epoch seconds, below it seconds from now; with unit letters
// it is a duration ("6m0s"), and with a T an instant of RFC 3339. Instants are compared with the
// server's own Date; without one they say nothing. A Date is cut off to seconds, so the result is
// up to a second too long, never too short. Nothing for any other text, zero and the past.
std::optional<Duration> until_reset(std::string_view value, std::optional<WallTime> server_time);

}  // namespace ratebatch::provider
