#include "net/body_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

tl::unexpected<Error> failed_to(std::string_view what, const std::string& path, int cause) {
  const bool full = cause == ENOSPC || cause == EDQUOT;
  return fail(
      full ? ErrorCode::disk_full : ErrorCode::io,
      std::string(what) + " '" + escaped(path) + "': " + std::generic_category().message(cause));
}

}  // namespace

Result<BodyFile> BodyFile::create(const std::string& path) {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const int descriptor = open(path.c_str(), flags, 0600);
  if (descriptor < 0) return failed_to("cannot create", path, errno);
  return BodyFile(descriptor, path);
}

BodyFile::BodyFile(BodyFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

BodyFile::~BodyFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(path_.c_str());
}

Result<void> BodyFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed_to("cannot write", path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> BodyFile::keep() {
  // Some file systems report a full disk only here.
  if (close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) {
    const int cause = errno;
    unlink(path_.c_str());
    return failed_to("cannot finish", path_, cause);
  }
  return {};
}

}  // namespace ratebatch
