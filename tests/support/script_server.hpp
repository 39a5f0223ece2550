// A loopback server that does exactly what a test wrote down, one script per connection, and keeps
// the bill: how many complete requests it was given.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ratebatch {

// What the server does next on a connection.
struct Step {
  enum class Kind {
    read_request,       // Reads a whole request and bills it. A client that leaves ends the script.
    read_head,          // Reads up to the empty line only; bills nothing.
    send,               // Sends `bytes`.
    send_until_closed,  // Sends `bytes` again and again until the client leaves.
    stall,              // Does nothing until release() is called.
    stop_listening,     // From now on connections are refused.
    reset,              // Closes with RST; ends the script.
    repeat,             // Starts again at the first step.
  };
  Kind kind = Kind::read_request;
  std::string bytes;
};
// At its end the connection is closed with FIN.
using Script = std::vector<Step>;

Step read_request();
Step read_head();
Step send_bytes(std::string bytes);
Step send_until_closed(std::string bytes);
Step stall();
Step stop_listening();
Step reset();
Step repeat();

// A reply with a content-length. `headers` are whole lines, each with its \r\n.
std::string http_reply(int status, const std::string& body, const std::string& headers = "");

class ScriptServer {
 public:
  // Listens on a free port of 127.0.0.1. Connection i follows scripts[i]; those behind the last
  // script follow the last. Precondition: scripts is not empty.
  explicit ScriptServer(std::vector<Script> scripts);
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;
  ~ScriptServer();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& path) const;

  // The complete requests, as they came, in the order of their last byte.
  std::vector<std::string> requests();
  std::size_t bill();
  std::size_t connections();

  // Blocks until that many requests are complete.
  void await_bill(std::size_t count);

  // Ends all stalls, present and future ones.
  void release();

 private:
  struct Connection {
    int descriptor = -1;
    std::thread thread;
  };

  void accept_all();
  void serve(std::size_t index);
  bool perform(const Step& step, int descriptor, std::string& unread);
  bool read_into(int descriptor, std::string& unread, bool with_body);
  void close_gently(int descriptor);

  std::vector<Script> scripts_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;  // Guards all below.
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::string> requests_;
  bool released_ = false;
  bool stopping_ = false;
  std::thread acceptor_;
};

}  // namespace ratebatch
