#include "ratebatch/base/system_clock.hpp"

#include <ctime>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

std::int64_t read_clock(clockid_t id) {
  timespec at{};
  RB_ASSERT(::clock_gettime(id, &at) == 0);
  return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

}  // namespace

Now system_now() { return {{read_clock(CLOCK_BOOTTIME)}, {read_clock(CLOCK_REALTIME)}}; }

}  // namespace ratebatch
