// The gate of a lane for one key group, or of all lanes of a key group: closed while the server
// wants it to wait, and narrowed to one probe at a time once refusals follow each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/model/protocol.hpp"

namespace ratebatch::quota {

// How long to wait, and as what.
struct GateWait {
  Duration wait{};
  LaneState state = LaneState::waiting;  // waiting or paused.

  friend bool operator==(const GateWait&, const GateWait&) = default;
};

class WaitGate {
 public:
  explicit WaitGate(const RetrySettings& settings) : settings_(settings) {}

  // Whether a request may start: no wait is on, and a probing gate has nothing in flight.
  [[nodiscard]] bool allows(Now now, std::int32_t in_flight) const;

  [[nodiscard]] bool waiting(Now now) const { return remaining(now) > Duration{}; }
  [[nodiscard]] bool paused(Now now) const { return waiting(now) && state_ == LaneState::paused; }

  // When the wait is over. Precondition: waiting(now).
  [[nodiscard]] Instant opens_at(Now now) const;

  // What the gate shows while it waits. Precondition: waiting(now).
  [[nodiscard]] LaneStatus status(Now now) const;

  // Refusals of the outcome's class in a row so far. Refusals of requests that started before the
  // last wait was set belong to its episode and count once.
  [[nodiscard]] std::int32_t refusals_before(const Outcome& outcome, Instant started) const;

  // A request, started at `started`, was refused for a limit: wait. A wait that is on is only ever
  // extended.
  void refused(Now now, const Outcome& outcome, Instant started, const GateWait& wait);

  // A request started at `started` was not refused. One that started before the last refusal says
  // nothing about it.
  void passed(Instant started);

  // A person lifts the wait. The next request is a probe where refusals followed each other.
  void lift() { until_ = {}; }

  // Forgets the wait and all refusals.
  void reset() { *this = WaitGate{settings_}; }

  // The state for the checkpoint; empty if no wait is on and nothing was refused since something
  // passed. And back: false for what is not understood, and nothing was changed then.
  [[nodiscard]] std::string store(Now now) const;
  bool restore(Now now, std::string_view text);

 private:
  enum class Episode : std::uint8_t { none, rate, concurrency, quota };
  [[nodiscard]] static Episode episode_of(const Outcome& outcome);
  [[nodiscard]] bool probing() const;
  // Until the wait is over; not positive if it is, or if there is none.
  [[nodiscard]] Duration remaining(Now now) const;

  RetrySettings settings_;
  Deadline until_;
  LaneState state_ = LaneState::waiting;
  std::string reason_;
  Episode episode_ = Episode::none;
  std::int32_t refusals_ = 0;
  std::optional<Instant> set_at_;
};

}  // namespace ratebatch::quota
