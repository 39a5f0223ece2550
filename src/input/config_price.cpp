// Prices in USD as people write them, kept as whole pico-USD.
#include <fmt/format.h>

#include <algorithm>

#include "input/config_parts.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

// More digits than a pico-USD has are refused, not rounded: per million tokens 6, per unit 12.
constexpr std::size_t million_decimals = 6;
constexpr std::size_t unit_decimals = 12;

// A hundred times the dearest known ones; more is a mistake in the unit.
constexpr std::int64_t usd_per_million_max = 100'000;
constexpr std::int64_t usd_per_unit_max = 1000;

// `text` in units of the last of so many decimals: "0.15" with 6 is 150,000. nullopt for signs,
// exponents, more decimals, or more than `max`.
std::optional<std::int64_t> parse_decimals(std::string_view text, std::size_t decimals,
                                           std::int64_t max) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  std::string_view part = point < text.size() ? text.substr(point + 1) : std::string_view{};
  constexpr std::size_t digits_max = 9;
  constexpr std::string_view digits = "0123456789";
  if (whole.empty() || whole.size() > digits_max || part.size() > decimals ||
      whole.find_first_not_of(digits) != std::string_view::npos ||
      part.find_first_not_of(digits) != std::string_view::npos || text.ends_with('.')) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  for (const char c : whole) value = value * 10 + (c - '0');
  if (value > max || (value == max && part.find_first_not_of('0') != std::string_view::npos)) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < decimals; ++i) {
    value = value * 10 + (i < part.size() ? part[i] - '0' : 0);
  }
  return value;
}

void read_usd(const ConfigNode& node, std::int64_t& out, std::size_t decimals, std::int64_t max) {
  const auto value = node.yaml.kind == YamlNode::Kind::scalar
                         ? parse_decimals(node.yaml.text, decimals, max)
                         : std::nullopt;
  if (!value) {
    return node.complain(
        fmt::format("expected USD from 0 to {} with at most {} decimals, such as 0.15, found '{}'",
                    grouped(max), decimals, escaped(node.yaml.text, 60)));
  }
  out = *value;
}

}  // namespace

void read_price(const ConfigNode& node, std::optional<Price>& out) {
  Price price;
  const auto per_million = [](std::int64_t& target) {
    return into(target, read_usd, million_decimals, usd_per_million_max);
  };
  const auto per_unit = [](std::int64_t& target) {
    return into(target, read_usd, unit_decimals, usd_per_unit_max);
  };
  if (node.yaml.items.empty()) {
    return node.complain(
        "expected USD per million tokens such as {input: 0.15, output: 0.60}, or per unit such as "
        "{image: 0.04}");
  }
  read_keys(node, {{"input", per_million(price.input_token)},
                   {"output", per_million(price.output_token)},
                   {"image", per_unit(price.image)},
                   {"characters", per_unit(price.character)}});
  out = price;
}

}  // namespace ratebatch::input
