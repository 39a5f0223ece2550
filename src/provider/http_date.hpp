// The dates of HTTP headers.
#pragma once

#include <optional>
#include <string_view>

#include "ratebatch/base/time.hpp"

namespace ratebatch::provider {

// Reads the three forms of RFC 9110, section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday,
// 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994". The day of the week is not checked. Nothing
// for any other text and for dates that do not exist. Allocates nothing: every reply has a date.
std::optional<WallTime> parse_http_date(std::string_view text);

// Reads RFC 3339: "2026-08-01T12:00:00Z", "2026-08-01T14:00:00.5+02:00". Nothing for any other text
// and for dates that do not exist.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace ratebatch::provider
