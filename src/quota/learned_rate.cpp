#include "ratebatch/quota/learned_rate.hpp"

#include <algorithm>

#include "ratebatch/base/number_list.hpp"

namespace ratebatch::quota {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Duration minute = std::chrono::minutes{1};

// Never slower than one request per minute: the longest wait between probes as well.
constexpr Duration interval_max = minute;
// Faster than any limit that is counted by the minute.
constexpr Duration interval_min = std::chrono::microseconds{1};
// Where nothing at all was admitted before the first refusal.
constexpr Duration interval_blind = seconds{1};

constexpr Duration wait_first = seconds{1};
constexpr Duration wait_max = minute;
constexpr Duration memory = hours{24};

// After a cut 5 % are kept free, so that growth takes some minutes to reach the limit again; a
// second cut soon after the first means that the first measured a burst.
constexpr std::int64_t share_calm_per_mille = 950;
constexpr std::int64_t share_hasty_per_mille = 900;
constexpr Duration hasty_within = 2 * minute;

// Refusals over a shorter time say nothing of the rate: the first wait alone takes a second.
constexpr Duration episode_telling = seconds{5};

// 1 % per minute, so that a limit is passed by little; after so many clean minutes the limit is
// elsewhere, and each minute doubles the step.
constexpr std::int64_t growth_percent_first = 1;
constexpr std::int64_t growth_percent_max = 16;
constexpr std::int64_t calm_minutes = 5;

std::int64_t second_of(Instant at) { return at.ns / 1'000'000'000; }

}  // namespace

void LearnedRate::LastMinute::add(Instant now) {
  const std::int64_t second = second_of(now);
  const std::int64_t first_empty = std::max(newest_ + 1, second - slot_count + 1);
  for (std::int64_t s = first_empty; s <= second; ++s) {
    counts_[static_cast<std::size_t>(s % slot_count)] = 0;
  }
  newest_ = std::max(newest_, second);
  ++counts_[static_cast<std::size_t>(newest_ % slot_count)];
}

std::int64_t LearnedRate::LastMinute::count(Instant now) const {
  std::int64_t sum = 0;
  const std::int64_t first = std::max<std::int64_t>(0, second_of(now) - slot_count + 1);
  for (std::int64_t s = std::max(first, newest_ - slot_count + 1); s <= newest_; ++s) {
    if (s >= 0) sum += counts_[static_cast<std::size_t>(s % slot_count)];
  }
  return sum;
}

Duration LearnedRate::LastMinute::length(Instant now) {
  return seconds{slot_count - 1} + Duration{now.ns % 1'000'000'000};
}

bool LearnedRate::outdated(Instant now) const { return now - refused_last_ >= memory; }

Instant LearnedRate::earliest(Instant now) const {
  if (!interval_ || outdated(now)) return now;
  return std::max(now, next_);
}

void LearnedRate::take(Instant now) {
  if (!measured_from_) measured_from_ = now;
  if (interval_ && outdated(now)) forget();
  if (!interval_) return;
  if (in_episode_) {
    // One probe at a time: the next one only when its answer should be there.
    next_ = now + std::max(*interval_, wait_);
  } else {
    // A start that came late leaves its successor where it was, by one interval at most.
    next_ = std::max(next_, now - *interval_) + *interval_;
  }
}

void LearnedRate::succeeded(Instant now, Instant started) {
  ++admitted_;
  last_minute_.add(now);
  if (!interval_) return;
  if (in_episode_ && started > refused_first_) end_episode(now);
  if (!in_episode_) grow(now);
}

Duration LearnedRate::refused(Instant now, Instant started) {
  if (interval_ && outdated(now)) forget();
  refused_last_ = now;
  if (started > settled_until_) {
    if (in_episode_) {
      wait_ = std::min(2 * wait_, wait_max);
    } else {
      begin_episode(now);
    }
    settled_until_ = now;
    next_ = now + wait_;
  }
  return std::max(Duration{}, next_ - now);
}

void LearnedRate::forget() {
  interval_.reset();
  in_episode_ = false;
  from_refusal_ = false;
}

void LearnedRate::begin_episode(Instant now) {
  cut(now);
  in_episode_ = true;
  refused_first_ = now;
  wait_ = wait_first;
  clean_from_ = now;
  clean_minutes_ = 0;
}

LearnedRate::Measure LearnedRate::measured(Instant now) const {
  const Duration length = now - measured_from_.value_or(now);
  if (length < minute) return {admitted_, std::max<Duration>(length, seconds{1})};
  return {last_minute_.count(now), LastMinute::length(now)};
}

void LearnedRate::cut(Instant now) {
  const Duration length = now - measured_from_.value_or(now);
  const Measure lately = measured(now);
  std::int64_t share = share_calm_per_mille;
  before_.reset();
  if (!interval_) {
    before_ = lately;
    interval_ = lately.admitted > 0 ? lately.length / lately.admitted : interval_blind;
  } else if (from_refusal_ || length >= minute) {
    // Else a run that has just begun: it tells nothing against what was learned before.
    if (lately.admitted * *interval_ * 2 >= lately.length) {
      before_ = lately;
      slow_to(lately.length / lately.admitted);
    } else {
      // The rate was not used, so what was admitted is no measure of what would have been.
      slow_to(*interval_ * 2);
    }
    if (from_refusal_ && length < hasty_within) share = share_hasty_per_mille;
  }
  interval_ = std::clamp(*interval_ * 1000 / share, interval_min, interval_max);
  measured_from_ = now;
  from_refusal_ = true;
  admitted_ = 0;
}

void LearnedRate::end_episode(Instant now) {
  in_episode_ = false;
  settled_until_ = now - Duration{1};  // What starts in this very turn comes after it.
  clean_from_ = now;
  if (refused_last_ - refused_first_ >= episode_telling && before_) {
    // Where nothing was to be sent it may have ended unseen, as early as the next probe was due.
    const Duration episode = std::min(now, refused_last_ + wait_) - refused_first_;
    // A window was full, and emptied now. What it holds was admitted in the minute that ends here;
    // where that minute is not all known, or silent, in the time that led to the episode as well.
    Measure window{before_->admitted + admitted_, before_->length + episode};
    if (before_->length >= LastMinute::length({}) && episode < minute) {
      window = {last_minute_.count(now), LastMinute::length(now)};
    }
    if (window.admitted > 1) {
      slow_to(window.length / window.admitted * 1000 / share_calm_per_mille);
    }
  }
  next_ = std::min(next_, now + *interval_);
}

void LearnedRate::slow_to(Duration interval) {
  interval_ = std::clamp(std::max(*interval_, interval), interval_min, interval_max);
}

void LearnedRate::grow(Instant now) {
  if (now - clean_from_ < minute) return;
  clean_from_ = now;
  // A rate that nobody used has not shown that it is admitted.
  const Duration used = last_minute_.count(now) * *interval_;
  if (used < LastMinute::length(now) * 3 / 4) return;
  ++clean_minutes_;
  std::int64_t percent = growth_percent_first;
  for (std::int64_t m = calm_minutes; m < clean_minutes_ && percent < growth_percent_max; ++m) {
    percent *= 2;
  }
  interval_ = std::max(*interval_ * 100 / (100 + percent), interval_min);
}

std::string LearnedRate::store(Now now) const {
  if (!interval_ || outdated(now.steady)) return "";
  return number_list({stored_form, interval_->count(), to_ms(now.wall_at(refused_last_)),
                      to_ms(now.wall_at(next_)), in_episode_ ? to_ms(wait_) : 0});
}

bool LearnedRate::restore(Now now, std::string_view text) {
  if (text.empty()) return true;
  const auto numbers = read_all_stored(text, 5);
  if (!numbers) return false;
  const Duration interval{numbers->at(1)};
  if (interval < interval_min || interval > interval_max) return false;
  if (numbers->at(4) < 0 || numbers->at(4) > to_ms(wait_max)) return false;
  const Duration wait = std::chrono::milliseconds{numbers->at(4)};
  const Instant refused_last = steady_time_ms(now, numbers->at(2), Duration{});
  if (now.steady - refused_last >= memory) return true;
  interval_ = interval;
  refused_last_ = refused_last;
  next_ = steady_time_ms(now, numbers->at(3), std::max(interval_max, wait_max));
  in_episode_ = wait > Duration{};
  wait_ = wait;
  refused_first_ = settled_until_ = now.steady - Duration{1};
  clean_from_ = now.steady;
  return true;
}

}  // namespace ratebatch::quota
