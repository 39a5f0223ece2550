// A paced limit: GCRA (the generic cell rate algorithm, ITU-T I.371, as a virtual schedule) in
// integer nanoseconds.
//
// One number is kept: the theoretical arrival time of the next request. Requests are spaced evenly,
// which is the one way to use a limit that no server algorithm (fixed window, sliding window, token
// bucket of any size) refuses. Three corrections make it safe over a network: the interval leaves
// room for the spread between our sending and the server's receiving, the burst is what the unused
// share allows, and a delay between reserving and sending is charged to the schedule.
#pragma once

#include <cstdint>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch {

class RateLimiter {
 public:
  // `pace_at_per_mille`: the share of the limit that is used, 1 to 1000. Precondition: the limit
  // keeps the bounds of its header.
  RateLimiter(const RequestLimit& limit, std::int32_t pace_at_per_mille);

  // The earliest instant, not before `now`, at which one more request may start.
  [[nodiscard]] Instant earliest(Instant now) const;

  // Reserves one request at `now`. Precondition: earliest(now) == now.
  void take(Instant now);

  // Says that a request reserved at `reserved_at` left at `sent_at`: the schedule moves by the
  // delay, once for all requests reserved at the same instant, and the interval widens to the
  // largest delay of late.
  void sent(Instant reserved_at, Instant sent_at);

  // The time between two requests in the long run.
  [[nodiscard]] Duration interval() const;

  // Requests that may start at the same instant after a rest.
  [[nodiscard]] std::int64_t burst() const { return burst_; }

  // The theoretical arrival time as wall time, for the checkpoint, and back. A stored time that
  // lies more than one window ahead (the wall clock was set back) counts as one window.
  [[nodiscard]] WallTime stored_arrival(Now now) const;
  void restore(Now now, WallTime arrival);

 private:
  std::int64_t amount_;
  Duration window_;
  Duration paced_interval_;
  std::int64_t burst_;
  Duration spread_;
  Instant arrival_{};
  Instant last_reserved_{};
  Duration last_charged_{};
};

// The spread assumed before any request was sent: what a busy 2-core machine shows between
// reserving and sending, one commit included.
constexpr Duration spread_initial = std::chrono::milliseconds{20};

}  // namespace ratebatch
