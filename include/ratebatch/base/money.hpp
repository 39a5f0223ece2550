// Money in pico-USD (1e-12), as text.
#pragma once

#include <cstdint>
#include <string>

namespace ratebatch::inline base {

// "0.000123", "12.5", "0": exact, without zeros at the end. Precondition: not negative.
inline std::string usd_text(std::int64_t pico_usd) {
  constexpr std::int64_t unit = 1'000'000'000'000;
  std::string text = std::to_string(pico_usd / unit);
  std::string decimals = std::to_string(pico_usd % unit + unit).substr(1);
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return decimals.empty() ? text : text + "." + decimals;
}

}  // namespace ratebatch::inline base
