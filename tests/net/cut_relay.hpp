// A TCP relay on the loopback interface that can cut the connections through it while both ends
// believe in them: how a server dies that speaks a protocol too large for a script.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace ratebatch {

class CutRelay {
 public:
  enum class End : std::uint8_t { close, reset };  // FIN or RST, as the client sees it.

  // Listens on a free port of 127.0.0.1 and passes all on to `target` there.
  explicit CutRelay(std::uint16_t target);
  CutRelay(const CutRelay&) = delete;
  CutRelay& operator=(const CutRelay&) = delete;
  ~CutRelay();

  [[nodiscard]] std::uint16_t port() const { return port_; }

  // How many clients have connected so far.
  [[nodiscard]] std::size_t connections() const { return connections_; }

  // Ends all connections; new ones are welcome.
  void cut(End end);

 private:
  enum class Order : std::uint8_t { none, close, reset, stop };
  struct Pair {
    int client = -1;
    int server = -1;
  };

  void give(Order order);
  void run();
  void accept_one();
  void end(const Pair& pair, bool with_reset);

  std::uint16_t target_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_ = -1;
  std::atomic<Order> order_ = Order::none;
  std::atomic<std::size_t> connections_ = 0;
  std::vector<Pair> pairs_;  // Of the thread.
  std::thread thread_;
};

}  // namespace ratebatch
