// A paced limit: GCRA (the generic cell rate algorithm, ITU-T I.371, as a virtual schedule) in
// integer nanoseconds.
//
// One number is kept: the theoretical arrival time of the next request. Requests are spaced evenly,
// which is the one way to use a limit that no server algorithm (fixed window, sliding window, token
// bucket of any size) refuses. The interval leaves room for the spread between our reserving and
// the server's receiving; the burst is what comes due while a turn of our own loop lasts; a delay
// between reserving and sending is charged. Requests of different cost may carry over what one of
// them left unused, since they wait for estimates that prove too high, and for other limits.
#pragma once

#include <cstdint>

#include "ratebatch/base/number_list.hpp"
#include "ratebatch/base/time.hpp"

namespace ratebatch::quota {

// The spread assumed before any request was sent: what a busy 2-core machine shows between
// reserving and sending, one commit included.
constexpr Duration spread_initial = std::chrono::milliseconds{20};

// What a network adds to it, where the window is long enough not to feel it: measured paths vary by
// 20 to 200 ms.
constexpr Duration network_spread = std::chrono::milliseconds{200};

class RateLimiter {
 public:
  // `amount` per `window`, of which `pace_at_per_mille` (1 to 1000) is used.
  RateLimiter(std::int64_t amount, Duration window, std::int32_t pace_at_per_mille);

  // Another amount from now on: what the server announced, or what refusals taught.
  void set_amount(std::int64_t amount);
  [[nodiscard]] std::int64_t amount() const { return amount_; }

  // The earliest instant, not before `now`, at which one more request may start.
  [[nodiscard]] Instant earliest(Instant now) const;

  // Reserves `cost` at `now`; what is more than the amount counts as the amount. Precondition:
  // earliest(now) == now.
  void take(Instant now, std::int64_t cost);

  // What a request reserved with `reserved` really cost: the schedule moves by the difference.
  void settle(Instant now, std::int64_t reserved, std::int64_t actual);

  // Says that a request reserved at `reserved_at` left at `sent_at`: the schedule moves by the
  // delay beyond the usual one, once for all requests reserved at the same instant, and the
  // interval widens to the largest delay of late.
  void sent(Instant reserved_at, Instant sent_at);

  // The time that one unit takes in the long run.
  [[nodiscard]] Duration interval() const { return interval_; }

  // Whether requests of more than cost 1 were seen of late. Then even spacing alone does not keep a
  // window below the amount: the caller bounds it by a log.
  [[nodiscard]] bool mixed() const;

  // Requests of cost 1 that may start at the same instant after a rest: at most what the unused
  // share of the window holds, and what comes due within the spread. So a limit of a few per second
  // has none, and is safe on a bucket that holds one.
  [[nodiscard]] std::int64_t burst() const;

  // The theoretical arrival time as wall time, for the checkpoint, and back. A stored time that
  // lies more than one window ahead (the wall clock was set back) counts as one window.
  [[nodiscard]] WallTime stored_arrival(Now now) const { return now.wall_at(arrival_); }
  void restore(Now now, WallTime arrival) { arrival_ = steady_time(now, arrival, window_); }

 private:
  void note_cost(Instant now, std::int64_t cost);
  void find_interval();
  [[nodiscard]] std::int64_t carried() const;
  [[nodiscard]] Duration of_cost(std::int64_t cost) const;

  std::int64_t amount_;
  Duration window_;
  std::int32_t pace_at_per_mille_;
  Duration interval_{};
  Duration spread_ = spread_initial;
  Duration usual_delay_{};  // Between reserving and sending: the least of late.
  // The largest cost of the present and of the last window.
  std::int64_t largest_ = 1;
  std::int64_t largest_before_ = 1;
  bool largest_settled_ = false;
  Instant window_since_{};
  Instant arrival_{};
  Instant last_reserved_{};
  Duration last_charged_{};
};

}  // namespace ratebatch::quota
