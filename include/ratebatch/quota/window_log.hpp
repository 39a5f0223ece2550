// A sliding log of what was used: never more than the amount in any window of its length, wherever
// that window begins and however the server counts its own.
//
// When the server received a request is known only within bounds: it counts from its start until
// one window after its reply, or after its sending and the longest way there, whichever is first.
// Leaving times are rounded up to slots, so memory is bounded whatever the amount.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "ratebatch/base/time.hpp"

namespace ratebatch::quota {

// A server has received what was sent so long ago, on any path worth using.
constexpr Duration receipt_max = std::chrono::seconds{1};

class WindowLog {
 public:
  // `way_max`: a server has received what was sent so long ago.
  WindowLog(Duration window, Duration way_max);

  // What counts now.
  [[nodiscard]] std::int64_t used(Instant now) const;

  // The earliest instant, not before `now`, at which no more than `most` counts.
  [[nodiscard]] Instant falls_to(Instant now, std::int64_t most) const;

  // `cost` starts at `now`.
  void take(Instant now, std::int64_t cost);

  // What started at `started` with `cost` left at `sent` only.
  void sent(Instant started, Instant sent, std::int64_t cost);

  // What was sent at `sent` with `cost` is answered at `now`, and cost `actual`.
  void ended(Instant sent, Instant now, std::int64_t cost, std::int64_t actual);

  // What was started at `started` with `cost` was never sent.
  void withdrawn(Instant started, std::int64_t cost);

  // Wall times and amounts, in at most stored_slots_max slots; and back.
  [[nodiscard]] std::string store(Now now) const;
  bool restore(Now now, std::string_view text);

 private:
  struct Slot {
    std::int64_t leaves = 0;  // In units of slot_.
    std::int64_t amount = 0;
  };

  [[nodiscard]] std::int64_t slot_of(Instant leaves) const;
  void add(std::int64_t slot, std::int64_t amount);
  void forget(Instant now);

  Duration window_;
  Duration way_max_;
  Duration slot_;
  std::deque<Slot> slots_;  // By time.
  std::int64_t sum_ = 0;    // Of all slots.
};

constexpr std::int64_t stored_slots_max = 64;

}  // namespace ratebatch::quota
