// Finds out whether a server that says "overloaded" takes more when less is in flight.
//
// A single such reply proves nothing: behind a large service some fail at random, whatever we do.
// So the share of them is judged, over many replies. Where it is high, the number in flight is
// quartered, and again while the share stays: if it falls, the load was the cause, and the lower
// number is kept; if it is the same with one request at a time, the load was not, and all is as
// before.
//
// Pure state. Numbers in flight are called levels.
#pragma once

#include <cstdint>
#include <optional>

#include "ratebatch/base/time.hpp"

namespace ratebatch::quota {

// A share of overloads above one in twenty is worth a search: below it, the retries cost less than
// lost slots.
constexpr std::int64_t overload_share_divisor = 20;

// So many overloads are needed for a judgement. With 2 % at random, five within eighty replies come
// once in forty windows.
constexpr std::int64_t overloads_min = 5;

// Older requests are forgotten by half: after so many, and four times the level.
constexpr std::int64_t overload_window_requests = 400;

// What a search found to be in vain is not tried again so soon, unless the share doubles, by so
// many overloads.
constexpr std::int64_t overloads_of_change = 4 * overloads_min;
constexpr Duration overload_indifference = std::chrono::minutes{10};

// A level is judged after this time at the latest; one that would need more is not tried.
constexpr Duration overload_trial_max = std::chrono::seconds{12};

class OverloadSearch {
 public:
  // A request starts.
  void started(Instant now);

  // The request that started at `started` ended, while the level is `level`. Returns the level to
  // go to, if it should change. Precondition: level is at least 1.
  std::optional<std::int32_t> ended(Instant now, Instant started, std::int32_t level,
                                    bool overloaded);

  // The level was changed for another reason: judge anew from here. Where it was raised from
  // `level` and that one was clean, it is remembered, to go back to without a search.
  void level_changed(Instant now);
  void raised(Instant now, std::int32_t level);

  [[nodiscard]] bool active() const { return search_.has_value(); }

  // The lowest level that proved to be too high of late, and the one from which the latest search
  // began; nullopt if none did.
  [[nodiscard]] std::optional<std::int32_t> too_high() const { return too_high_; }
  [[nodiscard]] std::optional<std::int32_t> top() const { return top_; }

 private:
  struct Search {
    std::int64_t share_ppm = 0;  // Of overloads, where it began.
    // A level is judged by its first requests, all of which have ended: overloads come sooner than
    // answers.
    std::int64_t cohort = 0;
    std::optional<Instant> cohort_until;  // The start of the last of them.
    std::int64_t cohort_ended = 0;
  };

  [[nodiscard]] std::int64_t share_ppm() const {
    return counts_.overloads * 1'000'000 / counts_.starts;
  }
  [[nodiscard]] bool is_share_high() const;
  [[nodiscard]] bool is_suspicious(Instant now) const;
  std::optional<std::int32_t> judge(Instant now, std::int32_t level);
  std::optional<std::int32_t> go_on(Instant now, std::int32_t level, std::int64_t share_ppm);
  std::int32_t try_level(Instant now, std::int32_t level, std::int32_t too_high,
                         std::int64_t share_ppm);

  struct Counts {
    std::int64_t starts = 0;
    std::int64_t overloads = 0;
  };

  Instant changed_at_ = long_ago;
  Counts counts_;                            // Since the level changed.
  std::optional<std::int32_t> clean_level_;  // The highest of late with few overloads.

  std::optional<Search> search_;
  std::optional<std::int32_t> too_high_;
  std::optional<std::int32_t> top_;
  Instant indifferent_until_ = long_ago;
  std::int64_t indifferent_ppm_ = 0;
};

}  // namespace ratebatch::quota
