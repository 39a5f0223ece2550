#include "ratebatch/quota/budget.hpp"

#include <algorithm>

#include "ratebatch/base/integers.hpp"

namespace ratebatch::quota {
namespace {

// Bounds for what an answer may claim, so that no sum overflows: a hundred thousand USD for one
// part of it, two million in all.
constexpr std::int64_t part_max = std::int64_t{1} << 57U;
constexpr std::int64_t spent_max = std::int64_t{1} << 61U;

std::int64_t added(std::int64_t spent, std::int64_t more) {
  return std::clamp<std::int64_t>(spent + more, 0, spent_max);
}

}  // namespace

std::int64_t cost_of(const Price& price, const Amounts& amounts) {
  const auto part = [&](std::int64_t unit, Resource resource) {
    const std::int64_t amount = amounts[index_of(resource)];
    if (unit <= 0 || amount <= 0) return std::int64_t{0};
    return std::min(part_max, clamped_product(unit, amount));
  };
  return part(price.input_token, Resource::input_tokens) +
         part(price.output_token, Resource::output_tokens) + part(price.image, Resource::images) +
         part(price.character, Resource::characters);
}

Budget::Budget(const BudgetSettings& settings)
    : settings_(settings), spent_(settings.spent_pico_usd) {
  if (!settings.day_max_pico_usd) return;
  day_.emplace(Limit{.name = "max-cost per day",
                     .amount = *settings.day_max_pico_usd,
                     .window = std::chrono::hours{24},
                     .pause_at_per_mille = 1000});
}

bool Budget::allows(WallTime now, std::int64_t cost) const {
  const auto from = earliest(now, cost);
  return from && *from <= now;
}

std::optional<WallTime> Budget::earliest(WallTime now, std::int64_t cost) const {
  const auto& most = settings_.total_max_pico_usd;
  if (most && (spent_ >= *most || spent_ + cost > *most)) return std::nullopt;
  return day_ ? day_->opens_at(now, cost) : now;
}

void Budget::reserve(WallTime now, std::int64_t cost) {
  spent_ = added(spent_, cost);
  if (day_ && cost > 0) day_->take(now, cost);
}

void Budget::settle(WallTime reserved_at, std::int64_t reserved, std::int64_t actual) {
  spent_ = added(spent_, actual - reserved);
  if (day_) day_->correct(reserved_at, actual - reserved);
}

}  // namespace ratebatch::quota
