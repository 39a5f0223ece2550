#include "ratebatch/base/system_clock.hpp"

#include <ctime>
#include <fstream>
#include <string>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::inline base {
namespace {

std::int64_t read_clock(clockid_t id) {
  timespec at{};
  RB_ASSERT(::clock_gettime(id, &at) == 0);
  return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

}  // namespace

Now system_now() { return {{read_clock(CLOCK_BOOTTIME)}, {read_clock(CLOCK_REALTIME)}}; }

std::int64_t boot_name() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string id;
  if (!std::getline(file, id)) return 0;
  return static_cast<std::int64_t>(fnv1a_64(id) >> 1U);
}

}  // namespace ratebatch::inline base
