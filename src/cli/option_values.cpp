#include "cli/option_values.hpp"

#include <limits>

#include "ratebatch/model/config.hpp"

namespace ratebatch::cli {
namespace {

// "12.5" times 10^decimals_max, from 1 to `max`; nullopt if it has more decimals.
std::optional<std::int64_t> fixed_point(std::string_view text, std::size_t decimals_max,
                                        std::int64_t max) {
  const auto [integer, fraction] = parted(text, '.');
  std::string decimals{fraction.value_or("0")};
  if (integer.empty() || decimals.empty() || decimals.size() > decimals_max) return std::nullopt;
  decimals.resize(decimals_max, '0');
  return number_between(std::string{integer} + decimals, 1, max);
}

}  // namespace

std::optional<std::int64_t> number_between(std::string_view text, std::int64_t low,
                                           std::int64_t high) {
  const auto number = whole_number<std::int64_t>(text);
  if (!number || text.front() == '-' || *number < low || *number > high) return std::nullopt;
  return number;
}

std::optional<std::int32_t> share_per_mille(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const auto share = fixed_point(text, percent ? 1 : 3, 1000);
  if (!share) return std::nullopt;
  return static_cast<std::int32_t>(*share);
}

std::optional<CostMax> cost_max(std::string_view text) {
  constexpr std::string_view per_day = "/day";
  constexpr std::size_t decimals_max = 6;
  constexpr std::int64_t usd_max = 1'000'000;
  constexpr std::int64_t micro_per_usd = 1'000'000;
  CostMax max;
  max.per_day = text.ends_with(per_day);
  if (max.per_day) text.remove_suffix(per_day.size());
  const auto micro = fixed_point(text, decimals_max, (usd_max + 1) * micro_per_usd - 1);
  if (!micro) return std::nullopt;
  max.pico_usd = *micro * (pico_usd_per_usd / micro_per_usd);
  return max;
}

std::optional<Waves> waves_of(std::string_view text) {
  const auto [count, pause] = parted(text, 'x');
  if (!pause) return std::nullopt;
  const auto size = number_between(count, 1, std::numeric_limits<std::int32_t>::max());
  const auto delay = parse_duration(*pause);
  if (!size || !delay) return std::nullopt;
  return Waves{static_cast<std::int32_t>(*size), *delay};
}

Reader length_into(std::optional<Duration>& target) {
  return [&target](const std::string& value) -> Problem {
    if (value.empty()) return std::nullopt;
    auto length = parse_duration(value);
    if (!length) return ": " + length.error().message;
    if (*length <= Duration{}) return ": expected more than 0";
    target = *length;
    return std::nullopt;
  };
}

}  // namespace ratebatch::cli
