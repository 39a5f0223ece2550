// The HTTP side of the sandbox, on libevent: accepts, waits out latencies, answers, and does to a
// connection what a fault asks for. The only file that knows libevent.
//
// One thread calls run(), and everything happens there. A client that leaves before its answer, or
// only closes its sending side, is noticed at once, and its request is no longer in flight.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/port.hpp"
#include "ratebatch/base/result.hpp"
#include "sandbox/service.hpp"

namespace ratebatch::sandbox {

// Bodies beyond it are answered with 413. Jobs may have files of 64 MiB, which in base64 become 86.
constexpr std::int64_t request_body_bytes_max = 90LL << 20U;
constexpr std::int64_t request_header_bytes_max = 64LL << 10U;

// True for the Host header of a request that names this machine: localhost, 127.0.0.0/8 or [::1],
// with or without port. A web page that rebinds its own name to 127.0.0.1 sends that name.
bool names_this_machine(std::string_view host);

// Its destructor closes all connections; requests in flight end as abandoned.
class HttpFront : public Port {
 public:
  // Accepts from `listener`, a listening socket. `service` outlives the front; it is touched only
  // within run() and the destructor. `stop_descriptor` stays with the caller. Fails with io where
  // there is no memory left.
  static Result<std::unique_ptr<HttpFront>> open(Descriptor listener, int stop_descriptor,
                                                 Service& service);

  // Serves until the stop descriptor is readable. SIGPIPE must be blocked or ignored.
  virtual void run() = 0;
};

}  // namespace ratebatch::sandbox
