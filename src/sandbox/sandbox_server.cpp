#include "ratebatch/sandbox/sandbox_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/system_clock.hpp"
#include "sandbox/http_front.hpp"
#include "sandbox/ledger.hpp"
#include "sandbox/scripted.hpp"
#include "sandbox/service.hpp"

namespace ratebatch::sandbox {
namespace {

// A thousand connections, both ends in one process, and as much again.
constexpr rlim_t descriptors_wanted = 8192;

tl::unexpected<Error> cannot(const char* what, const char* cause) {
  return fail(ErrorCode::io, fmt::format("sandbox: cannot {}: {}", what, cause));
}

// Connections that were not accepted yet; the kernel caps it at net.core.somaxconn (4096).
constexpr int backlog = 4096;

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

struct Listener {
  Descriptor socket;
  std::uint16_t port = 0;
};

// Listens on 127.0.0.1, on any free port for 0, with room for a thousand connections that arrive at
// once. Fails with invalid_input where the port is taken or not allowed, else with io.
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

// Lets this process open as many descriptors as a thousand connections need on both ends, as far as
// its hard limit allows. Failing is not an error: fewer connections will do for most.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= descriptors_wanted) return;
  limit.rlim_cur = std::min(descriptors_wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Starts a thread that no signal reaches: they belong to the main thread, and a broken connection
// shall be an error of write(2), not a SIGPIPE. A new thread inherits the mask of its creator.
template <typename Work>
Result<std::thread> start_quiet_thread(Work work) {
  sigset_t all{};
  sigset_t before{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Result<std::thread> started;
  try {
    started = std::thread(work);
  } catch (const std::system_error& error) {
    started = cannot("start a thread", error.what());
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

struct RunningSandbox final : SandboxServer {
  RunningSandbox(const SandboxOptions& wanted, Script script)
      : options(wanted), service(options, ledger, system_now(), std::move(script)) {}

  ~RunningSandbox() override {
    if (!thread.joinable()) return;
    // Fails only when it is readable already.
    [[maybe_unused]] const int written = ::eventfd_write(stop.get(), 1);
    thread.join();
  }

  [[nodiscard]] std::uint16_t port() const override { return listening_port; }
  [[nodiscard]] SandboxStats stats() const override { return ledger.snapshot(); }

  SandboxOptions options;
  Ledger ledger;
  Service service;
  std::uint16_t listening_port = 0;
  Descriptor stop;  // Readable: the thread ends.
  std::unique_ptr<HttpFront> front;
  std::thread thread;
};

}  // namespace

Result<std::unique_ptr<SandboxServer>> SandboxServer::start(const SandboxOptions& options) {
  if (auto checked = check_sandbox_options(options); !checked) return pass(checked);
  Result<Script> script;
  if (!options.replies_file.empty()) script = Script::load(options.replies_file);
  if (!script) return pass(script);
  raise_descriptor_limit();
  auto server = std::make_unique<RunningSandbox>(options, std::move(*script));
  server->stop = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (server->stop.get() < 0) return cannot("make an event descriptor", std::strerror(errno));
  RB_TRY(listener, listen_on_loopback(options.port));
  server->listening_port = listener->port;
  RB_TRY(front, HttpFront::open(std::move(listener->socket), server->stop.get(), server->service));
  server->front = std::move(*front);
  RB_TRY(thread, start_quiet_thread([front = server->front.get()] { front->run(); }));
  server->thread = std::move(*thread);
  return server;
}

std::string SandboxServer::base_url() const {
  return fmt::format("http://127.0.0.1:{}/v1", port());
}

Result<void> serve_sandbox(const SandboxOptions& options, int stop_descriptor,
                           const std::function<void(const std::string& base_url)>& ready) {
  RB_TRY(server, SandboxServer::start(options));
  ready((*server)->base_url());
  pollfd wait{stop_descriptor, POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0) {
    if (errno == EINTR) continue;
    return cannot("wait", std::strerror(errno));
  }
  return {};
}

}  // namespace ratebatch::sandbox
