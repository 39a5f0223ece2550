#include "cli/option_values.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

#include "ratebatch/model/config.hpp"

namespace ratebatch::cli {
namespace {

// "12.5" times 10^decimals, from 0 on. Nothing where it has more decimals, or does not fit.
std::optional<std::int64_t> scaled(std::string_view text, std::size_t decimals_max,
                                   std::int64_t whole_max) {
  const std::size_t dot = text.find('.');
  const auto whole = whole_number(text.substr(0, dot), 0, whole_max);
  if (!whole) return std::nullopt;
  std::string decimals{dot == std::string_view::npos ? "" : text.substr(dot + 1)};
  const bool wrong =
      decimals.size() > decimals_max || (dot != std::string_view::npos && decimals.empty());
  if (wrong) return std::nullopt;
  decimals.resize(decimals_max, '0');
  std::int64_t unit = 1;
  for (std::size_t i = 0; i < decimals_max; ++i) unit *= 10;
  const auto part = whole_number(decimals, 0, unit - 1);
  if (!part) return std::nullopt;
  return *whole * unit + *part;
}

}  // namespace

std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t low,
                                         std::int64_t high) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end || number < low || number > high) return {};
  if (text.front() == '-') return {};
  return number;
}

std::optional<std::int32_t> share_per_mille(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const auto share = percent ? scaled(text, 1, 100) : scaled(text, 3, 1);
  if (!share || *share < 1 || *share > 1000) return std::nullopt;
  return static_cast<std::int32_t>(*share);
}

std::optional<CostMax> cost_max(std::string_view text) {
  constexpr std::string_view per_day = "/day";
  constexpr std::size_t decimals_max = 6;
  constexpr std::int64_t pico_usd_per_micro = pico_usd_per_usd / 1'000'000;
  CostMax max;
  max.per_day = text.ends_with(per_day);
  if (max.per_day) text.remove_suffix(per_day.size());
  const auto micro = scaled(text, decimals_max, 1'000'000);
  if (!micro || *micro < 1) return std::nullopt;
  max.pico_usd = *micro * pico_usd_per_micro;
  return max;
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::optional<Waves> waves_of(std::string_view text) {
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) return std::nullopt;
  const auto size =
      whole_number(text.substr(0, cross), 1, std::numeric_limits<std::int32_t>::max());
  const auto delay = parse_duration(text.substr(cross + 1));
  if (!size || !delay) return std::nullopt;
  return Waves{static_cast<std::int32_t>(*size), *delay};
}

}  // namespace ratebatch::cli
