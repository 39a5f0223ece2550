// The SQLite library as a whole.
#pragma once

#include <string_view>

namespace ratebatch::store {

// To be called once, by main, before the first checkpoint is opened; without it everything works,
// only slower. Switches off SQLite's accounting of its memory, which nobody here asks for: it takes
// a lock at each allocation, a seventh of the CPU time of storing starts and results (measured).
void set_up_sqlite();

// "3.40.1": the library that is loaded now, for `--version`.
std::string_view sqlite_version();

}  // namespace ratebatch::store
