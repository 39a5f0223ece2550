// Text as a part of a URL.
#pragma once

#include <string>
#include <string_view>

namespace ratebatch::inline base {

// Every byte but letters, digits, -._~ (RFC 3986, section 2.3) and those in `kept` as %NN.
std::string percent_encoded(std::string_view text, std::string_view kept = {});

}  // namespace ratebatch::inline base
