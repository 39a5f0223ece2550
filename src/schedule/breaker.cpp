#include "ratebatch/schedule/breaker.hpp"

#include <algorithm>

#include "ratebatch/base/number_list.hpp"

namespace ratebatch::schedule {

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

void Breaker::failed(Instant now, bool was_probe, std::int32_t in_flight) {
  if (was_probe && next_probe_) {
    probe_in_flight_ = false;
    next_probe_ = now + settings_.open_for;
    return;
  }
  if (next_probe_) return;
  if (failures_in_row_++ == 0) row_min_ = settings_.failures;
  row_min_ = std::max(row_min_, in_flight + 1);
  if (failures_in_row_ >= row_min_) next_probe_ = now + settings_.open_for;
}

void Breaker::ended_without_verdict(Instant now, bool was_probe) {
  if (!was_probe || !next_probe_) return;
  probe_in_flight_ = false;
  next_probe_ = now;
}

std::string Breaker::store(Now now) const {
  if (!open() && failures_in_row_ == 0) return "";
  const WallTime probe = next_probe_ ? now.wall + (*next_probe_ - now.steady) : WallTime{};
  return number_list({stored_form, failures_in_row_, open() ? 1 : 0, to_ms(probe)});
}

bool Breaker::restore(Now now, std::string_view text) {
  const auto numbers = read_all_stored(text, 4);
  if (!numbers) return false;
  failures_in_row_ =
      static_cast<std::int32_t>(std::clamp<std::int64_t>((*numbers)[1], 0, settings_.failures));
  row_min_ = settings_.failures;
  if ((*numbers)[2] == 0) return true;
  const Duration wait = wall_from_ms((*numbers)[3]) - now.wall;
  next_probe_ = now.steady + std::clamp<Duration>(wait, Duration{}, settings_.open_for);
  return true;
}

}  // namespace ratebatch::schedule
