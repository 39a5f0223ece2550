#include "ratebatch/run/job_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::run {
namespace {

tl::unexpected<Error> refused(const std::string& folder, const std::string& path,
                              std::string_view why) {
  return fail(ErrorCode::invalid_input, fmt::format("cannot send the file {} of {}: {}",
                                                    escaped(path), escaped(folder), why));
}

// Where the disk or the machine failed, the same file may open later.
tl::unexpected<Error> not_opened(const std::string& folder, const std::string& path, int error) {
  constexpr std::array passing = {EIO, ESTALE, ETIMEDOUT, EINTR, ENOMEM, EMFILE, ENFILE};
  auto failure = refused(folder, path, std::strerror(error));
  if (std::find(passing.begin(), passing.end(), error) != passing.end()) {
    failure.value().code = ErrorCode::io;
  }
  return failure;
}

// Opens component by component, so that no link on the way leads elsewhere.
Result<Descriptor> open_below(const std::string& folder, const std::string& path) {
  std::optional<Descriptor> at{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (at->get() < 0) return not_opened(folder, path, errno);
  std::string_view rest = path;
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string name{rest.substr(0, slash)};
    const bool is_last = slash == std::string_view::npos;
    const bool leads_nowhere = name.empty() || name == ".";
    const bool is_absolute = name.empty() && rest.data() == path.data();
    if (name == ".." || is_absolute || (leads_nowhere && is_last)) {
      return refused(folder, path, "write its path from that folder on, without '..'");
    }
    if (leads_nowhere) {
      rest.remove_prefix(slash + 1);
      continue;
    }
    // A pipe must not block the run.
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (is_last ? 0 : O_DIRECTORY);
    Descriptor next{::openat(at->get(), name.c_str(), flags)};
    if (next.get() < 0) {
      if (errno == ELOOP) return refused(folder, path, "links are not followed");
      return not_opened(folder, path, errno);
    }
    if (is_last) return next;
    at.emplace(next.release());
    rest.remove_prefix(slash + 1);
  }
}

// The open file and its length.
struct Opened {
  Descriptor file;
  std::size_t bytes = 0;
};

Result<Opened> open_file(const std::string& folder, const std::string& path,
                         std::size_t bytes_max) {
  RB_TRY(file, open_below(folder, path));
  struct stat info{};
  if (::fstat(file->get(), &info) != 0) return refused(folder, path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return refused(folder, path, "it is no ordinary file");
  const auto bytes = static_cast<std::size_t>(info.st_size);
  if (bytes > bytes_max) {
    return refused(folder, path,
                   fmt::format("it has {} bytes; the files of a job may have {} in all", bytes,
                               job_files_bytes_max));
  }
  return Opened{std::move(*file), bytes};
}

}  // namespace

std::string job_folder(const std::string& job_file) {
  const std::size_t slash = job_file.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : job_file.substr(0, slash);
}

Result<std::string> read_job_file(const std::string& folder, const std::string& path,
                                  std::size_t bytes_max) {
  RB_TRY(opened, open_file(folder, path, bytes_max));
  // A file that grows meanwhile is taken as it was when it was opened.
  std::string bytes(opened->bytes, '\0');
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t got = ::read(opened->file.get(), bytes.data() + at, bytes.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return fail(ErrorCode::io, fmt::format("cannot read {} of {}: {}", escaped(path),
                                             escaped(folder), std::strerror(errno)));
    }
    if (got == 0) return refused(folder, path, "it became shorter while it was read");
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<void> check_job_file(const std::string& folder, const std::string& path,
                            std::size_t bytes_max) {
  RB_TRY(opened, open_file(folder, path, bytes_max));
  return {};
}

Result<void> read_job_files(const std::string& folder, std::vector<JobFile>& files) {
  std::size_t left = job_files_bytes_max;
  for (JobFile& file : files) {
    RB_TRY(bytes, read_job_file(folder, file.path, left));
    left -= bytes->size();
    file.bytes = std::move(*bytes);
  }
  return {};
}

}  // namespace ratebatch::run
