// The owner of a file descriptor.
#pragma once

#include <unistd.h>

#include <utility>

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

}  // namespace ratebatch::inline base
