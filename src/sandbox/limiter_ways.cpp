#include "sandbox/limiter_ways.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::sandbox {
namespace {

WallTime next_reset(const Reset& reset, WallTime after) {
  switch (reset.kind) {
    case Reset::Kind::daily:
      return reset.zone.next_daily(after, reset.time_of_day);
    case Reset::Kind::monthly:
      return reset.zone.next_monthly(after, reset.day_of_month, reset.time_of_day);
    case Reset::Kind::rolling:
      break;
  }
  RB_ASSERT(false);
}

// Of a window that ends `left` from now with all that is used in it.
Reading reading_of(std::int64_t amount, std::int64_t used, std::int64_t cost, Duration left) {
  const std::int64_t room = amount - used;
  return {.room = room,
          .reset = used > 0 ? left : Duration{},
          .wait = cost <= room ? Duration{} : left};
}

}  // namespace

FixedWindow::FixedWindow(std::int64_t amount, Duration window, Instant start)
    : amount_(amount), window_(window), start_(start) {}

void FixedWindow::turn(Instant now) {
  const std::int64_t index = (now - start_) / window_;
  if (index <= index_) return;
  index_ = index;
  used_ = 0;
}

Reading FixedWindow::read(Now now, std::int64_t cost) {
  turn(now.steady);
  return reading_of(amount_, used_, cost, start_ + (index_ + 1) * window_ - now.steady);
}

Ticket FixedWindow::take(Now now, std::int64_t cost) {
  turn(now.steady);
  used_ += cost;
  return index_;
}

void FixedWindow::correct(Ticket ticket, Now now, std::int64_t difference) {
  turn(now.steady);
  if (ticket == index_) used_ += difference;
}

CalendarWindow::CalendarWindow(std::int64_t amount, const Reset& reset, WallTime start)
    : amount_(amount), reset_(reset), end_(next_reset(reset, start)) {}

void CalendarWindow::turn(WallTime now) {
  if (now < end_) return;
  end_ = next_reset(reset_, now);
  used_ = 0;
}

Reading CalendarWindow::read(Now now, std::int64_t cost) {
  turn(now.wall);
  return reading_of(amount_, used_, cost, end_ - now.wall);
}

Ticket CalendarWindow::take(Now now, std::int64_t cost) {
  turn(now.wall);
  used_ += cost;
  return end_.ns;
}

void CalendarWindow::correct(Ticket ticket, Now now, std::int64_t difference) {
  turn(now.wall);
  if (ticket == end_.ns) used_ += difference;
}

SlidingLog::SlidingLog(std::int64_t amount, Duration window) : amount_(amount), window_(window) {}

void SlidingLog::expire(Instant now) {
  while (!log_.empty() && log_.front().at + window_ <= now) {
    used_ -= log_.front().amount;
    log_.pop_front();
    ++first_;
  }
}

Reading SlidingLog::read(Now now, std::int64_t cost) {
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

bool SlidingLog::joins_last(Instant now) const {
  if (log_.size() < static_cast<std::size_t>(sliding_log_entries)) return false;
  const std::int64_t part_ns = window_.count() / sliding_log_entries + 1;
  return now.ns / part_ns == log_.back().at.ns / part_ns;
}

Ticket SlidingLog::take(Now now, std::int64_t cost) {
  expire(now.steady);
  used_ += cost;
  if (joins_last(now.steady)) {
    log_.back() = {now.steady, log_.back().amount + cost};
  } else {
    log_.push_back({now.steady, cost});
  }
  return first_ + static_cast<Ticket>(log_.size()) - 1;
}

void SlidingLog::correct(Ticket ticket, Now now, std::int64_t difference) {
  expire(now.steady);
  if (ticket < first_) return;
  log_[static_cast<std::size_t>(ticket - first_)].amount += difference;
  used_ += difference;
}

TokenBucket::TokenBucket(std::int64_t amount, Duration window, std::int64_t capacity, Instant start)
    : amount_(amount), window_ns_(window.count()), capacity_(capacity), at_(start) {}

void TokenBucket::refill(Instant now) {
  const std::int64_t passed_ns = (now - at_).count();
  if (passed_ns <= 0) return;
  at_ = now;
  missing_ -= std::min(missing_, Units{passed_ns} * amount_);
}

Duration TokenBucket::time_to_gain(Units units) const {
  if (units <= 0) return {};
  return Duration{static_cast<std::int64_t>((units + amount_ - 1) / amount_)};
}

Reading TokenBucket::read(Now now, std::int64_t cost) {
  refill(now.steady);
  const Units level = Units{capacity_} * window_ns_ - missing_;
  // Rounded towards less, below zero too.
  const Units room = level >= 0 ? level / window_ns_ : -((-level + window_ns_ - 1) / window_ns_);
  return {.room = static_cast<std::int64_t>(room),
          .reset = time_to_gain(missing_),
          .wait = time_to_gain(Units{cost} * window_ns_ - level)};
}

Ticket TokenBucket::take(Now now, std::int64_t cost) {
  refill(now.steady);
  missing_ += Units{cost} * window_ns_;
  return 0;
}

void TokenBucket::correct(Ticket, Now now, std::int64_t difference) {
  refill(now.steady);
  missing_ = std::max(Units{0}, missing_ + Units{difference} * window_ns_);
}

}  // namespace ratebatch::sandbox
