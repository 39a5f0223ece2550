// What goes wrong on the way arrives as the fault it is, and says whether the request had left.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/net_support.hpp"
#include "support/script_server.hpp"

namespace ratebatch::curl_fault_test {

using namespace net;

namespace {

// A listener on a free port of 127.0.0.1 that never accepts.
class SilentListener {
 public:
  explicit SilentListener(int backlog) : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address_);
    REQUIRE(bind(descriptor_, generic(), length) == 0);
    REQUIRE(getsockname(descriptor_, generic(), &length) == 0);
    if (backlog >= 0) REQUIRE(listen(descriptor_, backlog) == 0);
  }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;
  ~SilentListener() {
    for (const int filler : fillers_) close(filler);
    close(descriptor_);
  }

  // Connects until the backlog is full; from then on the kernel drops what knocks.
  void fill(int count) {
    for (int i = 0; i < count; ++i) {
      fillers_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      const int connected = connect(fillers_.back(), generic(), sizeof(address_));
      REQUIRE((connected == 0 || errno == EINPROGRESS));
    }
  }

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)) + "/";
  }

 private:
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address_); }

  int descriptor_;
  sockaddr_in address_{};
  std::vector<int> fillers_;
};

struct ReplyFault {
  std::string what;
  Script script;
  TransferFault fault;
  std::int32_t status;
};

TEST_CASE("a reply that breaks off or makes no sense is named for what it is") {
  const std::vector<ReplyFault> table = {
      {"closed before a byte", {read_request()}, TransferFault::broken, 0},
      {"reset before a byte", {read_request(), reset()}, TransferFault::broken, 0},
      {"closed within the headers",
       {read_request(), send_bytes("HTTP/1.1 200 OK\r\nX-A: 1\r\n")},
       TransferFault::broken,
       200},
      {"body shorter than its length",
       {read_request(), send_bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")},
       TransferFault::broken,
       200},
      {"last chunk missing",
       {read_request(), send_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "3\r\nabc\r\n")},
       TransferFault::broken,
       200},
      {"reset within an error's body",
       {read_request(), send_bytes("HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\nhalf"), reset()},
       TransferFault::broken,
       500},
      {"closed after an interim reply",
       {read_request(), send_bytes("HTTP/1.1 103 Early Hints\r\n\r\n")},
       TransferFault::broken,
       0},
      {"not HTTP", {read_request(), send_bytes("220 mail ready\r\n")}, TransferFault::malformed, 0},
      {"length that is no number",
       {read_request(), send_bytes("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")},
       TransferFault::malformed,
       200},
      {"gzip that is none",
       {read_request(), send_bytes(http_reply(200, "plain", "Content-Encoding: gzip\r\n"))},
       TransferFault::malformed,
       200},
      {"encoding nobody asked for",
       {read_request(), send_bytes(http_reply(200, "plain", "Content-Encoding: foo\r\n"))},
       TransferFault::malformed,
       200},
  };
  for (const ReplyFault& row : table) {
    CAPTURE(row.what);
    ScriptServer server({row.script});
    const auto transport = open_transport();
    const TransferFailure failure = failure_of(*transport, post_to(server.url("/")));
    CHECK(failure.fault == row.fault);
    CHECK(failure.status == row.status);
    CHECK(failure.request_sent);
    CHECK(failure.message.starts_with("127.0.0.1:"));
    CHECK(server.bill() == 1);
  }
}

TEST_CASE("a server that falls silent stalls the transfer") {
  ScriptServer server(
      {{read_request(), send_bytes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), stall()}});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/"));
  request.stall_timeout = std::chrono::seconds{1};
  const TransferFailure failure = failure_of(*transport, request);
  CHECK(failure.fault == TransferFault::stalled);
  CHECK(failure.request_sent);
  CHECK(failure.status == 200);
}

TEST_CASE("a transfer ends when its total time is over, and counts as sent") {
  ScriptServer server({{read_request(), stall()}});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/"));
  request.total_timeout = std::chrono::milliseconds{50};
  const FinishedTransfer ended = run_transfer(*transport, request);
  const TransferFailure failure = std::get<TransferFailure>(ended.result);
  CHECK(failure.fault == TransferFault::timeout);
  CHECK(failure.request_sent);
  CHECK(ended.took >= std::chrono::milliseconds{49});
}

TEST_CASE("a port without a listener is a connect fault, and nothing was sent") {
  SilentListener nobody(-1);  // Bound, not listening: the port is refused and taken.
  const auto transport = open_transport();
  const TransferFailure failure = failure_of(*transport, post_to(nobody.url()));
  CHECK(failure.fault == TransferFault::connect);
  CHECK_FALSE(failure.request_sent);
  CHECK(failure.status == 0);
}

TEST_CASE("a connect that hangs is a timeout, and nothing was sent") {
  SilentListener full(0);
  full.fill(4);
  const auto transport = open_transport();
  HttpRequest request = post_to(full.url());
  request.connect_timeout = std::chrono::milliseconds{100};
  const TransferFailure failure = failure_of(*transport, request);
  CHECK(failure.fault == TransferFault::timeout);
  CHECK_FALSE(failure.request_sent);
}

TEST_CASE("an unknown host is a resolve fault, and nothing was sent") {
  REQUIRE(setenv("no_proxy", "*", 1) == 0);  // A proxy of this machine would answer for it.
  const auto transport = open_transport();
  const TransferFailure failure = failure_of(*transport, post_to("https://host.invalid/v1"));
  unsetenv("no_proxy");
  CHECK(failure.fault == TransferFault::resolve);
  CHECK_FALSE(failure.request_sent);
  CHECK(failure.message.starts_with("host.invalid:443: "));
}

TEST_CASE("a request that left in part counts as sent") {
  // The headers alone are read; the body is larger than all buffers on the way.
  ScriptServer server({{read_head(), stall()}});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/"));
  request.body = std::string(std::size_t{32} << 20U, 'x');
  request.total_timeout = std::chrono::milliseconds{300};
  const TransferFailure failure = failure_of(*transport, std::move(request));
  CHECK(failure.fault == TransferFault::timeout);
  CHECK(failure.request_sent);
  CHECK(server.bill() == 0);
}

TEST_CASE("no descriptor left for a socket is our own fault, not the network's") {
  ScriptServer server({{read_request(), send_bytes(http_reply(200, "")), repeat()}});
  const auto transport = open_transport();
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int lowest_free = dup(0);
  REQUIRE(lowest_free >= 0);
  close(lowest_free);
  const rlimit none_left{.rlim_cur = static_cast<rlim_t>(lowest_free), .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none_left) == 0);
  const FinishedTransfer ended = run_transfer(*transport, post_to(server.url("/")));
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(std::holds_alternative<TransferFailure>(ended.result));
  CHECK(std::get<TransferFailure>(ended.result).fault == TransferFault::local);
  CHECK_FALSE(std::get<TransferFailure>(ended.result).request_sent);
}

TEST_CASE("the message of a failure never holds the key") {
  ScriptServer server(
      {{read_request(), send_bytes("HTTP/1.1 200 OK\r\nContent-Length: sk-secret\r\n\r\n")}});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/"));
  request.key_header = KeyHeader{.name = "Authorization",
                                 .prefix = "Bearer ",
                                 .key = Secret("sk-secret"),
                                 .origin = server.url("")};
  CHECK(failure_of(*transport, request).message.find("sk-secret") == std::string::npos);
}

}  // namespace
}  // namespace ratebatch::curl_fault_test
