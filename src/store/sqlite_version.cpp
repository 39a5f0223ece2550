#include "ratebatch/store/sqlite_version.hpp"

#include <sqlite3.h>

namespace ratebatch::store {

std::string_view sqlite_version() { return sqlite3_libversion(); }

}  // namespace ratebatch::store
