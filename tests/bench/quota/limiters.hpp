// How servers count, written for measuring only: these share no code with what they judge.
//
// Each limiter is one limit of one key group. It says how long a request must wait (zero: it fits
// now), and is charged apart, so that several limits decide together. Times are the server's own
// and never go back.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ratebatch/base/time.hpp"

namespace ratebatch::quota_bench {

class Limiter {
 public:
  Limiter() = default;
  Limiter(const Limiter&) = delete;
  Limiter& operator=(const Limiter&) = delete;
  virtual ~Limiter() = default;

  // How long until `cost` fits; zero: now.
  virtual Duration wait(WallTime at, std::int64_t cost) = 0;
  virtual void charge(WallTime at, std::int64_t cost) = 0;

  // What the headers say: what is left, and when all of it is there again.
  virtual std::int64_t remaining(WallTime at) = 0;
  virtual Duration full_in(WallTime at) = 0;

  [[nodiscard]] virtual std::int64_t amount() const = 0;
  virtual void set_amount(std::int64_t amount) = 0;
};

// So much in each window of the clock: a minute from :00 to :60.
std::unique_ptr<Limiter> fixed_window(std::int64_t amount, Duration window);

// So much in any window of that length.
std::unique_ptr<Limiter> sliding_log(std::int64_t amount, Duration window);

// A bucket of `capacity`, full at first, into which `amount` flow evenly per window.
std::unique_ptr<Limiter> bucket(std::int64_t capacity, std::int64_t amount, Duration window);

// So much from each of these instants to the next; keeps a book of every day.
class DayQuota : public Limiter {
 public:
  struct Day {
    WallTime begin;
    std::int64_t used = 0;
    std::optional<WallTime> first;
  };

  // `resets` ascend; the first is not after the first request.
  DayQuota(std::int64_t amount, const std::vector<WallTime>& resets);

  Duration wait(WallTime at, std::int64_t cost) override;
  void charge(WallTime at, std::int64_t cost) override;
  std::int64_t remaining(WallTime at) override;
  Duration full_in(WallTime at) override;
  [[nodiscard]] std::int64_t amount() const override { return amount_; }
  void set_amount(std::int64_t amount) override { amount_ = amount; }
  [[nodiscard]] const std::vector<Day>& days() const { return days_; }

 private:
  Day& day(WallTime at);

  std::int64_t amount_;
  std::vector<Day> days_;
  std::size_t today_ = 0;
};

}  // namespace ratebatch::quota_bench
