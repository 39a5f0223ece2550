#include "ratebatch/store/sqlite_setup.hpp"

#include <sqlite3.h>

namespace ratebatch::store {

// A library that was initialised already refuses; then it stays as it is.
void set_up_sqlite() { static_cast<void>(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0)); }

}  // namespace ratebatch::store
