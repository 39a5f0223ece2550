#include "store/database_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::store {

std::string shown(const std::string& path) { return escaped(path, 4096); }

Result<std::string> resolved_database_path(const std::string& path) {
  const std::filesystem::path given(path);
  if (!given.has_filename()) {
    return fail(ErrorCode::foreign,
                "'" + shown(path) + "' is a directory, not a ratebatch database");
  }
  const std::filesystem::path parent = given.has_parent_path() ? given.parent_path() : ".";
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::canonical(parent, error);
  if (error) {
    return fail(ErrorCode::not_found, "cannot use " + shown(path) + ": directory " +
                                          shown(parent.string()) + ": " + error.message());
  }
  return (directory / given.filename()).string();
}

Result<bool> database_file_exists(const std::string& path, bool for_writing) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return false;
    return fail(ErrorCode::io, "cannot look at " + shown(path) + ": " + std::strerror(errno));
  }
  if (S_ISLNK(found.st_mode)) {
    return fail(ErrorCode::foreign,
                shown(path) + " is a symbolic link; name the database that it points to");
  }
  if (S_ISDIR(found.st_mode)) {
    return fail(ErrorCode::foreign, shown(path) + " is a directory, not a ratebatch database");
  }
  if (!S_ISREG(found.st_mode)) {
    return fail(ErrorCode::foreign, shown(path) + " is not a regular file");
  }
  if (::access(path.c_str(), for_writing ? R_OK | W_OK : R_OK) != 0) {
    return fail(ErrorCode::io, std::string("cannot ") + (for_writing ? "write to " : "read ") +
                                   shown(path) + ": " + std::strerror(errno));
  }
  return true;
}

tl::unexpected<Error> no_checkpoint(const std::string& path) {
  return fail(ErrorCode::not_found, "there is no checkpoint at " + shown(path) +
                                        "; start one with: ratebatch run jobs.jsonl");
}

Result<void> make_database_file(const std::string& path) {
  const Descriptor made = create_exclusively(AT_FDCWD, path);
  if (made.get() < 0) {
    const int cause = errno;
    return fail(ErrorCode::io, "cannot make " + shown(path) + ": " + std::strerror(cause));
  }
  if (::fchmod(made.get(), 0600) != 0) {
    const int cause = errno;
    return fail(ErrorCode::io, "cannot protect " + shown(path) + ": " + std::strerror(cause));
  }
  return {};
}

void remove_database_files(const std::string& path) noexcept {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    ::unlink((path + suffix).c_str());
  }
}

}  // namespace ratebatch::store
