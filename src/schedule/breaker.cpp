#include "ratebatch/schedule/breaker.hpp"

namespace ratebatch {

bool Breaker::start() {
  if (!next_probe_) return false;
  probe_in_flight_ = true;
  return true;
}

void Breaker::succeeded() {
  failures_in_row_ = 0;
  next_probe_.reset();
  probe_in_flight_ = false;
}

void Breaker::failed(Instant now, bool was_probe) {
  if (was_probe && next_probe_) {
    probe_in_flight_ = false;
    next_probe_ = now + settings_.open_for;
    return;
  }
  if (next_probe_) return;
  if (++failures_in_row_ >= settings_.failures) next_probe_ = now + settings_.open_for;
}

void Breaker::ended_without_verdict(Instant now, bool was_probe) {
  if (!was_probe || !next_probe_) return;
  probe_in_flight_ = false;
  next_probe_ = now;
}

}  // namespace ratebatch
