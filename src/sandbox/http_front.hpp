// The HTTP side of the sandbox, on libevent: accepts, waits out latencies, answers, and does to a
// connection what a fault asks for. The only file that knows libevent.
//
// One thread calls run(), and everything happens there. A client that leaves before its answer, or
// only closes its sending side, is noticed at once, and its request is no longer in flight.
#pragma once

#include <cstdint>
#include <memory>

#include "ratebatch/base/result.hpp"
#include "sandbox/service.hpp"

namespace ratebatch::sandbox {

// Bodies beyond it are answered with 413. Jobs may have files of 64 MiB, which in base64 become 86.
constexpr std::int64_t request_body_bytes_max = 90LL << 20U;
constexpr std::int64_t request_header_bytes_max = 64LL << 10U;

class HttpFront {
 public:
  // Listens on 127.0.0.1:`port` (0: any free one). `service` outlives the front; it is touched only
  // within run() and the destructor. `stop_descriptor` stays with the caller.
  static Result<std::unique_ptr<HttpFront>> open(std::uint16_t port, int stop_descriptor,
                                                 Service& service);

  HttpFront(const HttpFront&) = delete;
  HttpFront& operator=(const HttpFront&) = delete;

  // Closes all connections; requests in flight end as abandoned.
  ~HttpFront();

  [[nodiscard]] std::uint16_t port() const;

  // Serves until the stop descriptor is readable. SIGPIPE must be blocked or ignored.
  void run();

 private:
  struct Loop;
  explicit HttpFront(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
};

}  // namespace ratebatch::sandbox
