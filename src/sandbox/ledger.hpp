// What the sandbox has counted. The only part of it that two threads touch: the server writes, and
// whoever asks for stats reads; each call takes the lock once.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "ratebatch/sandbox/sandbox_server.hpp"

namespace ratebatch::sandbox {

// What happens to a granted request.
enum class Fault : std::uint8_t { none, error, reset, truncate, hang, garbage };

class Ledger {
 public:
  // A request of `model` was granted and will meet `fault`. Unless that is an error it is charged
  // to `client_id`, if that is not empty.
  void granted(const std::string& model, Fault fault, const std::string& client_id);

  void refused(const std::string& model);
  void invalid();

  // A granted request has ended; `abandoned`: the client left before its answer.
  void ended(const std::string& model, bool abandoned);

  [[nodiscard]] SandboxStats snapshot() const;

 private:
  void charge(const std::string& client_id);

  mutable std::mutex mutex_;
  SandboxStats stats_;
};

}  // namespace ratebatch::sandbox
