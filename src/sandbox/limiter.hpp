// One limit of the sandbox, and the four algorithms that count a resource against it. Pure: time
// comes as an argument; the steady clock must not go backwards, the wall clock may.
//
// Written without a look at quota/: were both sides to share a mistake, neither would show it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ratebatch/base/time.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"

namespace ratebatch::sandbox {

// A sliding log is exact up to so many entries; beyond, those of one such part of the window become
// one entry at the time of the last. Some 3 MB at most.
constexpr std::int64_t sliding_log_entries = 1 << 16;

struct Reading {
  std::int64_t room = 0;  // What fits now; negative after a correction upwards.
  Duration reset{};       // Until all of it is free again.
  Duration wait{};        // Until the cost fits; zero if it does now. Meaningless if it never does.

  friend bool operator==(const Reading&, const Reading&) = default;
};

using Ticket = std::int64_t;

class LimitCounter {
 public:
  virtual ~LimitCounter() = default;

  // How things stand for a request of that cost.
  virtual Reading read(Now now, std::int64_t cost) = 0;

  // Counts a request. Precondition: read() says that it fits.
  virtual Ticket take(Now now, std::int64_t cost) = 0;

  // Changes the cost of the request with that ticket by `difference`, as far as it still counts.
  virtual void correct(Ticket ticket, Now now, std::int64_t difference) = 0;
};

// What a limit is, as refusals, headers and statistics tell it.
struct LimitTerms {
  std::string name;
  Resource resource = Resource::requests;
  std::int64_t amount = 0;  // Per window.
  Duration window{};        // As it is called: a compressed day still is a day.
  std::int64_t most = 0;    // What fits at once: the amount, or the burst of a bucket.
};

// A limit at one moment, for a request that costs `cost` of it.
struct LimitView {
  const LimitTerms* terms = nullptr;  // Lives as long as its limiter.
  std::int64_t cost = 0;
  Reading reading;

  [[nodiscard]] bool never_fits() const { return cost > terms->most; }
  [[nodiscard]] bool fits() const { return !never_fits() && reading.wait == Duration{}; }
};

class Limiter {
 public:
  // `prefix` goes before the name. Precondition: check_sandbox_options accepts limit and options.
  Limiter(const Limit& limit, const SandboxOptions& options, Now start, const char* prefix = "");

  [[nodiscard]] const LimitTerms& terms() const { return terms_; }

  // Precondition: cost >= 1.
  [[nodiscard]] LimitView view(Now now, std::int64_t cost);

  // Counts a request. Precondition: view(now, cost).fits().
  Ticket take(Now now, std::int64_t cost);

  // The request with this ticket costs `difference` more, or less, than was taken.
  void correct(Ticket ticket, Now now, std::int64_t difference);

 private:
  LimitTerms terms_;
  std::unique_ptr<LimitCounter> counter_;
};

}  // namespace ratebatch::sandbox
