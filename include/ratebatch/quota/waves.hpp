// Requests in waves: some at once, and the next ones only a delay after the last of them ended.
//
// A wave that is not full may be joined until its first member has ended, so that waves stay
// together where jobs trickle in. Refusals make waves smaller, clean full waves let them grow again
// up to the configured size.
//
// Pure state; counts starts and ends, and knows nothing of requests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::quota {

class WaveGate {
 public:
  // Precondition: the size is at least 1, the delay not negative.
  explicit WaveGate(const Waves& waves);

  // When one more request may start, not before `now`; nullopt if one in flight must end first.
  [[nodiscard]] std::optional<Instant> earliest(Instant now) const;

  // A request starts. Precondition: earliest(now) is now.
  void enter(Instant now);

  // A request ended, however it did. Precondition: an enter without its leave.
  void leave(Instant now);

  // A request of the present wave was refused (429 or overloaded): the next waves have one less,
  // once per wave, and 1 at least. Call it before the request's leave.
  void refused();

  // How many a wave has now.
  [[nodiscard]] std::int32_t size() const { return size_; }

  // The size and when the last wave ended, as wall time, for the checkpoint, and back. Requests in
  // flight end with their process, at the latest when this is stored. A size that was learned
  // holds below the size configured now. False: not understood, nothing was changed.
  [[nodiscard]] std::string store(Now now) const;
  bool restore(Now now, std::string_view text);

 private:
  Waves waves_;
  std::int32_t size_;
  std::int32_t in_flight_ = 0;
  std::int32_t started_ = 0;  // Of the present wave.
  bool closed_ = false;       // One of it has ended.
  bool refused_ = false;      // One of it was refused.
  std::optional<Instant> last_end_;
};

}  // namespace ratebatch::quota
