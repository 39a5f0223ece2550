// Who may pass: all limits of all models, asked together. A request counts against every limit that
// concerns it, or against none.
//
// Pure, like its limiters. Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"
#include "sandbox/limiter.hpp"

namespace ratebatch::sandbox {

// Names of models come from requests: a client that invents new ones must not fill the memory.
constexpr std::size_t gate_models_max = 10'000;

struct Decision {
  enum class Kind : std::uint8_t {
    granted,           // Counted, and in flight until release().
    rate_limited,      // `shown` is the limit that lasts longest.
    too_many_at_once,  // `concurrency_max` are in flight.
    too_many_models,   // More than gate_models_max names were seen.
  };
  Kind kind = Kind::granted;
  std::optional<LimitView> shown;  // The limit for the headers, after this request; absent: none.
  std::int64_t concurrency_max = 0;
};

class Gate {
 public:
  // Fixed windows begin at `start`. Precondition: check_sandbox_options(options).
  Gate(const SandboxOptions& options, Instant start);

  // Asks for one request of `model`.
  Decision ask(const std::string& model, Instant now);

  // A granted request of `model` has ended. Precondition: one is in flight.
  void release(const std::string& model);

 private:
  // What is counted together: one model, or all of them.
  struct Pool {
    std::vector<Limiter> limiters;
    std::optional<std::int64_t> concurrency_max;
    std::int64_t in_flight = 0;
  };

  void add(Pool& pool, const Limits& limits) const;
  Pool* find_or_add(const std::string& model);

  LimitAlgorithm algorithm_;
  Instant start_;
  std::map<std::string, Limits> limits_;
  Limits every_model_;
  std::map<std::string, Pool> models_;
  Pool overall_;
};

}  // namespace ratebatch::sandbox
