// Values of options, read from their text, and the readers made of that.
//
// Pure. The functions return nullopt if the text is no such value.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/syntax.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/cli/options.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::cli {

// A whole number from `low` to `high`, which are at least 0, in digits only.
std::optional<std::int64_t> number_between(std::string_view text, std::int64_t low,
                                           std::int64_t high);

// number_between with these bounds.
inline auto numbers(std::int64_t low, std::int64_t high) {
  return [low, high](std::string_view text) { return number_between(text, low, high); };
}

// "0.8" or "80%" as thousandths, from 1 to 1000; nothing finer.
std::optional<std::int32_t> share_per_mille(std::string_view text);

// "12.50" or "5/day" in USD, up to a million and with up to six decimals; above 0.
std::optional<CostMax> cost_max(std::string_view text);

// "3x15s": so many at once, and the pause behind them.
std::optional<Waves> waves_of(std::string_view text);

// " 'x': expected WHAT": what a reader says of a wrong value.
inline std::string expected(std::string_view what, std::string_view value) {
  return fmt::format(" '{}': expected {}", escaped(value), what);
}

// Sets `target`, a text or an optional one; an empty value counts as not given.
template <typename Target>
Reader text_into(Target& target) {
  return [&target](const std::string& value) {
    if (!value.empty()) target = value;
    return Problem{};
  };
}

// Sets `target` to what `parse` makes of the value; an empty one counts as not given.
template <typename Target, typename Parse>
Reader into(Target& target, Parse parse, std::string what) {
  return [&target, parse, what = std::move(what)](const std::string& value) -> Problem {
    if (value.empty()) return std::nullopt;
    auto parsed = parse(value);
    if (!parsed) return expected(what, value);
    target = std::move(*parsed);
    return std::nullopt;
  };
}

// The same for several values with commas between them; one that is empty is parsed, too.
template <typename Item, typename Parse>
Reader list_into(std::vector<Item>& target, Parse parse, std::string what) {
  const auto parse_all = [parse](std::string_view text) -> std::optional<std::vector<Item>> {
    std::vector<Item> items;
    for (std::optional<std::string_view> rest = text; rest;) {
      const auto [first, others] = parted(*rest, ',');
      auto item = parse(first);
      if (!item) return std::nullopt;
      items.push_back(static_cast<Item>(std::move(*item)));
      rest = others;
    }
    return items;
  };
  return into(target, parse_all, std::move(what));
}

// One of several words, each with its value.
template <typename Value>
Reader choice_into(Value& target, std::vector<std::pair<std::string, Value>> choices) {
  return [&target, choices = std::move(choices)](const std::string& value) -> Problem {
    Words names;
    std::string listed;
    for (const auto& [name, meaning] : choices) {
      if (name == value) {
        target = meaning;
        return std::nullopt;
      }
      names.push_back(name);
      listed += (listed.empty() ? "" : names.size() == choices.size() ? " or " : ", ") + name;
    }
    return expected(listed, value) + did_you_mean(value, names);
  };
}

// A duration above zero; an empty value counts as not given.
Reader length_into(std::optional<Duration>& target);

}  // namespace ratebatch::cli
