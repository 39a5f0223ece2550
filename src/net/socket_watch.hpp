// Many sockets watched at a cost that does not grow with how many of them are silent (epoll).
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"

namespace ratebatch::net {

class SocketWatch {
 public:
  // Fails with io where the kernel refuses the descriptor for it.
  static Result<SocketWatch> open();

  // Watches for `events` (EPOLLIN, EPOLLOUT) and no others from now on. False: no memory left.
  bool watch(int descriptor, std::uint32_t events);

  // Ignores the socket again; also one that is not watched, or closed.
  void ignore(int descriptor);

  // Blocks until a socket has events, a signal came, or the time is over, and remembers the events
  // in place of those before. Precondition: longest >= 0.
  void wait(Duration longest);

  // The events that the last wait found; what still holds then is found again by the next.
  [[nodiscard]] std::span<const epoll_event> events() const { return {events_.data(), count_}; }

 private:
  explicit SocketWatch(int descriptor) : descriptor_(descriptor) {}

  Descriptor descriptor_;
  std::array<epoll_event, 256> events_{};  // More wait for the next turn.
  std::size_t count_ = 0;
};

}  // namespace ratebatch::net
