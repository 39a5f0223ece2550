#include "ratebatch/sandbox/sandbox_server.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "ratebatch/base/system_clock.hpp"
#include "sandbox/http_front.hpp"
#include "sandbox/ledger.hpp"
#include "sandbox/loopback.hpp"
#include "sandbox/scripted.hpp"
#include "sandbox/service.hpp"

namespace ratebatch::sandbox {
namespace {

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
    started = fail(ErrorCode::io, fmt::format("sandbox: cannot start a thread: {}", error.what()));
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace

struct SandboxServer::Parts {
  Parts(const SandboxOptions& wanted, std::vector<ScriptedReply> scripted)
      : options(wanted), service(options, ledger, system_now(), std::move(scripted)) {}

  SandboxOptions options;
  Ledger ledger;
  Service service;
  Descriptor stop;
  std::unique_ptr<HttpFront> front;
  std::thread thread;
};

Result<std::unique_ptr<SandboxServer>> SandboxServer::start(const SandboxOptions& options) {
  if (auto checked = check_sandbox_options(options); !checked) return pass(checked);
  Result<std::vector<ScriptedReply>> scripted;
  if (!options.replies_file.empty()) scripted = load_scripted_replies(options.replies_file);
  if (!scripted) return pass(scripted);
  raise_descriptor_limit();
  auto parts = std::make_unique<Parts>(options, std::move(*scripted));
  RB_TRY(stop, make_wake_descriptor());
  parts->stop = std::move(*stop);
  RB_TRY(front, HttpFront::open(options.port, parts->stop.get(), parts->service));
  parts->front = std::move(*front);
  auto thread = start_quiet_thread([front = parts->front.get()] { front->run(); });
  if (!thread) return pass(thread);
  parts->thread = std::move(*thread);
  return std::unique_ptr<SandboxServer>(new SandboxServer(std::move(parts)));
}

SandboxServer::SandboxServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

SandboxServer::~SandboxServer() {
  wake(parts_->stop);
  parts_->thread.join();
}

std::uint16_t SandboxServer::port() const { return parts_->front->port(); }

std::string SandboxServer::base_url() const {
  return fmt::format("http://127.0.0.1:{}/v1", port());
}

SandboxStats SandboxServer::stats() const { return parts_->ledger.snapshot(); }

Result<void> serve_sandbox(const SandboxOptions& options, int stop_descriptor,
                           const std::function<void(const std::string& base_url)>& ready) {
  RB_TRY(server, SandboxServer::start(options));
  ready((*server)->base_url());
  pollfd wait{stop_descriptor, POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0) {
    if (errno == EINTR) continue;
    return fail(ErrorCode::io, fmt::format("sandbox: cannot wait: {}", std::strerror(errno)));
  }
  return {};
}

}  // namespace ratebatch::sandbox
