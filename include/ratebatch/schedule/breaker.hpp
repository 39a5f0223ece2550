// A circuit breaker for one lane: after so many failures in a row nothing is sent but one probe now
// and then, until one succeeds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/config.hpp"

namespace ratebatch::schedule {

class Breaker {
 public:
  explicit Breaker(BreakerSettings settings) : settings_(settings) {}

  [[nodiscard]] bool open() const { return next_probe_.has_value(); }
  [[nodiscard]] std::int32_t failures_in_row() const { return failures_in_row_; }

  // Whether a request may start now: closed, or open and a probe is due with none under way.
  [[nodiscard]] bool allows(Instant now) const {
    return !next_probe_ || (!probe_in_flight_ && now >= *next_probe_);
  }

  // When the next probe is due; nullopt if the breaker is closed or a probe is under way.
  [[nodiscard]] std::optional<Instant> probe_at() const {
    return probe_in_flight_ ? std::nullopt : next_probe_;
  }

  // A request starts. Returns whether it is a probe. Precondition: allows(now).
  bool start();

  // A request came to this. `was_probe`: what start returned for it. A success closes, whichever
  // request it is; a failure counts only while closed, except that a probe's sets the next one.
  // `in_flight`: other requests under way. Failures come sooner than answers, so a row counts only
  // when it is longer than what was in flight meanwhile.
  void succeeded();
  void failed(Instant now, bool was_probe, std::int32_t in_flight = 0);

  // Empty while closed and without failures in a row; and back.
  [[nodiscard]] std::string store(Now now) const;
  bool restore(Now now, std::string_view text);

  // A request ended in a way that says nothing about the server (refused for a limit, given up).
  void ended_without_verdict(Instant now, bool was_probe);

 private:
  BreakerSettings settings_;
  std::int32_t failures_in_row_ = 0;
  std::int32_t row_min_ = 0;  // Failures that open it.
  std::optional<Instant> next_probe_;
  bool probe_in_flight_ = false;
};

}  // namespace ratebatch::schedule
