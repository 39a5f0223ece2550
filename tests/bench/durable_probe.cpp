// Preloaded into ratebatch (LD_PRELOAD) by tests/bench: how long from the arrival of bytes on a TCP
// socket until they are on disk, seen from outside.
//
// Counts from the return of recv, recvfrom or read with at least one byte to the return of the next
// fdatasync or fsync that began after it. ratebatch works in one thread, and commits what arrived
// before it waits again: what that sync makes durable includes those bytes.
//
//   RATEBATCH_PROBE_RESULT   written at the end: `arrivals N syncs N waiting N`, waiting being
//                            those without a sync; then one line per arrival, its delay, and one
//                            per sync, how long it took, all in nanoseconds
//   RATEBATCH_PROBE_SLOW_US  each sync takes this much longer: a slower disk
#include <dlfcn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace {

std::int64_t now_ns() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

template <typename Function>
Function next_of(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

class Probe {
 public:
  Probe() {
    if (const char* slow = std::getenv("RATEBATCH_PROBE_SLOW_US"))
      slow_us_ = std::strtol(slow, nullptr, 10);
    if (const char* path = std::getenv("RATEBATCH_PROBE_RESULT")) result_ = path;
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  // A process that never synced, such as one that only starts another, has nothing to tell.
  ~Probe() {
    if (result_ == nullptr || syncs_.empty()) return;
    std::FILE* file = std::fopen(result_, "w");
    if (file == nullptr) return;
    std::fprintf(file, "arrivals %zu syncs %zu waiting %zu\n", delays_.size() + waiting_.size(),
                 syncs_.size(), waiting_.size());
    write(file, delays_);
    write(file, syncs_);
    std::fclose(file);
  }

  void arrived(int descriptor, ssize_t size) {
    if (size <= 0 || !is_tcp(descriptor)) return;
    const std::lock_guard guard(mutex_);
    waiting_.push_back(now_ns());
  }

  template <typename Function>
  int sync(Function function, int descriptor) {
    const std::int64_t begin = now_ns();
    const int result = function(descriptor);
    if (slow_us_ > 0) std::this_thread::sleep_for(std::chrono::microseconds(slow_us_));
    const std::int64_t end = now_ns();
    const std::lock_guard guard(mutex_);
    syncs_.push_back(end - begin);
    std::vector<std::int64_t> later;
    for (const std::int64_t time : waiting_) {
      if (time > begin) {
        later.push_back(time);
      } else {
        delays_.push_back(end - time);
      }
    }
    waiting_ = std::move(later);
    return result;
  }

 private:
  static void write(std::FILE* file, const std::vector<std::int64_t>& times) {
    for (const std::int64_t time : times) {
      std::fprintf(file, "%lld\n", static_cast<long long>(time));
    }
  }

  static bool is_tcp(int descriptor) {
    int domain = 0;
    int type = 0;
    socklen_t size = sizeof(int);
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
    if (getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return false;
    return type == SOCK_STREAM && (domain == AF_INET || domain == AF_INET6);
  }

  std::mutex mutex_;
  std::vector<std::int64_t> waiting_;  // When each arrival without a sync came.
  std::vector<std::int64_t> delays_;
  std::vector<std::int64_t> syncs_;
  std::int64_t slow_us_ = 0;
  const char* result_ = nullptr;
};

// Made at the first call, which may come before this library's own initialisation.
Probe& probe() {
  static Probe the_probe;
  return the_probe;
}

}  // namespace

extern "C" {

ssize_t recv(int descriptor, void* buffer, size_t size, int flags) {
  static const auto next = next_of<decltype(&recv)>("recv");
  const ssize_t got = next(descriptor, buffer, size, flags);
  probe().arrived(descriptor, got);
  return got;
}

ssize_t recvfrom(int descriptor, void* buffer, size_t size, int flags, sockaddr* from,
                 socklen_t* from_size) {
  static const auto next = next_of<decltype(&recvfrom)>("recvfrom");
  const ssize_t got = next(descriptor, buffer, size, flags, from, from_size);
  probe().arrived(descriptor, got);
  return got;
}

ssize_t read(int descriptor, void* buffer, size_t size) {
  static const auto next = next_of<decltype(&read)>("read");
  const ssize_t got = next(descriptor, buffer, size);
  probe().arrived(descriptor, got);
  return got;
}

int fdatasync(int descriptor) {
  static const auto next = next_of<decltype(&fdatasync)>("fdatasync");
  return probe().sync(next, descriptor);
}

int fsync(int descriptor) {
  static const auto next = next_of<decltype(&fsync)>("fsync");
  return probe().sync(next, descriptor);
}

}  // extern "C"
