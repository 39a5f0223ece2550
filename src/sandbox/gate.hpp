// Who may pass: all limits of all models and keys, asked together. A request counts against every
// limit that concerns it, or against none.
//
// Pure, like its limiters. Used by one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"
#include "sandbox/limiter.hpp"

namespace ratebatch::sandbox {

// Names of models, and keys, come from requests: a client that invents new ones must not fill the
// memory. So many models are counted, each once per key.
constexpr std::size_t gate_models_max = 10'000;

// What is counted together: one model of one key, or all models of it.
struct GatePool {
  std::deque<Limiter> limiters;  // Never moved: views and grants point at them.
  std::optional<std::int64_t> concurrency_max;
  std::int64_t in_flight = 0;
};

// A request that was let in, until Gate::end. Valid as long as the gate.
struct Grant {
  struct Mark {
    Limiter* limiter = nullptr;
    Ticket ticket = 0;
  };
  std::array<GatePool*, 2> pools{};
  std::vector<Mark> marks;
  Amounts cost{};
};

struct Decision {
  enum class Kind : std::uint8_t {
    granted,           // Counted, and in flight until end().
    rate_limited,      // `refusing` is the limit that lasts longest.
    too_large,         // It exceeds all of `refusing`: it never fits.
    too_many_at_once,  // `concurrency_max` are in flight already.
    too_many_models,   // More than gate_models_max were seen.
  };
  Kind kind = Kind::granted;
  std::string key_name;  // "key 1": see SandboxStats. Empty for too_many_models.
  std::optional<LimitView> refusing;
  // The tightest limit of each resource for the headers, after this request; absent: none.
  std::array<std::optional<LimitView>, resource_count> tightest;
  // The fewest that may be in flight at once, and how many are there, with this one if it was let
  // in; absent: there is no such limit.
  std::optional<std::int64_t> concurrency_max;
  std::int64_t in_flight = 0;
  Grant grant;  // If granted.

  [[nodiscard]] const std::optional<LimitView>& of(Resource resource) const {
    return tightest[index_of(resource)];
  }
};

class Gate {
 public:
  // Fixed windows begin at `start`. `options` outlive the gate. Precondition:
  // check_sandbox_options(options).
  Gate(const SandboxOptions& options, Now start);

  // Asks for one request of `model`, with this key, that costs so much of each resource.
  Decision ask(std::string_view key, const std::string& model, const Amounts& cost, Now now);

  // A granted request has ended and used `use`: what was counted is corrected to it.
  void end(const Grant& grant, const Amounts& use, Now now);

 private:
  struct Account {
    std::string name;
    GatePool overall;
    std::map<std::string, GatePool> models;
  };
  struct Found {
    Account* account = nullptr;
    GatePool* own = nullptr;
  };

  void add(GatePool& pool, const Limits& limits, const char* prefix) const;
  std::optional<Found> find_or_add(std::string_view key, const std::string& model);

  const SandboxOptions& options_;
  Now start_;
  std::map<std::string, Account, std::less<>> accounts_;
  std::size_t model_count_ = 0;
};

}  // namespace ratebatch::sandbox
