// Where a redirect leads. Nothing here decides whether one may go there: the transport does.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"

namespace ratebatch::net {

// The absolute URL that a Location header means in the reply to `url` (RFC 3986, section 5.2),
// without its fragment; blanks and bytes that are not ASCII are percent-encoded, as servers often
// do not. Fails with invalid_input where the location is empty, over 8,192 bytes or holds a control
// byte, or `url` is no absolute URL; the message names what the redirect came from.
Result<std::string> redirect_target(const std::string& url, std::string_view location);

}  // namespace ratebatch::net
