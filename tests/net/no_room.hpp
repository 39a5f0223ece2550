// A limit of the process on the size of files, which stands in for a full disk: both fail a write
// behind some bytes.
#pragma once

#include <sys/resource.h>

#include <csignal>
#include <cstddef>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {

class NoRoom {
 public:
  // While this lives, no file grows beyond `bytes`.
  explicit NoRoom(std::size_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    RB_ASSERT(getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit now{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    RB_ASSERT(setrlimit(RLIMIT_FSIZE, &now) == 0);
  }
  NoRoom(const NoRoom&) = delete;
  NoRoom& operator=(const NoRoom&) = delete;
  ~NoRoom() {
    RB_ASSERT(setrlimit(RLIMIT_FSIZE, &before_) == 0);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace ratebatch
