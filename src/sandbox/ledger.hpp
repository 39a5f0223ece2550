// What the sandbox has counted. The only part of it that two threads touch: the server writes, and
// whoever asks for stats reads; each call takes the lock once.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "ratebatch/base/time.hpp"
#include "ratebatch/sandbox/sandbox_server.hpp"

namespace ratebatch::sandbox {

// What happens to a granted request.
enum class Fault : std::uint8_t { none, error, reset, truncate, hang, garbage };

// The name of a fault, its share and its count, in the order in which they are drawn.
struct FaultRow {
  Fault fault;
  const char* name;
  std::int32_t SandboxOptions::* per_mille;
  std::int64_t SandboxFaultStats::* count;
};
constexpr std::array<FaultRow, 5> fault_rows = {
    {{Fault::error, "error", &SandboxOptions::error_per_mille, &SandboxFaultStats::error},
     {Fault::reset, "reset", &SandboxOptions::reset_per_mille, &SandboxFaultStats::reset},
     {Fault::truncate, "truncate", &SandboxOptions::truncate_per_mille,
      &SandboxFaultStats::truncate},
     {Fault::hang, "hang", &SandboxOptions::hang_per_mille, &SandboxFaultStats::hang},
     {Fault::garbage, "garbage", &SandboxOptions::garbage_per_mille, &SandboxFaultStats::garbage}}};

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

  // The scripted reply of this name was given; a success is charged to `client_id`.
  void scripted(const std::string& name, bool success, const std::string& client_id);

  // A granted request has ended; `abandoned`: the client left before its answer.
  void ended(const Customer& customer, bool abandoned);

  // Anything else that is only counted.
  void count(std::int64_t SandboxStats::* number);
  void count_links(std::int64_t SandboxLinkStats::* number, std::int64_t links = 1);

  [[nodiscard]] SandboxStats snapshot() const;

  // The same as JSON.
  [[nodiscard]] std::string stats_body() const;

 private:
  void charge(const std::string& client_id);

  // Precondition: the lock is held.
  template <typename Change>
  void change_counts(const Customer& customer, Change change);

  mutable std::mutex mutex_;
  SandboxStats stats_;
  BusiestMinute busiest_;
};

}  // namespace ratebatch::sandbox
