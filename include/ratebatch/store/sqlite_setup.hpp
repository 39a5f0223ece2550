// Settings of the SQLite library that hold for the whole process.
#pragma once

namespace ratebatch::store {

// To be called once, by main, before the first checkpoint is opened; without it everything works,
// only slower. Switches off SQLite's accounting of its memory, which nobody here asks for: it takes
// a lock at each allocation, a seventh of the CPU time of storing starts and results (measured).
void set_up_sqlite();

}  // namespace ratebatch::store
