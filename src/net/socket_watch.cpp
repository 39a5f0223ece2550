#include "net/socket_watch.hpp"

#include <cerrno>
#include <chrono>
#include <ctime>
#include <system_error>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::net {

Result<SocketWatch> SocketWatch::open() {
  SocketWatch watch(epoll_create1(EPOLL_CLOEXEC));
  if (watch.descriptor_.get() >= 0) return watch;
  return fail(ErrorCode::io, "cannot watch connections: " + std::generic_category().message(errno));
}

bool SocketWatch::watch(int descriptor, std::uint32_t events) {
  epoll_event wanted{.events = events, .data = {.fd = descriptor}};
  if (epoll_ctl(descriptor_.get(), EPOLL_CTL_ADD, descriptor, &wanted) == 0) return true;
  return errno == EEXIST && epoll_ctl(descriptor_.get(), EPOLL_CTL_MOD, descriptor, &wanted) == 0;
}

void SocketWatch::ignore(int descriptor) {
  // A closed socket has left by itself.
  epoll_ctl(descriptor_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
}

void SocketWatch::wait(Duration longest) {
  RB_ASSERT(longest >= Duration::zero());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(longest);
  const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (longest - seconds).count()};
  const int most = static_cast<int>(events_.size());
  int count = epoll_pwait2(descriptor_.get(), events_.data(), most, &timeout, nullptr);
  // Kernels before 5.11 know milliseconds only.
  if (count < 0 && errno == ENOSYS) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
    count = epoll_wait(descriptor_.get(), events_.data(), most, static_cast<int>(ms));
  }
  RB_ASSERT(count >= 0 || errno == EINTR);
  count_ = count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace ratebatch::net
