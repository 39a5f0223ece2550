// The gate of one lane: closed while the server wants the lane to wait, and narrowed to one probe
// at a time once refusals follow each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/schedule/retry_policy.hpp"

namespace ratebatch {

class LaneGate {
 public:
  explicit LaneGate(const RetrySettings& settings) : settings_(settings) {}

  // Whether a request may start: no wait is on, and a probing lane has nothing in flight.
  [[nodiscard]] bool allows(Now now, std::int32_t in_flight) const;

  [[nodiscard]] bool waiting(Now now) const;

  // When the wait is over; empty while none is on.
  [[nodiscard]] Deadline opens_at() const { return until_; }

  // What the gate shows while it waits.
  [[nodiscard]] LaneStatus status(Now now) const;

  // Refusals of the outcome's class in a row so far, as AttemptContext wants them. Refusals of
  // requests that started before the last wait was set belong to its episode and count once.
  [[nodiscard]] std::int32_t refusals_before(const Outcome& outcome, Instant started) const;

  // A request of the lane, started at `started`, was refused for a limit: wait. A wait that is on
  // is only ever extended.
  void refused(Now now, const Outcome& outcome, Instant started, const LaneWait& wait);

  // A request of the lane, started at `started`, was not refused. One that started before the last
  // refusal says nothing about it.
  void passed(Instant started);

 private:
  enum class Episode : std::uint8_t { none, rate, concurrency, quota };
  [[nodiscard]] static Episode episode_of(const Outcome& outcome);
  [[nodiscard]] bool probing() const;

  RetrySettings settings_;
  Deadline until_;
  LaneState state_ = LaneState::waiting;
  std::string reason_;
  Episode episode_ = Episode::none;
  std::int32_t refusals_ = 0;
  std::optional<Instant> set_at_;
};

}  // namespace ratebatch
