#include "net/cut_relay.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Passes on what is there. False: the connection is over.
bool pass_on(int from, int to) {
  std::array<char, 65536> bytes{};
  const ssize_t count = recv(from, bytes.data(), bytes.size(), 0);
  ssize_t sent = 0;
  while (sent < count) {
    const ssize_t part =
        send(to, bytes.data() + sent, static_cast<std::size_t>(count - sent), MSG_NOSIGNAL);
    if (part < 0) return false;
    sent += part;
  }
  return count > 0;
}

}  // namespace

CutRelay::CutRelay(std::uint16_t target)
    : target_(target),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  RB_ASSERT(bind(listener_, generic, length) == 0);
  RB_ASSERT(getsockname(listener_, generic, &length) == 0);
  RB_ASSERT(listen(listener_, SOMAXCONN) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

CutRelay::~CutRelay() {
  give(Order::stop);
  thread_.join();
  close(listener_);
  close(wake_);
}

void CutRelay::cut(End end) { give(end == End::reset ? Order::reset : Order::close); }

void CutRelay::give(Order order) {
  order_ = order;
  RB_ASSERT(eventfd_write(wake_, 1) == 0);
}

void CutRelay::run() {
  while (true) {
    std::vector<pollfd> watched = {{.fd = wake_, .events = POLLIN, .revents = 0},
                                   {.fd = listener_, .events = POLLIN, .revents = 0}};
    for (const Pair& pair : pairs_) {
      watched.push_back({.fd = pair.client, .events = POLLIN, .revents = 0});
      watched.push_back({.fd = pair.server, .events = POLLIN, .revents = 0});
    }
    RB_ASSERT(poll(watched.data(), watched.size(), -1) > 0);
    if (watched[0].revents != 0) {
      eventfd_t count = 0;
      eventfd_read(wake_, &count);
      const Order order = order_.exchange(Order::none);
      for (const Pair& pair : pairs_) end(pair, order == Order::reset);
      pairs_.clear();
      if (order == Order::stop) return;
      continue;
    }
    std::vector<Pair> left;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const Pair& pair = pairs_[i];
      const bool up = watched[2 + 2 * i].revents == 0 || pass_on(pair.client, pair.server);
      const bool down = watched[3 + 2 * i].revents == 0 || pass_on(pair.server, pair.client);
      if (up && down) {
        left.push_back(pair);
      } else {
        end(pair, false);
      }
    }
    pairs_ = std::move(left);
    if (watched[1].revents != 0) accept_one();
  }
}

void CutRelay::accept_one() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  RB_ASSERT(client >= 0);
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(target_);
  RB_ASSERT(connect(server, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  pairs_.push_back({.client = client, .server = server});
  ++connections_;
}

void CutRelay::end(const Pair& pair, bool with_reset) {
  const linger at_once{.l_onoff = with_reset ? 1 : 0, .l_linger = 0};
  setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(pair.client);
  close(pair.server);
}

}  // namespace ratebatch
