// What writing a file durably takes on POSIX, shared by assets and output files.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "ratebatch/base/result.hpp"

namespace ratebatch::run {

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Opens a new file for writing below `folder` (0600, nothing followed, nothing replaced).
Descriptor create_exclusively(int folder, const std::string& name);

// Writes all of it; returns 0 or the errno.
int write_all(int fd, std::string_view bytes);

// "cannot WHAT PATH: CAUSE", as disk_full or io.
tl::unexpected<Error> file_error(std::string_view what, const std::string& path, int code);

}  // namespace ratebatch::run
