// The provider's wall time, as its replies tell it: so that a local clock that is wrong, or steps,
// wakes a paused lane neither early nor late.
//
// When a reply arrives, the time in its Date header has certainly come: whole seconds were cut off,
// and the way here took its time. The greatest such bound of the last hour is carried on by the
// steady clock, which goes on while the machine sleeps. It never runs ahead of the provider's
// clock, and after a few replies it lags behind by little more than the fastest of them took.
//
// Pure state; one per provider.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/time.hpp"

namespace ratebatch::quota {

class ServerClock {
 public:
  // A reply arrived at `at` with this Date. Ignored if the date is before 2020 or after 2115: such
  // a server does not know the time.
  void saw(Now at, WallTime date);

  // The provider's time at `now`; the local wall time while no reply has told it. May go back a
  // little where an hour's best bound is forgotten.
  [[nodiscard]] WallTime at(Now now) const;

  // The best bound, for a later process on the same start of the machine (`boot`, not 0): the
  // steady clock goes on, whatever happens to the wall clock. Empty where no reply told the time.
  // `restore` gives false for another boot, or what it does not understand.
  [[nodiscard]] std::string store(std::int64_t boot) const;
  bool restore(std::int64_t boot, std::string_view text);

 private:
  // The greatest wall time less steady time seen in one stretch of time.
  struct Best {
    std::int64_t stretch = 0;  // Since the machine started.
    Duration ahead{};
  };

  std::optional<Best> newest_;  // Of the latest stretch with a reply.
  std::optional<Best> before_;  // Of the one before it.
};

}  // namespace ratebatch::quota
