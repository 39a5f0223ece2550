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

void ConcurrencyLimit::enter() {
  RB_ASSERT(!full());
  ++in_flight_;
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

void ConcurrencyLimit::lower_to(std::int32_t limit, Instant started, Instant now) {
  if (started <= lowered_at_) return;
  if (raised_last_) patience_ = std::min(patience_ * 2, raise_patience_max);
  raised_last_ = false;
  limit_ = std::max(1, limit);
  successes_ = 0;
  lowered_at_ = now;
}

void ConcurrencyLimit::refused(Instant started, Instant now) {
  lower_to(std::min(limit_.value_or(in_flight_ + 1) - 1, in_flight_), started, now);
}

void ConcurrencyLimit::overloaded(Instant started, Instant now) {
  const std::int32_t present = limit_.value_or(in_flight_ + 1);
  lower_to(present - std::max(1, present / 10), started, now);
}

void ConcurrencyLimit::succeeded() {
  if (ramp_ && ++*ramp_ >= ramp_end) ramp_.reset();
  if (lowered()) raise();
}

void ConcurrencyLimit::raise() {
  // An unused slot proves nothing.
  if (in_flight_ + 1 < *limit_) return;
  if (++successes_ < *limit_ * raise_after_round_trips * patience_) return;
  ++*limit_;
  successes_ = 0;
  raised_last_ = true;
  if (limit_ >= ramp_end) limit_ = max_;
}

void ConcurrencyLimit::mark() {
  is_marked_ = true;
  marked_ = limit_;
}

void ConcurrencyLimit::back_to_mark() {
  if (!std::exchange(is_marked_, false)) return;
  limit_ = max_ ? std::min(marked_.value_or(*max_), *max_) : marked_;
  successes_ = 0;
}

void ConcurrencyLimit::reset() {
  const std::int32_t in_flight = in_flight_;
  *this = ConcurrencyLimit{configured_};
  in_flight_ = in_flight;
}

std::string ConcurrencyLimit::store() const {
  return lowered() ? number_list({stored_form, *limit_, patience_}) : "";
}

bool ConcurrencyLimit::restore(std::string_view text) {
  const auto numbers = read_all_stored(text, 3);
  if (!numbers) return false;
  const auto limit =
      static_cast<std::int32_t>(std::clamp<std::int64_t>((*numbers)[1], 1, ramp_end));
  limit_ = max_ ? std::min(*max_, limit) : limit;
  patience_ = std::clamp<std::int64_t>((*numbers)[2], 1, raise_patience_max);
  return true;
}

}  // namespace ratebatch::quota
