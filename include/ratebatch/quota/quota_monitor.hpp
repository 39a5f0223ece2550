// The one place that knows how much of every limit is used: for all workers, keys and lanes.
//
// A start reserves everything it will use, of its lane and of its provider, on one key, in one
// step, or nothing at all. A reservation ends exactly once: settled when an outcome is there,
// released when the request never left. Keys that a provider refused leave their pool.
//
// Pure state: no I/O, no clock, one thread. Time never needs to move forward strictly; an older
// `now` than the last is treated as it is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/quota/concurrency.hpp"
#include "ratebatch/quota/rate_limiter.hpp"

namespace ratebatch {

enum class ReservationId : std::int64_t {};

// What one request is expected to use.
struct Cost {
  std::int64_t requests = 1;
};

struct Reservation {
  ReservationId id{};
  KeyId key{};
};

// Why a reservation was not made.
struct Refusal {
  enum class Cause : std::uint8_t {
    window,       // A short window is used up until `earliest`.
    concurrency,  // All slots are taken: until one in flight ends.
    no_key,       // No usable key is left.
  };
  Cause cause = Cause::window;
  std::optional<Instant> earliest;  // Of `window`.
};

class QuotaMonitor {
 public:
  // `lanes` must outlive the monitor. Stored states of limits that exist no more are ignored.
  QuotaMonitor(const Lanes& lanes, std::int32_t pace_at_per_mille, Now now,
               const std::vector<LimitState>& stored);

  // Reserves `cost` for one request of `lane`, or says why not.
  std::variant<Reservation, Refusal> reserve(Now now, LaneId lane, const Cost& cost);

  // The request of a reservation leaves now: a delay since it was reserved is charged.
  void sent(Now now, ReservationId id);

  // The request of a reservation came to an outcome; what the reply said about limits is learned.
  // Ends the reservation.
  void settle(Now now, ReservationId id, const Facts& facts);

  // The request never left. Ends the reservation; its place in the paced windows stays used, which
  // errs on the safe side.
  void release(ReservationId id);

  // The provider refused this key: no reservation gets it again in this run.
  void refuse_key(KeyId key);

  [[nodiscard]] bool has_usable_key(LaneId lane) const;
  [[nodiscard]] std::int32_t in_flight(LaneId lane) const;

  // The states that changed since the last call, to be stored with the next commit.
  std::vector<LimitState> take_changes(Now now);

 private:
  // The limits of one scope: a lane, or a whole provider.
  struct Scope {
    std::string name;
    ConcurrencyLimit concurrency;
    std::vector<RequestLimit> limits;
    std::vector<RateLimiter> limiters;  // Beside `limits`.
    bool changed = false;
  };
  struct KeyState {
    bool usable = true;
    std::int32_t in_flight = 0;
  };
  struct Held {
    LaneId lane{};
    KeyId key{};
    Instant reserved_at;
  };

  [[nodiscard]] std::optional<KeyId> best_key(PoolId pool) const;
  Scope& pool_of(LaneId lane);
  void end(ReservationId id);

  const Lanes& lanes_;
  std::vector<Scope> lane_scopes_;
  std::vector<Scope> pool_scopes_;
  std::vector<KeyState> keys_;
  std::map<ReservationId, Held> held_;
  std::int64_t last_id_ = 0;
};

}  // namespace ratebatch
