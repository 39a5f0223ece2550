// The SQLite library that is in use, for `--version`.
#pragma once

#include <string_view>

namespace ratebatch::store {

// "3.40.1", of the library loaded now.
std::string_view sqlite_version();

}  // namespace ratebatch::store
