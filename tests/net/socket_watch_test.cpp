// What the watch reports: sockets with events, all of them in the end, and none that left.
#include "net/socket_watch.hpp"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <set>
#include <vector>

namespace ratebatch::socket_watch_test {

using namespace net;

namespace {

// Descriptors that are readable and writable, or only writable.
class EventDescriptors {
 public:
  EventDescriptors(int count, unsigned value) {
    for (int i = 0; i < count; ++i) {
      all_.push_back(eventfd(value, EFD_CLOEXEC | EFD_NONBLOCK));
      REQUIRE(all_.back() >= 0);
    }
  }
  EventDescriptors(const EventDescriptors&) = delete;
  EventDescriptors& operator=(const EventDescriptors&) = delete;
  ~EventDescriptors() {
    for (const int descriptor : all_) close(descriptor);
  }

  [[nodiscard]] const std::vector<int>& all() const { return all_; }
  int take_first() {
    const int first = all_.front();
    all_.erase(all_.begin());
    return first;
  }

 private:
  std::vector<int> all_;
};

SocketWatch open_watch() {
  auto opened = SocketWatch::open();
  REQUIRE(opened);
  return std::move(*opened);
}

TEST_CASE("more ready sockets than one wait reports are all found by the next ones") {
  const EventDescriptors ready(600, 1);
  SocketWatch watch = open_watch();
  for (const int descriptor : ready.all()) REQUIRE(watch.watch(descriptor, EPOLLIN));
  std::set<int> seen;
  for (int turn = 0; turn < 3; ++turn) {
    watch.wait(Duration::zero());
    CHECK(watch.events().size() == 256);
    for (const epoll_event& event : watch.events()) seen.insert(event.data.fd);
  }
  CHECK(seen == std::set<int>(ready.all().begin(), ready.all().end()));
}

TEST_CASE("a socket is watched for what was asked last") {
  const EventDescriptors writable(1, 0);
  SocketWatch watch = open_watch();
  REQUIRE(watch.watch(writable.all()[0], EPOLLIN));
  watch.wait(Duration::zero());
  CHECK(watch.events().empty());
  REQUIRE(watch.watch(writable.all()[0], EPOLLOUT));
  watch.wait(Duration::zero());
  REQUIRE(watch.events().size() == 1);
  CHECK(watch.events()[0].data.fd == writable.all()[0]);
  CHECK(watch.events()[0].events == EPOLLOUT);
}

TEST_CASE("a socket that is ignored or closed is not reported any more") {
  EventDescriptors ready(3, 1);
  SocketWatch watch = open_watch();
  for (const int descriptor : ready.all()) REQUIRE(watch.watch(descriptor, EPOLLIN));
  const int closed = ready.take_first();
  close(closed);
  watch.ignore(closed);
  watch.ignore(ready.all()[0]);
  watch.wait(Duration::zero());
  REQUIRE(watch.events().size() == 1);
  CHECK(watch.events()[0].data.fd == ready.all()[1]);
}

}  // namespace
}  // namespace ratebatch::socket_watch_test
