// Money: how much may be spent in all and per day, how much is, and how much is on its way.
//
// Amounts are pico-USD. Estimates are reserved before a request is sent and settled after it, so
// the bound is never passed by more than what the estimates of the requests in flight are short.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/quota/long_window.hpp"

namespace ratebatch::quota {

struct BudgetSettings {
  std::optional<std::int64_t> total_max_pico_usd;  // Of the whole checkpoint.
  std::optional<std::int64_t> day_max_pico_usd;    // In any 24 hours.
  std::int64_t spent_pico_usd = 0;                 // By earlier runs.
};

// What amounts cost by a price.
std::int64_t cost_of(const Price& price, const Amounts& amounts);

class Budget {
 public:
  explicit Budget(const BudgetSettings& settings);

  // Whether so much more may be spent. Where not, `earliest` says from when on, if ever.
  [[nodiscard]] bool allows(WallTime now, std::int64_t cost) const;
  [[nodiscard]] std::optional<WallTime> earliest(WallTime now, std::int64_t cost) const;

  void reserve(WallTime now, std::int64_t cost);
  // What was reserved at `reserved_at` cost `actual`.
  void settle(WallTime reserved_at, std::int64_t reserved, std::int64_t actual);

  [[nodiscard]] std::string store() const { return day_ ? day_->store() : ""; }
  bool restore(std::string_view text) { return day_ && day_->restore(text); }

 private:
  BudgetSettings settings_;
  std::int64_t spent_;  // Reservations included.
  std::optional<LongWindow> day_;
};

}  // namespace ratebatch::quota
