// One limit of the sandbox, counted in the way that its options and the limit itself ask for.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "ratebatch/base/time.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"
#include "sandbox/limiter_ways.hpp"

namespace ratebatch::sandbox {

// What a limit is, as refusals, headers and statistics tell it.
struct LimitTerms {
  std::string name;
  Resource resource = Resource::requests;
  std::int64_t amount = 0;  // Per window.
  Duration window{};        // As it is called: a compressed day still is a day.
  std::int64_t most = 0;    // What fits at once: the amount, or the burst of a bucket.

  friend bool operator==(const LimitTerms&, const LimitTerms&) = default;
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
  using Way = std::variant<FixedWindow, CalendarWindow, SlidingLog, TokenBucket>;

  static Way make_way(const Limit& limit, const SandboxOptions& options, std::int64_t most,
                      Now start);

  LimitTerms terms_;
  Way way_;
};

}  // namespace ratebatch::sandbox
