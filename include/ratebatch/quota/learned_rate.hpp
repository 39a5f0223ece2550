// The request rate of a lane whose limit nobody states, learned from what the server refuses.
//
// Without a bound until the first refusal; from then on starts are spaced evenly. What is admitted
// between two refusals tells the server's rate whatever it counts by (fixed minute, sliding log,
// bucket): at both ends nothing was left. Refusals that follow each other without a success are one
// episode: one cut, one probe at a time, waits that double. While nothing is refused the rate
// grows, so that a limit that was raised is found.
//
// Pure state, integer nanoseconds. `now` may stand still; it must not go back.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/time.hpp"

namespace ratebatch::quota {

class LearnedRate {
 public:
  // True from the first refusal until a day without one.
  [[nodiscard]] bool active() const { return interval_.has_value(); }

  // The time between two starts in the long run; nullopt while not active.
  [[nodiscard]] std::optional<Duration> interval() const { return interval_; }

  // The earliest instant, not before `now`, at which one more request may start.
  [[nodiscard]] Instant earliest(Instant now) const;

  // A request starts at `now`, whether or not earliest(now) allowed it.
  void take(Instant now);

  // The request that started at `started` was admitted: an answer came, of whatever kind but a
  // refusal for the rate.
  void succeeded(Instant now, Instant started);

  // The request that started at `started` was refused for its rate, and the server named no wait.
  // Returns how long from `now` nothing should start: 1 s, doubled to 60 s with each refused probe.
  // What was in flight when an episode began belongs to it and changes nothing.
  Duration refused(Instant now, Instant started);

  // What was learned, with wall times, for the checkpoint; empty while not active.
  [[nodiscard]] std::string store(Now now) const;

  // Takes up what `store` gave. False: not understood, nothing was changed. What is a day old is
  // understood, and forgotten. Precondition: nothing happened yet.
  bool restore(Now now, std::string_view text);

 private:
  // Admitted requests of the last minute, by second.
  class LastMinute {
   public:
    void add(Instant now);
    // How many there were since the first whole second within a minute before `now`, and how long
    // ago that was: 59 to 60 s.
    [[nodiscard]] std::int64_t count(Instant now) const;
    [[nodiscard]] static Duration length(Instant now);

   private:
    static constexpr std::int64_t slot_count = 60;
    std::array<std::int32_t, slot_count> counts_{};
    std::int64_t newest_ = 0;  // The second of the newest slot.
  };

  // How many requests were admitted within which time.
  struct Measure {
    std::int64_t admitted = 0;
    Duration length{};
  };

  [[nodiscard]] bool outdated(Instant now) const;
  [[nodiscard]] Measure measured(Instant now) const;
  void forget();
  void begin_episode(Instant now);
  void end_episode(Instant now);
  void cut(Instant now);
  void grow(Instant now);
  void slow_to(Duration interval);

  std::optional<Duration> interval_;
  Instant next_ = long_ago;  // The schedule and the waits: no start before it.

  // The episode: no success since the last refusal.
  bool in_episode_ = false;
  Duration wait_{};                   // The last one given.
  Instant refused_first_ = long_ago;  // In the latest episode.
  Instant refused_last_ = long_ago;
  Instant settled_until_ = long_ago;  // What started until then has been reacted to.
  std::optional<Measure> before_;     // What led to the episode, where that is known.

  // Measuring: since the first start, or since the latest episode began.
  std::optional<Instant> measured_from_;
  bool from_refusal_ = false;
  std::int64_t admitted_ = 0;
  LastMinute last_minute_;

  // Growing: since when nothing was refused, and how many minutes that were before.
  Instant clean_from_ = long_ago;
  std::int64_t clean_minutes_ = 0;
};

}  // namespace ratebatch::quota
