#include "ratebatch/base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "ratebatch/base/text.hpp"

namespace ratebatch::inline base {

Descriptor create_exclusively(int folder, const std::string& name) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  return Descriptor{::openat(folder, name.c_str(), flags, 0600)};
}

int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

tl::unexpected<Error> file_error(std::string_view what, const std::string& path, int code) {
  const bool full = code == ENOSPC || code == EDQUOT;
  return fail(full ? ErrorCode::disk_full : ErrorCode::io,
              fmt::format("cannot {} {}: {}", what, escaped(path), std::strerror(code)));
}

}  // namespace ratebatch::inline base
