// The port through which requests leave: many transfers at once, one thread, one wait.
#pragma once

#include <cstdint>
#include <vector>

#include "ratebatch/base/port.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::net {

// Chosen by the caller; unique among the transfers in flight.
enum class TransferId : std::uint64_t {};

struct FinishedTransfer {
  TransferId id{};
  TransferResult result;
  Duration took{};  // From send to the end.
};

class Transport : public Port {
 public:
  // Starts a transfer. Never fails by itself: whatever goes wrong arrives as its result, exactly
  // one per transfer. A request is never sent twice.
  virtual void send(TransferId id, HttpRequest request) = 0;

  // Breaks a transfer off. Its result will not arrive, unless it is finished already. Unknown ids
  // are ignored.
  virtual void cancel(TransferId id) = 0;

  // Moves transfers on as far as possible without blocking and returns those that ended since the
  // last call, in the order of their end.
  virtual std::vector<FinishedTransfer> finished() = 0;

  // Blocks until something may have ended, the wake descriptor given at construction is readable,
  // or `longest` is over. The only place where a run waits.
  virtual void wait(Duration longest) = 0;
};

}  // namespace ratebatch::net
