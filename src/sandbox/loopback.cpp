#include "sandbox/loopback.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::sandbox {
namespace {

// Connections that were not accepted yet; the kernel caps it at net.core.somaxconn (4096).
constexpr int backlog = 4096;

// A thousand connections, both ends in one process, and as much again.
constexpr rlim_t descriptors_wanted = 8192;

tl::unexpected<Error> cannot_listen(std::uint16_t port, int error) {
  const bool callers_choice = error == EADDRINUSE || error == EACCES;
  return fail(
      callers_choice ? ErrorCode::invalid_input : ErrorCode::io,
      fmt::format("sandbox: cannot listen on 127.0.0.1:{}: {}{}", port, std::strerror(error),
                  callers_choice ? "; choose another port, or 0 for any free one" : ""));
}

sockaddr* generic(sockaddr_in& address) {
  // The sockets API wants this cast (POSIX, sys/socket.h).
  return reinterpret_cast<sockaddr*>(&address);
}

}  // namespace

Result<Listener> listen_on_loopback(std::uint16_t port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return cannot_listen(port, errno);
  // Linux hands both options on to the accepted sockets. Without the second, the end of a long
  // answer waits for a delayed acknowledgement.
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(socket.get(), generic(address), length) != 0 || ::listen(socket.get(), backlog) != 0 ||
      ::getsockname(socket.get(), generic(address), &length) != 0) {
    return cannot_listen(port, errno);
  }
  return Listener{std::move(socket), ntohs(address.sin_port)};
}

Result<Descriptor> make_wake_descriptor() {
  Descriptor descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (descriptor.get() >= 0) return descriptor;
  return fail(ErrorCode::io,
              fmt::format("sandbox: cannot make an event descriptor: {}", std::strerror(errno)));
}

void wake(const Descriptor& descriptor) {
  // Fails only when it is readable already.
  [[maybe_unused]] const int written = ::eventfd_write(descriptor.get(), 1);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= descriptors_wanted) return;
  limit.rlim_cur = std::min(descriptors_wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

bool is_loopback_host(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && std::ranges::all_of(host.substr(colon + 1), is_digit);
  const std::string name = lower_case(has_port && host != "::1" ? host.substr(0, colon) : host);
  if (name == "localhost" || name == "[::1]") return true;
  in_addr address{};
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24U == 127;
}

}  // namespace ratebatch::sandbox
