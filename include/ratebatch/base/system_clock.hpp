// The one place where the program reads a clock. The driver calls it once per turn and passes the
// value down; nothing below it asks the system for the time.
#pragma once

#include "ratebatch/base/time.hpp"

namespace ratebatch {

// Reads CLOCK_BOOTTIME and CLOCK_REALTIME. Cannot fail on Linux 2.6.39 or later.
Now system_now();

}  // namespace ratebatch
