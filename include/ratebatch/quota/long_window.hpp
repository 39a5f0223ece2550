// A limit over more than an hour, counted until its reset is known to have come.
//
// A daily or monthly window holds one count until its reset. A rolling one holds 97 slots, each a
// 96th of the window long, and a use leaves when its whole slot has: never sooner than the server
// can forget it. A second is kept after every reset, for clocks that differ.
//
// Pure state. A clock that was set back counts as standing inside the present window, whose count
// stays; one that was wrong by more than a window is noticed, and what it counted counts from then
// on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::quota {

class LongWindow {
 public:
  // Precondition: limit.is_long(), and the limit keeps the bounds of its header.
  explicit LongWindow(const Limit& limit);

  // The most that may be used, reservations included: the paused share of the amount, at least 1.
  [[nodiscard]] std::int64_t threshold() const { return threshold_; }

  // True if `cost` more stays within the threshold. A cost above the threshold fits only while the
  // count is 0, so that it goes alone; a cost of 0 always fits. Precondition of all costs: at least
  // 0.
  [[nodiscard]] bool fits(WallTime now, std::int64_t cost) const;

  // The earliest time at which `cost` fits if nothing is taken until then; `now` if it fits now.
  [[nodiscard]] WallTime opens_at(WallTime now, std::int64_t cost) const;

  // Counts `cost`, whether or not it fits.
  void take(WallTime now, std::int64_t cost);

  // Adds `delta` (what was really used, less what was taken) to the count at `taken_at`. Has no
  // effect if that count has left the window. No count falls below 0.
  void correct(WallTime taken_at, std::int64_t delta);

  // What is used in the present window.
  [[nodiscard]] std::int64_t used(WallTime now) const;

  // The next reset. Of a rolling window: the time at which the count falls below the threshold if
  // it has reached it, else the time at which the oldest use leaves; nullopt if the count is 0.
  [[nodiscard]] std::optional<WallTime> resets_at(WallTime now) const;

  // A person or the server says how much of the present window is used. In a rolling one, more
  // counts as used now, and less takes away the oldest.
  void set_used(WallTime now, std::int64_t used);

  // The server announced that all of the present window is reset at `at`: that counts for this
  // window, instead of the configured reset. Ignored if it has passed, lies more than a window and
  // an hour ahead, or lies before a time announced earlier: windows do not move back.
  void server_resets_at(WallTime now, WallTime at);

  // Finds out whether the clock was wrong: if the latest count lies more than a window after `now`,
  // the whole count moves to `now`. Otherwise it would stay until the wrong time. Call it once per
  // turn, or before a limit is asked; it costs nothing.
  void notice_clock(WallTime now);

  // The state for the checkpoint, in wall milliseconds, and back; a limit whose reset, window or
  // amount was changed keeps its total. False: not understood, nothing was changed.
  [[nodiscard]] std::string store() const;
  bool restore(std::string_view text);

 private:
  struct Slot {
    std::int64_t index = 0;  // Since 1970; 0 of calendar windows.
    std::int64_t used = 0;
  };

  [[nodiscard]] bool rolling() const { return limit_.reset.kind == Reset::Kind::rolling; }
  [[nodiscard]] WallTime next_reset(WallTime after) const;
  [[nodiscard]] std::int64_t slot_at(WallTime at) const;
  [[nodiscard]] bool counts(const Slot& slot, WallTime now) const;
  [[nodiscard]] WallTime leaves_at(const Slot& slot) const;
  [[nodiscard]] std::int64_t total(WallTime now) const;
  [[nodiscard]] std::int64_t held(WallTime now) const;
  [[nodiscard]] std::int64_t room_beside(std::int64_t cost) const;
  [[nodiscard]] std::vector<WallTime> changes() const;
  void move_to(WallTime now);
  void add(WallTime at, std::int64_t amount);

  Limit limit_;
  std::int64_t threshold_;
  std::int64_t slot_ms_;

  std::vector<Slot> slots_;      // By index.
  std::optional<WallTime> end_;  // The next reset: of a calendar window in use, or as announced.
  bool announced_ = false;       // The server named the end.
  WallTime begin_{};             // The last reset.
  std::int64_t before_ = 0;      // The count until then, which holds for a second after it.
  WallTime latest_{};            // The latest time at which something was counted.
};

}  // namespace ratebatch::quota
