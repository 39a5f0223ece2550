// The libcurl that is in use, for `--version`.
#pragma once

#include <string>

namespace ratebatch::net {

// "7.88.1 (OpenSSL/3.0.17)", of the library that a run would load now; in brackets, why there is
// none.
std::string curl_library_version();

}  // namespace ratebatch::net
