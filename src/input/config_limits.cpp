// Limits: {rpm: 500, concurrency: 8}, [{requests: 50, per: 10s}], none. When a long window begins
// anew: rolling, "00:00 America/Los_Angeles", "day 15 00:00 UTC".
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <vector>

#include "input/config_parts.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::input {
namespace {

// Of short windows: above what any provider grants per second, and far below where a window divided
// by it is nothing. Long ones are only counted.
constexpr std::int64_t short_amount_max = 1'000'000'000;
constexpr std::int64_t long_amount_max = 1'000'000'000'000;

// As many as `workers` may have.
constexpr std::int64_t concurrency_max = 10'000;

// The shortest month, for resets on a day of it.
constexpr Duration month_min = std::chrono::hours{24 * 28};

constexpr std::string_view limits_expected =
    "expected limits such as {rpm: 500, concurrency: 8}, or none";
constexpr std::string_view window_expected = "such as {requests: 50, per: 10s}";

constexpr std::array<Resource, resource_count> resources = {
    Resource::requests,      Resource::tokens, Resource::input_tokens,
    Resource::output_tokens, Resource::images, Resource::characters};

std::int64_t amount_max(Duration window) {
  return window > short_window_max ? long_amount_max : short_amount_max;
}

void add_window(const ConfigNode& node, Limit limit, Limits& out) {
  if (std::ranges::find(out.windows, limit.name, &Limit::name) != out.windows.end()) {
    return node.complain(fmt::format("the limit '{}' stands twice", limit.name));
  }
  out.windows.push_back(std::move(limit));
}

Limit with_defaults(const LimitDefaults& defaults, Resource resource, Duration window) {
  Limit limit;
  limit.resource = resource;
  limit.window = window;
  apply_defaults(defaults, limit);
  return limit;
}

void read_named_limits(const ConfigNode& node, const LimitDefaults& defaults, Limits& out) {
  if (node.yaml.items.empty()) return node.complain(limits_expected);
  std::vector<ConfigKey> keys;
  for (const LimitName& known : limit_names) {
    keys.push_back({known.name, [&](const ConfigNode& value) {
                      Limit limit = with_defaults(defaults, known.resource, known.window);
                      limit.name = known.name;
                      read_amount(value, limit.amount, amount_max(known.window));
                      if (limit.amount > 0) add_window(value, std::move(limit), out);
                    }});
  }
  keys.push_back({"concurrency", [&](const ConfigNode& value) {
                    std::int64_t amount = 0;
                    read_amount(value, amount, concurrency_max);
                    if (out.concurrency) return value.complain("stands twice");
                    if (amount > 0) out.concurrency = static_cast<std::int32_t>(amount);
                  }});
  read_keys(node, keys);
}

// Shapes are of short windows, resets of long ones.
void check_window(const ConfigNode& item, Duration window, const std::optional<Reset>& reset) {
  const bool is_long = window > short_window_max;
  if (const auto shape = item.find("shape"); shape && is_long) {
    shape->complain(
        "a shape is for windows up to 1h; longer ones are counted, and begin anew at their reset");
  }
  if (!reset) return;
  if (!is_long) {
    item.find("reset")->complain("a reset is for windows over 1h; shorter ones are paced");
  } else if (!fits(*reset, window)) {
    item.find("reset")->complain(reset->kind == Reset::Kind::daily
                                     ? "a reset at a time of day needs per: 24h"
                                     : "a reset on a day of the month needs per: 31d");
  }
}

// {requests: 50, per: 10s}; several resources may share one window.
void read_window(const ConfigNode& node, const LimitDefaults& defaults, Limits& out) {
  Duration length{};
  Shape shape = Shape::paced;
  std::optional<Reset> reset;
  std::vector<Resource> amounts;
  std::vector<ConfigKey> keys = {
      {"per", into(length, read_length, std::chrono::milliseconds{1}, month_window)},
      {"shape", choice<Shape>(shape, {{"paced", Shape::paced}, {"window", Shape::window}})},
      {"reset", into(reset, read_reset)}};
  for (const Resource resource : resources) {
    keys.push_back(
        {to_string(resource), [&, resource](const ConfigNode&) { amounts.push_back(resource); }});
  }
  read_keys(node, keys);
  const auto per = node.find("per");
  if (amounts.empty() || !per) {
    return node.complain(fmt::format("expected both {} and per, {}",
                                     amounts.empty() ? "an amount" : to_string(amounts.front()),
                                     window_expected));
  }
  if (length == Duration{}) return;
  check_window(node, length, reset);
  for (const Resource resource : amounts) {
    Limit limit = with_defaults(defaults, resource, length);
    limit.name = fmt::format("{} per {}", to_string(resource), per->yaml.text);
    limit.shape = shape;
    if (reset) limit.reset = *reset;
    read_amount(*node.find(to_string(resource)), limit.amount, amount_max(length));
    if (limit.amount > 0) add_window(node, std::move(limit), out);
  }
}

bool is_window(const YamlNode& item) {
  return std::ranges::any_of(item.items, [](const YamlNode& entry) {
    return entry.key == "per" || entry.key == "shape" || entry.key == "reset" ||
           std::ranges::any_of(resources, [&](Resource r) { return to_string(r) == entry.key; });
  });
}

constexpr std::string_view reset_expected =
    R"(expected rolling, "00:00 America/Los_Angeles" or "day 15 00:00 UTC")";

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (const auto word : text | std::views::split(' ')) {
    if (!word.empty()) words.emplace_back(word.begin(), word.end());
  }
  return words;
}

// A whole number of one or two digits up to `max`; -1 for any other text.
std::int32_t small_number(std::string_view text, std::int32_t max) {
  const std::int32_t number = whole_number<std::int32_t>(text).value_or(-1);
  return text.size() <= 2 && number <= max ? number : -1;
}

// "00:00" to "23:59".
std::optional<Duration> time_of_day(std::string_view text) {
  const auto [hours, after] = parted(text, ':');
  const std::string_view minutes = after.value_or("");
  const std::int32_t hour = small_number(hours, 23);
  const std::int32_t minute = small_number(minutes, 59);
  if (hour < 0 || minute < 0 || minutes.size() != 2) return std::nullopt;
  return std::chrono::hours{hour} + std::chrono::minutes{minute};
}

}  // namespace

bool fits(const Reset& reset, Duration window) {
  switch (reset.kind) {
    case Reset::Kind::rolling:
      return true;
    case Reset::Kind::daily:
      return window == std::chrono::hours{24};
    case Reset::Kind::monthly:
      return window >= month_min && window <= month_window;
  }
  return false;
}

void apply_defaults(const LimitDefaults& defaults, Limit& limit) {
  limit.pace_at_per_mille = defaults.pace_at_per_mille;
  limit.pause_at_per_mille = defaults.pause_at_per_mille;
  if (limit.is_long() && defaults.reset && fits(*defaults.reset, limit.window)) {
    limit.reset = *defaults.reset;
  }
}

void read_limits(const ConfigNode& node, Limits& out, const LimitDefaults& defaults) {
  out = Limits{};
  out.stated = true;
  if (node.yaml.kind == YamlNode::Kind::map) return read_named_limits(node, defaults, out);
  if (node.yaml.kind == YamlNode::Kind::list) {
    return read_items(node, "expected at least one limit, or none", [&](const ConfigNode& item) {
      if (is_window(item.yaml)) return read_window(item, defaults, out);
      if (item.yaml.kind == YamlNode::Kind::map) return read_named_limits(item, defaults, out);
      item.complain(fmt::format("expected a limit {}", window_expected));
    });
  }
  if (node.yaml.text != "none") node.complain(limits_expected);
}

void read_reset(const ConfigNode& node, std::optional<Reset>& out) {
  const auto wrong = [&] {
    node.complain(fmt::format("{}, found '{}'{}", reset_expected, escaped(node.yaml.text, 60),
                              node.yaml.text.find(' ') == std::string::npos
                                  ? did_you_mean(node.yaml.text, {"rolling"})
                                  : ""));
  };
  std::vector<std::string_view> words = words_of(node.yaml.text);
  if (words.empty()) return wrong();
  Reset reset;
  if (words.size() == 1 && words[0] == "rolling") {
    out = reset;
    return;
  }
  reset.kind = Reset::Kind::daily;
  if (words[0] == "day" && words.size() > 1) {
    reset.kind = Reset::Kind::monthly;
    reset.day_of_month = small_number(words[1], 31);
    if (reset.day_of_month < 1) return wrong();
    words.erase(words.begin(), words.begin() + 2);
  }
  const auto time = words.empty() ? std::nullopt : time_of_day(words[0]);
  if (!time || words.size() > 2) return wrong();
  if (words.size() == 1) {
    return node.complain(fmt::format("a time zone is missing; {}", reset_expected));
  }
  auto zone = TimeZone::find(words[1]);
  if (!zone) return node.complain(zone.error().message);
  reset.time_of_day = *time;
  reset.zone = *zone;
  out = reset;
}

}  // namespace ratebatch::input
