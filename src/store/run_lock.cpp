#include "store/run_lock.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "ratebatch/base/text.hpp"

namespace ratebatch::store {
namespace {

// Each round means that another process removed the file between our opening and locking it.
constexpr int rounds_max = 100;

std::string lock_file_of(const std::string& path) { return path + ".lock"; }

struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

// A descriptor of this process that is open on that file; -1: none.
int descriptor_here(const struct stat& file) {
  const std::unique_ptr<DIR, CloseDirectory> open_ones(::opendir("/proc/self/fd"));
  if (!open_ones) return -1;
  while (const dirent* entry = ::readdir(open_ones.get())) {
    const std::string_view name = entry->d_name;
    int descriptor = -1;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), descriptor);
    if (read.ec != std::errc{}) continue;
    struct stat other{};
    if (::fstat(descriptor, &other) == 0 && is_same_file(file, other)) return descriptor;
  }
  return -1;
}

// Who else than this process holds the lock.
std::optional<std::int64_t> other_holder(int descriptor) {
  struct flock lock = whole_file();
  if (::fcntl(descriptor, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  return std::int64_t{lock.l_pid};
}

tl::unexpected<Error> refusal(const std::string& path, std::int64_t pid) {
  const std::string who = pid > 0 ? "process " + std::to_string(pid) : "another process";
  return fail(ErrorCode::locked,
              escaped(path, 4096) + " is in use by " + who + "; wait for it or stop it");
}

tl::unexpected<Error> system_failure(const std::string& file, int error) {
  return fail(ErrorCode::io, "cannot lock " + escaped(file, 4096) + ": " + std::strerror(error));
}

// Opens the lock file; `made`: whether it is new. None, and errno says why, if that fails.
Descriptor open_lock_file(const std::string& file, bool& made) {
  constexpr int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
  int descriptor = ::open(file.c_str(), flags | O_CREAT | O_EXCL, 0600);
  made = descriptor >= 0;
  // A umask takes bits away from the mode above.
  if (made) static_cast<void>(::fchmod(descriptor, 0600));
  if (!made && errno == EEXIST) descriptor = ::open(file.c_str(), flags);
  return Descriptor{descriptor};
}

}  // namespace

Result<RunLock> RunLock::take(const std::string& path) {
  const std::string file = lock_file_of(path);
  for (int round = 0; round < rounds_max; ++round) {
    struct stat found{};
    if (::stat(file.c_str(), &found) == 0) {
      const int here = descriptor_here(found);
      if (here >= 0) return refusal(path, other_holder(here).value_or(::getpid()));
    }
    bool made = false;
    Descriptor descriptor = open_lock_file(file, made);
    if (descriptor.get() < 0) {
      if (errno == ENOENT) continue;
      return system_failure(file, errno);
    }
    struct flock request = whole_file();
    if (::fcntl(descriptor.get(), F_SETLK, &request) != 0) {
      if (errno != EACCES && errno != EAGAIN) return system_failure(file, errno);
      const std::optional<std::int64_t> pid = other_holder(descriptor.get());
      if (pid) return refusal(path, *pid);
      continue;
    }
    // A lock on a file that its last holder removed would keep nobody out.
    struct stat locked{};
    if (::fstat(descriptor.get(), &locked) == 0 && ::stat(file.c_str(), &found) == 0 &&
        is_same_file(locked, found)) {
      return RunLock(file, std::move(descriptor), made);
    }
  }
  return fail(ErrorCode::io, "cannot lock " + escaped(file, 4096) + ": it keeps vanishing");
}

std::optional<std::int64_t> RunLock::holder(const std::string& path) {
  const std::string file = lock_file_of(path);
  struct stat found{};
  if (::stat(file.c_str(), &found) != 0) return std::nullopt;
  const int here = descriptor_here(found);
  if (here >= 0) return other_holder(here).value_or(::getpid());
  const Descriptor descriptor{::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  return descriptor.get() < 0 ? std::nullopt : other_holder(descriptor.get());
}

void RunLock::remove_file() noexcept { ::unlink(file_.c_str()); }

}  // namespace ratebatch::store
