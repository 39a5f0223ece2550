#include "net/body_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::net {
namespace {

constexpr std::size_t head_bytes = 32;  // Of ReplyFile.
constexpr std::size_t read_bytes = std::size_t{48} << 10U;
static_assert(read_bytes % 3 == 0);

tl::unexpected<Error> failed_to(std::string_view what, const std::string& path, int cause) {
  const bool full = cause == ENOSPC || cause == EDQUOT;
  return fail(
      full ? ErrorCode::disk_full : ErrorCode::io,
      std::string(what) + " '" + escaped(path) + "': " + std::generic_category().message(cause));
}

}  // namespace

Result<BodyFile> BodyFile::create(const std::string& path) {
  constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const int descriptor = open(path.c_str(), flags, 0600);
  if (descriptor < 0) return failed_to("cannot create", path, errno);
  return BodyFile(descriptor, path);
}

BodyFile::BodyFile(BodyFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), file_(std::exchange(other.file_, {})) {}

BodyFile::~BodyFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!file_.path.empty()) unlink(file_.path.c_str());
}

Result<void> BodyFile::write(std::string_view bytes) {
  for (std::string_view left = bytes; !left.empty();) {
    // By position, as a piece that failed half way is behind the end.
    const auto at = file_.bytes + static_cast<std::int64_t>(bytes.size() - left.size());
    const ssize_t count = pwrite(descriptor_, left.data(), left.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed_to("cannot write", file_.path, errno);
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  file_.bytes += static_cast<std::int64_t>(bytes.size());
  file_.head += bytes.substr(0, head_bytes - file_.head.size());
  return {};
}

Result<void> BodyFile::read(const std::function<void(std::string_view)>& take) const {
  std::string piece(read_bytes, '\0');
  std::size_t filled = 0;
  for (std::int64_t at = 0; at < file_.bytes;) {
    const auto wanted = std::min(piece.size() - filled, static_cast<std::size_t>(file_.bytes - at));
    const ssize_t count = pread(descriptor_, piece.data() + filled, wanted, at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return failed_to("cannot read back", file_.path, count < 0 ? errno : EIO);
    at += count;
    filled += static_cast<std::size_t>(count);
    if (filled < piece.size() && at < file_.bytes) continue;
    take(std::string_view(piece).substr(0, filled));
    filled = 0;
  }
  return {};
}

Result<void> BodyFile::complete() {
  RB_ASSERT(descriptor_ >= 0);
  if (fsync(descriptor_) != 0) return failed_to("cannot sync", file_.path, errno);
  close(std::exchange(descriptor_, -1));
  return {};
}

ReplyFile BodyFile::release() {
  RB_ASSERT(descriptor_ < 0 && !file_.path.empty());
  return std::exchange(file_, {});
}

}  // namespace ratebatch::net
