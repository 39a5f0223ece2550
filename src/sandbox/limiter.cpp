#include "sandbox/limiter.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/integers.hpp"

namespace ratebatch::sandbox {
namespace {

WallTime next_reset(const Reset& reset, WallTime after) {
  RB_ASSERT(reset.kind != Reset::Kind::rolling);
  if (reset.kind == Reset::Kind::daily) return reset.zone.next_daily(after, reset.time_of_day);
  return reset.zone.next_monthly(after, reset.day_of_month, reset.time_of_day);
}

// Windows that follow one another. All times are in nanoseconds of the clock that they go by.
class WindowCounter final : public LimitCounter {
 public:
  using ClockOf = std::int64_t (*)(Now);
  using NextEnd = std::function<std::int64_t(std::int64_t now_ns)>;

  // `next_end` says when the window ends that begins at that time, or is under way then.
  WindowCounter(std::int64_t amount, ClockOf clock, std::int64_t start_ns, NextEnd next_end)
      : amount_(amount), clock_(clock), next_end_(std::move(next_end)), end_(next_end_(start_ns)) {}

  Reading read(Now now, std::int64_t cost) override {
    const Duration left{end_ns(now) - clock_(now)};
    const std::int64_t room = amount_ - used_;
    return {.room = room,
            .reset = used_ > 0 ? left : Duration{},
            .wait = cost <= room ? Duration{} : left};
  }

  Ticket take(Now now, std::int64_t cost) override {
    const Ticket ticket = end_ns(now);
    used_ += cost;
    return ticket;
  }

  void correct(Ticket ticket, Now now, std::int64_t difference) override {
    if (ticket == end_ns(now)) used_ += difference;
  }

 private:
  // Of the present window; a new one begins if the last is over.
  std::int64_t end_ns(Now now) {
    if (clock_(now) >= end_) {
      end_ = next_end_(clock_(now));
      used_ = 0;
    }
    return end_;
  }

  std::int64_t amount_;
  ClockOf clock_;
  NextEnd next_end_;
  std::int64_t end_;
  std::int64_t used_ = 0;
};

// A log of what was granted; an entry counts for exactly one window.
class SlidingLog final : public LimitCounter {
 public:
  SlidingLog(std::int64_t amount, Duration window) : amount_(amount), window_(window) {}

  Reading read(Now now, std::int64_t cost) override {
    expire(now.steady);
    Reading reading{.room = amount_ - used_,
                    .reset = log_.empty() ? Duration{} : log_.back().at + window_ - now.steady,
                    .wait = Duration{}};
    std::int64_t freed = 0;
    for (const Entry& entry : log_) {
      if (cost <= reading.room + freed) break;
      freed += entry.amount;
      reading.wait = entry.at + window_ - now.steady;
    }
    return reading;
  }

  Ticket take(Now now, std::int64_t cost) override {
    expire(now.steady);
    used_ += cost;
    if (joins_last(now.steady)) {
      log_.back() = {now.steady, log_.back().amount + cost};
    } else {
      log_.push_back({now.steady, cost});
    }
    return first_ + static_cast<Ticket>(log_.size()) - 1;
  }

  void correct(Ticket ticket, Now now, std::int64_t difference) override {
    expire(now.steady);
    if (ticket < first_) return;
    log_[static_cast<std::size_t>(ticket - first_)].amount += difference;
    used_ += difference;
  }

 private:
  struct Entry {
    Instant at;
    std::int64_t amount;
  };

  void expire(Instant now) {
    while (!log_.empty() && log_.front().at + window_ <= now) {
      used_ -= log_.front().amount;
      log_.pop_front();
      ++first_;
    }
  }

  [[nodiscard]] bool joins_last(Instant now) const {
    if (log_.size() < static_cast<std::size_t>(sliding_log_entries)) return false;
    const std::int64_t part_ns = window_.count() / sliding_log_entries + 1;
    return now.ns / part_ns == log_.back().at.ns / part_ns;
  }

  std::int64_t amount_;
  Duration window_;
  std::deque<Entry> log_;
  Ticket first_ = 0;  // The ticket of the first entry; the others follow.
  std::int64_t used_ = 0;
};

// A bucket that starts full, holds `capacity` and refills evenly at `amount` per window. Counts in
// units of which one of the resource has as many as the window has nanoseconds, and of
// which `amount` come back in each, so that nothing is ever rounded. The largest amount for the
// longest window takes 92 bits.
class TokenBucket final : public LimitCounter {
 public:
  TokenBucket(std::int64_t amount, Duration window, std::int64_t capacity, Instant start)
      : amount_(amount), window_ns_(window.count()), capacity_(capacity), at_(start) {}

  Reading read(Now now, std::int64_t cost) override {
    refill(now.steady);
    const WideInteger level = WideInteger{capacity_} * window_ns_ - missing_;
    // Rounded towards less, below zero too.
    const WideInteger room =
        level >= 0 ? level / window_ns_ : -((-level + window_ns_ - 1) / window_ns_);
    return {.room = static_cast<std::int64_t>(room),
            .reset = time_to_gain(missing_),
            .wait = time_to_gain(WideInteger{cost} * window_ns_ - level)};
  }

  Ticket take(Now now, std::int64_t cost) override {
    refill(now.steady);
    missing_ += WideInteger{cost} * window_ns_;
    return 0;
  }

  void correct(Ticket /*ticket*/, Now now, std::int64_t difference) override {
    refill(now.steady);
    missing_ = std::max(WideInteger{0}, missing_ + WideInteger{difference} * window_ns_);
  }

 private:
  void refill(Instant now) {
    const std::int64_t passed_ns = (now - at_).count();
    if (passed_ns <= 0) return;
    at_ = now;
    missing_ -= std::min(missing_, WideInteger{passed_ns} * amount_);
  }

  [[nodiscard]] Duration time_to_gain(WideInteger units) const {
    if (units <= 0) return {};
    return Duration{static_cast<std::int64_t>((units + amount_ - 1) / amount_)};
  }

  std::int64_t amount_;
  std::int64_t window_ns_;
  std::int64_t capacity_;
  Instant at_;
  WideInteger missing_ = 0;  // Below full; may exceed the capacity after a correction.
};

// A burst is meant for paces: a quota of a day is not handed out by the minute.
std::int64_t most_at_once(const Limit& limit, const SandboxOptions& options) {
  const bool bursts = options.algorithm == LimitAlgorithm::bucket && options.burst &&
                      limit.resource == Resource::requests && !limit.is_long();
  return bursts ? std::min(*options.burst, limit.amount) : limit.amount;
}

Duration enforced_window(const Limit& limit, const SandboxOptions& options) {
  return compressed({.concurrency = {}, .windows = {limit}}, options).windows.front().window;
}

// A refusal for a day means another thing than one for a minute, however short the day is.
LimitTerms terms_of(const Limit& limit, const SandboxOptions& options, const char* prefix) {
  return {.name = prefix + limit.name,
          .resource = limit.resource,
          .amount = limit.amount,
          .window = limit.is_long() ? limit.window : enforced_window(limit, options),
          .most = most_at_once(limit, options)};
}

std::unique_ptr<LimitCounter> make_counter(const Limit& limit, const SandboxOptions& options,
                                           std::int64_t most, Now start) {
  const Duration window = enforced_window(limit, options);
  const bool has_calendar = limit.is_long() && limit.reset.kind != Reset::Kind::rolling;
  const bool is_real_day = options.day == std::chrono::hours{24};
  if (has_calendar && is_real_day) {
    return std::make_unique<WindowCounter>(
        limit.amount, [](Now now) { return now.wall.ns; }, start.wall.ns,
        [reset = limit.reset](std::int64_t now) { return next_reset(reset, WallTime{now}).ns; });
  }
  switch (has_calendar ? LimitAlgorithm::fixed : options.algorithm) {
    case LimitAlgorithm::fixed:
      return std::make_unique<WindowCounter>(
          limit.amount, [](Now now) { return now.steady.ns; }, start.steady.ns,
          [start_ns = start.steady.ns, length = window.count()](std::int64_t now_ns) {
            return now_ns + length - (now_ns - start_ns) % length;
          });
    case LimitAlgorithm::sliding:
      return std::make_unique<SlidingLog>(limit.amount, window);
    case LimitAlgorithm::bucket:
      return std::make_unique<TokenBucket>(limit.amount, window, most, start.steady);
  }
  RB_ASSERT(false);
}

}  // namespace

Limiter::Limiter(const Limit& limit, const SandboxOptions& options, Now start, const char* prefix)
    : terms_(terms_of(limit, options, prefix)),
      counter_(make_counter(limit, options, terms_.most, start)) {}

LimitView Limiter::view(Now now, std::int64_t cost) {
  RB_ASSERT(cost >= 1);
  return {&terms_, cost, counter_->read(now, cost)};
}

Ticket Limiter::take(Now now, std::int64_t cost) {
  RB_ASSERT(view(now, cost).fits());
  return counter_->take(now, cost);
}

void Limiter::correct(Ticket ticket, Now now, std::int64_t difference) {
  counter_->correct(ticket, now, difference);
}

}  // namespace ratebatch::sandbox
