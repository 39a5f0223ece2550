#include "input/small_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

tl::unexpected<Error> wrong_file(const std::string& path, std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("{}: {}", escaped(path), what));
}

tl::unexpected<Error> system_failed(const std::string& path, int error) {
  const bool absent = error == ENOENT || error == ENOTDIR;
  return fail(absent ? ErrorCode::not_found : ErrorCode::io,
              fmt::format("{}: cannot read: {}", escaped(path), std::strerror(error)));
}

Result<void> check_rule(int descriptor, const std::string& path, FileRule rule) {
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) return system_failed(path, errno);
  if (S_ISDIR(status.st_mode)) return wrong_file(path, "is a folder; expected a file");
  if (rule == FileRule::any) return {};
  if (!S_ISREG(status.st_mode)) return wrong_file(path, "is not a regular file");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return wrong_file(path, fmt::format("others may use it (mode {:04o}); run: chmod 600 FILE",
                                        status.st_mode & 07777U));
  }
  return {};
}

}  // namespace

Result<std::string> read_small_file(const std::string& path, std::size_t bytes_max, FileRule rule) {
  // Non-blocking, so that a pipe in place of a key does not hold the program up.
  const int strict = rule == FileRule::owner_only ? O_NOFOLLOW | O_NONBLOCK : 0;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | strict));
  if (file.get() < 0) {
    const int error = errno;
    if (error == ELOOP) return wrong_file(path, "is a symbolic link; name the file itself");
    return system_failed(path, error);
  }
  if (auto checked = check_rule(file.get(), path, rule); !checked) return pass(checked);
  // Of the final size from the start: growing would leave copies of a key behind.
  std::string text(bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failed(path, errno);
    size += static_cast<std::size_t>(count);
  }
  if (size > bytes_max) {
    return wrong_file(path, fmt::format("is larger than {} bytes",
                                        grouped(static_cast<std::int64_t>(bytes_max))));
  }
  text.resize(size);
  return text;
}

}  // namespace ratebatch::input
