#include "support/script_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

bool send_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// Length of the request's body by its content-length; 0 where it names none.
std::size_t body_length(const std::string& head) {
  std::string lower = head;
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const std::string name = "\r\ncontent-length:";
  const std::size_t at = lower.find(name);
  if (at == std::string::npos) return 0;
  return static_cast<std::size_t>(std::strtoul(lower.c_str() + at + name.size(), nullptr, 10));
}

}  // namespace

Step read_request() { return {.kind = Step::Kind::read_request, .bytes = {}}; }
Step read_head() { return {.kind = Step::Kind::read_head, .bytes = {}}; }
Step send_bytes(std::string bytes) { return {.kind = Step::Kind::send, .bytes = std::move(bytes)}; }
Step send_until_closed(std::string bytes) {
  return {.kind = Step::Kind::send_until_closed, .bytes = std::move(bytes)};
}
Step stall() { return {.kind = Step::Kind::stall, .bytes = {}}; }
Step stop_listening() { return {.kind = Step::Kind::stop_listening, .bytes = {}}; }
Step reset() { return {.kind = Step::Kind::reset, .bytes = {}}; }
Step repeat() { return {.kind = Step::Kind::repeat, .bytes = {}}; }

std::string http_reply(int status, const std::string& body, const std::string& headers) {
  return "HTTP/1.1 " + std::to_string(status) + " Whatever\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

ScriptServer::ScriptServer(std::vector<Script> scripts) : scripts_(std::move(scripts)) {
  RB_ASSERT(!scripts_.empty());
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  RB_ASSERT(listener_ >= 0 && bind(listener_, generic, length) == 0);
  RB_ASSERT(listen(listener_, 1024) == 0);
  RB_ASSERT(getsockname(listener_, generic, &length) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptServer::~ScriptServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    for (const auto& connection : connections_) {
      if (connection->descriptor >= 0) shutdown(connection->descriptor, SHUT_RDWR);
    }
  }
  changed_.notify_all();
  acceptor_.join();
  for (const auto& connection : connections_) connection->thread.join();
  close(listener_);
}

std::string ScriptServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

std::vector<std::string> ScriptServer::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t ScriptServer::bill() {
  const std::lock_guard lock(mutex_);
  return requests_.size();
}

std::size_t ScriptServer::connections() {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

void ScriptServer::await_bill(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return requests_.size() >= count; });
}

void ScriptServer::release() {
  const std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

void ScriptServer::accept_all() {
  while (true) {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (stopping_ || descriptor < 0) {
      if (descriptor >= 0) close(descriptor);
      return;
    }
    connections_.push_back(std::make_unique<Connection>());
    connections_.back()->descriptor = descriptor;
    const std::size_t index = connections_.size() - 1;
    connections_.back()->thread = std::thread([this, index] { serve(index); });
  }
}

void ScriptServer::serve(std::size_t index) {
  int descriptor = -1;
  {
    const std::lock_guard lock(mutex_);
    descriptor = connections_[index]->descriptor;
  }
  const Script& script = scripts_[index < scripts_.size() ? index : scripts_.size() - 1];
  std::string unread;
  for (std::size_t at = 0; at < script.size();) {
    const Step& step = script[at];
    if (step.kind == Step::Kind::repeat) {
      at = 0;
      continue;
    }
    if (!perform(step, descriptor, unread)) break;
    ++at;
  }
  const bool by_reset = !script.empty() && script.back().kind == Step::Kind::reset;
  if (!by_reset) close_gently(descriptor);
  // The number may belong to someone else as soon as it is closed.
  const std::lock_guard lock(mutex_);
  connections_[index]->descriptor = -1;
  close(descriptor);
}

bool ScriptServer::perform(const Step& step, int descriptor, std::string& unread) {
  switch (step.kind) {
    case Step::Kind::read_request:
      return read_into(descriptor, unread, true);
    case Step::Kind::read_head:
      return read_into(descriptor, unread, false);
    case Step::Kind::send:
      return send_all(descriptor, step.bytes);
    case Step::Kind::send_until_closed:
      while (send_all(descriptor, step.bytes)) {
      }
      return false;
    case Step::Kind::stall: {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return released_ || stopping_; });
      return !stopping_;
    }
    case Step::Kind::stop_listening:
      return shutdown(listener_, SHUT_RDWR) == 0;
    case Step::Kind::reset: {
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
      return false;
    }
    case Step::Kind::repeat:
      break;
  }
  return false;
}

bool ScriptServer::read_into(int descriptor, std::string& unread, bool with_body) {
  std::array<char, 16384> buffer{};
  while (true) {
    const std::size_t head_end = unread.find("\r\n\r\n");
    if (head_end != std::string::npos) {
      if (!with_body) return true;
      const std::size_t whole = head_end + 4 + body_length(unread.substr(0, head_end + 2));
      if (unread.size() >= whole) {
        const std::lock_guard lock(mutex_);
        requests_.push_back(unread.substr(0, whole));
        unread.erase(0, whole);
        changed_.notify_all();
        return true;
      }
    }
    const ssize_t count = recv(descriptor, buffer.data(), buffer.size(), 0);
    if (count <= 0) return false;
    unread.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

void ScriptServer::close_gently(int descriptor) {
  shutdown(descriptor, SHUT_WR);
  // To close with unread bytes would send RST.
  std::array<char, 4096> buffer{};
  while (recv(descriptor, buffer.data(), buffer.size(), 0) > 0) {
  }
}

}  // namespace ratebatch
