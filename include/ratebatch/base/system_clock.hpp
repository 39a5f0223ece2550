// The one place where the program reads a clock. The driver calls it once per turn and passes the
// value down; nothing below it asks the system for the time.
#pragma once

#include "ratebatch/base/time.hpp"

namespace ratebatch::inline base {

// Reads CLOCK_BOOTTIME and CLOCK_REALTIME. Cannot fail on Linux 2.6.39 or later.
Now system_now();

// A number for this start of the machine, the same for all its processes, other after a reboot; 0
// where the kernel does not tell (proc(5), random/boot_id).
std::int64_t boot_name();

}  // namespace ratebatch::inline base
