// Values of options, read from their text: numbers, shares, money, waves.
//
// Pure. Nothing where the text is none of them; the caller knows which option it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ratebatch/cli/options.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::cli {

// A whole number from `low` to `high`, in digits only.
std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t low,
                                         std::int64_t high);

// "0.8" or "80%" as thousandths, from 1 to 1000; nothing finer.
std::optional<std::int32_t> share_per_mille(std::string_view text);

// "12.50" or "5/day" in USD, up to a million and with up to six decimals; above 0.
std::optional<CostMax> cost_max(std::string_view text);

// The parts of "1,2,4"; an empty part stays.
std::vector<std::string_view> parts_of(std::string_view text);

// "3x15s": so many at once, and the pause behind them.
std::optional<Waves> waves_of(std::string_view text);

}  // namespace ratebatch::cli
