#include "bench/quota/limiters.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::quota_bench {
namespace {

class FixedWindow : public Limiter {
 public:
  FixedWindow(std::int64_t amount, Duration window) : amount_(amount), window_(window) {}

  Duration wait(WallTime at, std::int64_t cost) override {
    turn(at);
    return used_ + cost <= amount_ ? Duration{} : full_in(at);
  }
  void charge(WallTime at, std::int64_t cost) override {
    turn(at);
    used_ += cost;
  }
  std::int64_t remaining(WallTime at) override {
    turn(at);
    return std::max<std::int64_t>(0, amount_ - used_);
  }
  Duration full_in(WallTime at) override {
    return Duration{(at.ns / window_.count() + 1) * window_.count() - at.ns};
  }
  [[nodiscard]] std::int64_t amount() const override { return amount_; }
  void set_amount(std::int64_t amount) override { amount_ = amount; }

 private:
  void turn(WallTime at) {
    const std::int64_t slot = at.ns / window_.count();
    if (slot != slot_) used_ = 0;
    slot_ = slot;
  }

  std::int64_t amount_;
  Duration window_;
  std::int64_t slot_ = -1;
  std::int64_t used_ = 0;
};

class SlidingLog : public Limiter {
 public:
  SlidingLog(std::int64_t amount, Duration window) : amount_(amount), window_(window) {}

  Duration wait(WallTime at, std::int64_t cost) override {
    forget(at);
    std::int64_t used = used_;
    if (used + cost <= amount_) return {};
    for (const auto& [when, charged] : log_) {
      used -= charged;
      if (used + cost <= amount_) return when + window_ - at;
    }
    return window_;
  }
  void charge(WallTime at, std::int64_t cost) override {
    log_.emplace_back(at, cost);
    used_ += cost;
  }
  std::int64_t remaining(WallTime at) override {
    forget(at);
    return std::max<std::int64_t>(0, amount_ - used_);
  }
  Duration full_in(WallTime at) override {
    return log_.empty() ? Duration{} : log_.back().first + window_ - at;
  }
  [[nodiscard]] std::int64_t amount() const override { return amount_; }
  void set_amount(std::int64_t amount) override { amount_ = amount; }

 private:
  void forget(WallTime at) {
    while (!log_.empty() && at - log_.front().first >= window_) {
      used_ -= log_.front().second;
      log_.pop_front();
    }
  }

  std::int64_t amount_;
  Duration window_;
  std::deque<std::pair<WallTime, std::int64_t>> log_;
  std::int64_t used_ = 0;
};

// The level is kept in units of 1 / window, so that it stays exact: one unit of cost is `window`
// nanoseconds of them, and `amount` of them flow in per nanosecond.
class Bucket : public Limiter {
 public:
  Bucket(std::int64_t capacity, std::int64_t amount, Duration window)
      : capacity_(capacity), amount_(amount), window_(window), level_(full()) {}

  Duration wait(WallTime at, std::int64_t cost) override {
    refill(at);
    const Level lacking = static_cast<Level>(cost) * window_.count() - level_;
    if (lacking <= 0) return {};
    return Duration{static_cast<std::int64_t>((lacking + amount_ - 1) / amount_)};
  }
  void charge(WallTime at, std::int64_t cost) override {
    refill(at);
    level_ -= static_cast<Level>(cost) * window_.count();
  }
  std::int64_t remaining(WallTime at) override {
    refill(at);
    return std::max<std::int64_t>(0, static_cast<std::int64_t>(level_ / window_.count()));
  }
  Duration full_in(WallTime at) override {
    refill(at);
    return Duration{static_cast<std::int64_t>((full() - level_ + amount_ - 1) / amount_)};
  }
  [[nodiscard]] std::int64_t amount() const override { return amount_; }
  void set_amount(std::int64_t amount) override {
    capacity_ = std::min(capacity_, amount);
    amount_ = amount;
  }

 private:
  __extension__ using Level = __int128;

  [[nodiscard]] Level full() const { return static_cast<Level>(capacity_) * window_.count(); }
  void refill(WallTime at) {
    if (filled_at_) {
      level_ = std::min(full(), level_ + static_cast<Level>((at - *filled_at_).count()) * amount_);
    }
    filled_at_ = at;
  }

  std::int64_t capacity_;
  std::int64_t amount_;
  Duration window_;
  Level level_;
  std::optional<WallTime> filled_at_;
};

}  // namespace

std::unique_ptr<Limiter> fixed_window(std::int64_t amount, Duration window) {
  return std::make_unique<FixedWindow>(amount, window);
}

std::unique_ptr<Limiter> sliding_log(std::int64_t amount, Duration window) {
  return std::make_unique<SlidingLog>(amount, window);
}

std::unique_ptr<Limiter> bucket(std::int64_t capacity, std::int64_t amount, Duration window) {
  return std::make_unique<Bucket>(capacity, amount, window);
}

DayQuota::DayQuota(std::int64_t amount, const std::vector<WallTime>& resets) : amount_(amount) {
  RB_ASSERT(!resets.empty());
  for (const WallTime reset : resets) days_.push_back({reset, 0, std::nullopt});
}

DayQuota::Day& DayQuota::day(WallTime at) {
  while (today_ + 1 < days_.size() && at >= days_[today_ + 1].begin) ++today_;
  return days_[today_];
}

Duration DayQuota::wait(WallTime at, std::int64_t cost) {
  return day(at).used + cost <= amount_ ? Duration{} : full_in(at);
}

void DayQuota::charge(WallTime at, std::int64_t cost) {
  Day& today = day(at);
  today.used += cost;
  if (!today.first) today.first = at;
}

std::int64_t DayQuota::remaining(WallTime at) {
  return std::max<std::int64_t>(0, amount_ - day(at).used);
}

Duration DayQuota::full_in(WallTime at) {
  day(at);
  RB_ASSERT(today_ + 1 < days_.size());
  return days_[today_ + 1].begin - at;
}

}  // namespace ratebatch::quota_bench
