#include "ratebatch/quota/overload_search.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/integers.hpp"

namespace ratebatch::quota {
namespace {

constexpr std::int64_t million = 1'000'000;

// At the share of the beginning so many overloads would be expected of a cohort. Half of them show
// that the level does not help; by chance, so few come in one of fifty.
constexpr std::int64_t overloads_expected = 12;
constexpr std::int64_t overloads_refuting = 6;

// The knee may be anywhere below: a search goes down in large steps, and successes up in small
// ones.
constexpr std::int32_t step_down = 4;

}  // namespace

void OverloadSearch::started(Instant now) {
  ++counts_.starts;
  if (search_ && counts_.starts == search_->cohort) search_->cohort_until = now;
}

std::optional<std::int32_t> OverloadSearch::ended(Instant now, Instant started, std::int32_t level,
                                                  bool overloaded) {
  if (started < changed_at_ || counts_.starts == 0) return std::nullopt;
  if (search_) {
    if (search_->cohort_until && started > *search_->cohort_until) return std::nullopt;
    if (overloaded) ++counts_.overloads;
    ++search_->cohort_ended;
    return judge(now, level);
  }
  if (overloaded) ++counts_.overloads;
  if (overloaded && is_suspicious(now)) {
    if (!top_) top_ = level;
    const std::int64_t share = share_ppm();
    if (!clean_level_ || level <= *clean_level_) return go_on(now, level, share);
    return try_level(now, *clean_level_, level, share);
  }
  if (counts_.starts >= std::max<std::int64_t>(overload_window_requests, 4 * std::int64_t{level})) {
    counts_.starts /= 2;
    counts_.overloads /= 2;
  }
  return std::nullopt;
}

void OverloadSearch::level_changed(Instant now) {
  changed_at_ = now;
  counts_ = {};
  search_.reset();
}

void OverloadSearch::raised(Instant now, std::int32_t level) {
  const bool is_known = counts_.starts >= 2 * overload_share_divisor;
  if (is_known && counts_.overloads * 2 * overload_share_divisor <= counts_.starts) {
    clean_level_ = level;
  }
  level_changed(now);
}

bool OverloadSearch::is_share_high() const {
  return counts_.overloads * overload_share_divisor > counts_.starts + overload_share_divisor;
}

bool OverloadSearch::is_suspicious(Instant now) const {
  if (counts_.overloads < overloads_min) return false;
  if (!is_share_high()) return false;
  if (now >= indifferent_until_) return true;
  return overloads_of_change <= counts_.overloads && share_ppm() > 2 * indifferent_ppm_;
}

std::optional<std::int32_t> OverloadSearch::judge(Instant now, std::int32_t level) {
  const std::int64_t ended = search_->cohort_ended;
  const std::int64_t share_ppm = search_->share_ppm;
  const bool is_late = now - changed_at_ > overload_trial_max;
  const bool is_half_of_expected = counts_.overloads * 2 * million > ended * share_ppm;
  if (counts_.overloads >= overloads_refuting || (is_late && is_half_of_expected)) {
    return go_on(now, level, share_ppm);
  }
  if (!is_late && ended < search_->cohort) return std::nullopt;
  if (is_share_high()) return go_on(now, level, share_ppm);
  clean_level_ = level;
  level_changed(now);
  return std::nullopt;
}

// This level is too high, or the load is not the cause.
std::optional<std::int32_t> OverloadSearch::go_on(Instant now, std::int32_t level,
                                                  std::int64_t share_ppm) {
  const Duration next_takes = search_ ? (now - changed_at_) * step_down : Duration{};
  clean_level_.reset();
  if (level > 1 && next_takes <= overload_trial_max) {
    return try_level(now, std::max(1, level / step_down), level, share_ppm);
  }
  // Back to where it began.
  level_changed(now);
  indifferent_until_ = now + overload_indifference;
  indifferent_ppm_ = std::max(share_ppm, 2 * million / overload_share_divisor);
  too_high_.reset();
  return std::exchange(top_, std::nullopt);
}

std::int32_t OverloadSearch::try_level(Instant now, std::int32_t level, std::int32_t too_high,
                                       std::int64_t share_ppm) {
  level_changed(now);
  too_high_ = too_high;
  search_ =
      Search{.share_ppm = share_ppm, .cohort = divide_up(overloads_expected * million, share_ppm)};
  return level;
}

}  // namespace ratebatch::quota
