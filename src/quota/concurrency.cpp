#include "ratebatch/quota/concurrency.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/number_list.hpp"

namespace ratebatch::quota {
namespace {

// More than any run has workers: a ramp that came so far is over.
constexpr std::int32_t ramp_end = 10'000;
// Successes per slot before the limit rises by one.
constexpr std::int64_t raise_after_round_trips = 4;

}  // namespace

ConcurrencyLimit::ConcurrencyLimit(std::optional<std::int32_t> max)
    : configured_(max), max_(max), limit_(max) {
  RB_ASSERT(!max || *max >= 1);
}

bool ConcurrencyLimit::full() const {
  return (limit_ && in_flight_ >= *limit_) || (ramp_ && in_flight_ >= *ramp_);
}

void ConcurrencyLimit::enter(Instant now) {
  RB_ASSERT(!full());
  ++in_flight_;
  most_in_flight_ = std::max(most_in_flight_, in_flight_);
  search_.started(now);
}

void ConcurrencyLimit::leave() {
  RB_ASSERT(in_flight_ > 0);
  --in_flight_;
}

void ConcurrencyLimit::announced(std::int32_t max) {
  RB_ASSERT(max >= 1);
  const bool was_lowered = lowered();
  max_ = std::min(configured_.value_or(max), max);
  limit_ = was_lowered ? std::min(*limit_, *max_) : *max_;
}

std::int32_t ConcurrencyLimit::level() const { return limit_.value_or(most_in_flight_); }

void ConcurrencyLimit::lower_to(std::int32_t limit, Instant now) {
  if (before_raise_) patience_ = std::min(patience_ * 2, raise_patience_max);
  before_raise_.reset();
  limit_ = std::max(1, limit);
  successes_ = 0;
  lowered_at_ = now;
  most_in_flight_ = 1;
}

void ConcurrencyLimit::refused(Instant started, Instant now) {
  if (started <= lowered_at_) return;
  lower_to(std::min(limit_.value_or(in_flight_ + 1) - 1, in_flight_), now);
  search_.level_changed(now);
}

void ConcurrencyLimit::ended(Instant started, Instant now, bool overloaded) {
  const bool is_first = !search_.top();
  const std::int32_t present = level();
  const auto to = search_.ended(now, started, present, overloaded);
  if (!to || *to == present) return;
  if (*to < present) {
    if (is_first) before_search_ = limit_;
    lower_to(*to, now);
    return;
  }
  // In vain: as it was.
  limit_ = before_search_ && max_ ? std::min(before_search_, max_) : before_search_;
  successes_ = 0;
}

void ConcurrencyLimit::overloaded(Instant started, Instant now) { ended(started, now, true); }

void ConcurrencyLimit::ended_otherwise(Instant started, Instant now) { ended(started, now, false); }

void ConcurrencyLimit::succeeded(Instant started, Instant now) {
  if (ramp_ && ++*ramp_ >= ramp_end) ramp_.reset();
  ended(started, now, false);
  if (!lowered() || search_.active()) return;
  if (now - lowered_at_ > lowered_max) {
    // Not all at once: what was learned may still hold.
    ramp_ = limit_;
    limit_ = max_;
    patience_ = 1;
    before_raise_.reset();
    search_ = {};
    return;
  }
  raise(now);
}

// By a quarter of the way to where it was too much, slowly onto it, and by a quarter beyond.
void ConcurrencyLimit::raise(Instant now) {
  // An unused slot proves nothing.
  if (in_flight_ + 1 < *limit_) return;
  const std::int32_t seen = search_.too_high().value_or(0);
  std::int32_t step = 1;
  if (*limit_ < seen) step = std::max(1, (seen - *limit_) / 4);
  if (*limit_ >= seen && *limit_ < search_.top().value_or(0)) step = std::max(1, *limit_ / 4);
  const bool is_untried = *limit_ + step < seen;
  if (++successes_ < *limit_ * raise_after_round_trips * (is_untried ? 1 : patience_)) return;
  before_raise_ = limit_;
  *limit_ += step;
  if (max_ && *limit_ > *max_) limit_ = max_;
  successes_ = 0;
  most_in_flight_ = 1;
  search_.raised(now, *before_raise_);
  if (limit_ >= ramp_end) limit_ = max_;
}

void ConcurrencyLimit::mark() {
  is_marked_ = true;
  marked_ = search_.active() ? before_search_ : limit_;
}

void ConcurrencyLimit::back_to_mark() {
  if (!std::exchange(is_marked_, false)) return;
  limit_ = max_ ? std::min(marked_.value_or(*max_), *max_) : marked_;
  successes_ = 0;
  search_ = {};
}

void ConcurrencyLimit::reset() {
  const std::int32_t in_flight = in_flight_;
  *this = ConcurrencyLimit{configured_};
  in_flight_ = in_flight;
}

std::string ConcurrencyLimit::store() const {
  // The levels of a search are no knowledge yet.
  const auto known = search_.active() ? before_search_ : limit_;
  return known && known != max_ ? number_list({stored_form, *known, patience_}) : "";
}

bool ConcurrencyLimit::restore(Instant now, std::string_view text) {
  const auto numbers = read_all_stored(text, 3);
  if (!numbers) return false;
  const auto limit =
      static_cast<std::int32_t>(std::clamp<std::int64_t>((*numbers)[1], 1, ramp_end));
  limit_ = max_ ? std::min(*max_, limit) : limit;
  patience_ = std::clamp<std::int64_t>((*numbers)[2], 1, raise_patience_max);
  lowered_at_ = now;
  return true;
}

}  // namespace ratebatch::quota
