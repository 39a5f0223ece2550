// Four ways to count a resource against a limit. Pure: time comes as an argument; the steady clock
// must not go backwards, the wall clock may.
//
// All share one set of functions: `read` says how things stand for a request of that cost, `take`
// counts it (whoever asks has looked at `read` before) and returns a ticket, and `correct` changes
// the cost of the request with that ticket by `difference`, as far as it still counts.
//
// Written without a look at quota/: were both sides to share a mistake, neither would show it.
#pragma once

#include <cstdint>
#include <deque>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

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

// Windows of equal length that follow one another from `start`.
class FixedWindow {
 public:
  FixedWindow(std::int64_t amount, Duration window, Instant start);
  Reading read(Now now, std::int64_t cost);
  Ticket take(Now now, std::int64_t cost);
  void correct(Ticket ticket, Now now, std::int64_t difference);

 private:
  void turn(Instant now);

  std::int64_t amount_;
  Duration window_;
  Instant start_;
  std::int64_t index_ = 0;  // Of the present window.
  std::int64_t used_ = 0;
};

// From one reset of a calendar to the next. Precondition: the reset is daily or monthly.
class CalendarWindow {
 public:
  CalendarWindow(std::int64_t amount, const Reset& reset, WallTime start);
  Reading read(Now now, std::int64_t cost);
  Ticket take(Now now, std::int64_t cost);
  void correct(Ticket ticket, Now now, std::int64_t difference);

 private:
  void turn(WallTime now);

  std::int64_t amount_;
  Reset reset_;
  WallTime end_;
  std::int64_t used_ = 0;
};

// A log of what was granted; an entry counts for exactly one window.
class SlidingLog {
 public:
  SlidingLog(std::int64_t amount, Duration window);
  Reading read(Now now, std::int64_t cost);
  Ticket take(Now now, std::int64_t cost);
  void correct(Ticket ticket, Now now, std::int64_t difference);

 private:
  struct Entry {
    Instant at;
    std::int64_t amount;
  };

  void expire(Instant now);
  [[nodiscard]] bool joins_last(Instant now) const;

  std::int64_t amount_;
  Duration window_;
  std::deque<Entry> log_;
  Ticket first_ = 0;  // The ticket of the first entry; the others follow.
  std::int64_t used_ = 0;
};

// A bucket that starts full, holds `capacity` and refills evenly at `amount` per window. Counts in
// units of which one of the resource has as many as the window has nanoseconds, and of which
// `amount` come back in each, so that nothing is ever rounded.
class TokenBucket {
 public:
  TokenBucket(std::int64_t amount, Duration window, std::int64_t capacity, Instant start);
  Reading read(Now now, std::int64_t cost);
  Ticket take(Now now, std::int64_t cost);
  void correct(Ticket ticket, Now now, std::int64_t difference);

 private:
  // The largest amount for the longest window takes 92 bits.
  __extension__ using Units = __int128;

  void refill(Instant now);
  [[nodiscard]] Duration time_to_gain(Units units) const;

  std::int64_t amount_;
  std::int64_t window_ns_;
  std::int64_t capacity_;
  Instant at_;
  Units missing_ = 0;  // Below full; may exceed the capacity after a correction.
};

}  // namespace ratebatch::sandbox
