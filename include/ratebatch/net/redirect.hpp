// Where a redirect leads. Nothing here decides whether one may go there: the transport does.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"

namespace ratebatch::net {

// The absolute URL that a Location header means in the reply to `url` (RFC 3986, section 5.2), as
// libcurl reads it: without a fragment, with at least "/" as its path. Blanks and bytes that are
// not ASCII are percent-encoded, because servers often forget to. Fails with invalid_input if the
// location is empty, over 8,192 bytes, holds a control byte or names no host, or if `url` is no
// absolute URL; the message names where the redirect came from. Fails as open_curl_transport does
// if libcurl cannot be opened.
Result<std::string> redirect_target(const std::string& url, std::string_view location);

}  // namespace ratebatch::net
