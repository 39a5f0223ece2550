// What the sandbox has counted. The only part of it that two threads touch: the server writes, and
// whoever asks for stats reads; each call takes the lock once.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "ratebatch/base/time.hpp"
#include "ratebatch/sandbox/sandbox_server.hpp"

namespace ratebatch::sandbox {

// What happens to a granted request.
enum class Fault : std::uint8_t { none, error, reset, truncate, hang, garbage };

// Whom a request is counted for.
struct Customer {
  std::string model;
  std::string key_name;
};

// The most events within any 60 s, to the millisecond. Keeps 60,000 numbers at most.
class BusiestMinute {
 public:
  // Precondition: `now` does not go backwards.
  void count(Instant now);
  [[nodiscard]] std::int64_t most() const { return most_; }

 private:
  struct Slot {
    std::int64_t ms;
    std::int64_t events;
  };
  std::deque<Slot> slots_;
  std::int64_t inside_ = 0;
  std::int64_t most_ = 0;
};

class Ledger {
 public:
  // A request was granted, will use `tokens` and will meet `fault`. Unless that is an error it is
  // charged to `client_id`, if that is not empty.
  void granted(const Customer& customer, std::int64_t tokens, Fault fault,
               const std::string& client_id, Instant now);

  // Refused by the limit of this name.
  void refused(const Customer& customer, const std::string& limit);
  void invalid();
  void outage();

  // The scripted reply of this name was given; a success is charged to `client_id`.
  void scripted(const std::string& name, bool success, const std::string& client_id);

  void links_announced(std::int64_t count);
  void link_served();
  void link_failed();
  void key_leaked();

  // A granted request has ended; `abandoned`: the client left before its answer.
  void ended(const Customer& customer, bool abandoned);

  [[nodiscard]] SandboxStats snapshot() const;

 private:
  void charge(const std::string& client_id);

  mutable std::mutex mutex_;
  SandboxStats stats_;
  BusiestMinute busiest_;
};

}  // namespace ratebatch::sandbox
