#include "net/body_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/file.hpp"

namespace ratebatch::net {
namespace {

constexpr std::size_t head_bytes = 32;  // Of ReplyFile.
constexpr std::size_t read_bytes = std::size_t{48} << 10U;
static_assert(read_bytes % 3 == 0);

tl::unexpected<Error> failed_to(std::string_view what, const std::string& path, int cause) {
  return file_error(what, "'" + path + "'", cause);
}

}  // namespace

Result<BodyFile> BodyFile::create(const std::string& path) {
  constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const int descriptor = open(path.c_str(), flags, 0600);
  if (descriptor < 0) return failed_to("create", path, errno);
  return BodyFile(descriptor, path);
}

BodyFile::~BodyFile() {
  if (!file_.path.empty()) unlink(file_.path.c_str());
}

Result<void> BodyFile::write(std::string_view bytes) {
  for (std::string_view left = bytes; !left.empty();) {
    // By position, as a piece that failed half way is behind the end.
    const auto at = file_.bytes + static_cast<std::int64_t>(bytes.size() - left.size());
    const ssize_t count = pwrite(descriptor_.get(), left.data(), left.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed_to("write", file_.path, errno);
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
    const ssize_t count = pread(descriptor_.get(), piece.data() + filled, wanted, at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return failed_to("read back", file_.path, count < 0 ? errno : EIO);
    at += count;
    filled += static_cast<std::size_t>(count);
    if (filled < piece.size() && at < file_.bytes) continue;
    take(std::string_view(piece).substr(0, filled));
    filled = 0;
  }
  return {};
}

Result<void> BodyFile::complete() {
  RB_ASSERT(descriptor_.get() >= 0);
  if (fsync(descriptor_.get()) != 0) return failed_to("sync", file_.path, errno);
  descriptor_ = Descriptor();
  return {};
}

ReplyFile BodyFile::release() {
  RB_ASSERT(descriptor_.get() < 0 && !file_.path.empty());
  return std::exchange(file_, {});
}

}  // namespace ratebatch::net
