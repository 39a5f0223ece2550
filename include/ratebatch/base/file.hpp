// What writing a file takes on POSIX: an owner of its descriptor, whole writes, and errors as
// values.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include "ratebatch/base/result.hpp"

namespace ratebatch::inline base {

class Descriptor {
 public:
  // Below 0: owns nothing, as after a call that failed.
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  [[nodiscard]] int get() const { return number_; }

  // Whoever calls it closes the descriptor.
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// Opens a new file for writing below `folder` (0600); no link is followed and nothing replaced.
// Returns none, and errno says why, if that fails.
Descriptor create_exclusively(int folder, const std::string& name);

// Writes all of it; returns 0 or the errno.
int write_all(int descriptor, std::string_view bytes);

// "cannot WHAT PATH: CAUSE", as disk_full or io.
tl::unexpected<Error> file_error(std::string_view what, const std::string& path, int code);

}  // namespace ratebatch::inline base
