// Limits: {rpm: 500, concurrency: 8}, [{requests: 50, per: 10s}], none.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "input/config_parts.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/model/limit_names.hpp"

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
  const bool twice = std::any_of(out.windows.begin(), out.windows.end(),
                                 [&](const Limit& l) { return l.name == limit.name; });
  if (twice) return node.complain(fmt::format("the limit '{}' stands twice", limit.name));
  out.windows.push_back(std::move(limit));
}

Limit with_defaults(const LimitDefaults& defaults, Resource resource, Duration window) {
  Limit limit;
  limit.resource = resource;
  limit.window = window;
  limit.pace_at_per_mille = defaults.pace_at_per_mille;
  limit.pause_at_per_mille = defaults.pause_at_per_mille;
  if (limit.is_long() && defaults.reset && fits(*defaults.reset, window)) {
    limit.reset = *defaults.reset;
  }
  return limit;
}

void read_named_limits(const ConfigNode& node, const LimitDefaults& defaults, Limits& out) {
  if (node.yaml.items.empty()) return node.complain(limits_expected);
  std::vector<ConfigKey> keys;
  for (const LimitName& known : limit_names) {
    keys.push_back({known.name, [&](const ConfigNode& value) {
                      Limit limit = with_defaults(defaults, known.resource, known.window);
                      limit.name = known.name;
                      read_amount(value, amount_max(known.window), limit.amount);
                      if (limit.amount > 0) add_window(value, std::move(limit), out);
                    }});
  }
  keys.push_back({"concurrency", [&](const ConfigNode& value) {
                    std::int64_t amount = 0;
                    read_amount(value, concurrency_max, amount);
                    if (out.concurrency) return value.complain("stands twice");
                    if (amount > 0) out.concurrency = static_cast<std::int32_t>(amount);
                  }});
  read_keys(node, keys);
}

// What a list item says, apart from its amounts.
struct Window {
  std::string per;  // As it is written.
  Duration length{};
  std::optional<Shape> shape;
  std::optional<Reset> reset;
  const YamlNode* shape_node = nullptr;
  const YamlNode* reset_node = nullptr;
};

void read_shape(const ConfigNode& node, std::optional<Shape>& out) {
  const std::string& text = node.yaml.text;
  if (text == "paced") {
    out = Shape::paced;
  } else if (text == "window") {
    out = Shape::window;
  } else {
    node.complain(fmt::format("expected paced or window, found '{}'{}", escaped(text, 60),
                              did_you_mean(text, {"paced", "window"})));
  }
}

// Shapes are of short windows, resets of long ones.
void check_window(const ConfigNode& item, const Window& window) {
  if (window.length == Duration{}) return;
  const bool is_long = window.length > short_window_max;
  if (is_long && window.shape_node != nullptr) {
    item.entry(*window.shape_node)
        .complain(
            "a shape is for windows up to 1h; longer ones are counted, and begin anew at their "
            "reset");
  }
  if (window.reset_node == nullptr || !window.reset) return;
  if (!is_long) {
    item.entry(*window.reset_node)
        .complain("a reset is for windows over 1h; shorter ones are paced");
  } else if (!fits(*window.reset, window.length)) {
    item.entry(*window.reset_node)
        .complain(window.reset->kind == Reset::Kind::daily
                      ? "a reset at a time of day needs per: 24h"
                      : "a reset on a day of the month needs per: 31d");
  }
}

// {requests: 50, per: 10s}; several resources may share one window.
void read_window(const ConfigNode& node, const LimitDefaults& defaults, Limits& out) {
  Window window;
  std::vector<std::pair<Resource, const YamlNode*>> amounts;
  const auto read_per = [&](const ConfigNode& value) {
    read_length(value, std::chrono::milliseconds{1}, month_window, window.length);
    window.per = value.yaml.text;
  };
  std::vector<ConfigKey> keys = {{"per", read_per},
                                 {"shape",
                                  [&](const ConfigNode& v) {
                                    window.shape_node = &v.yaml;
                                    read_shape(v, window.shape);
                                  }},
                                 {"reset", [&](const ConfigNode& v) {
                                    window.reset_node = &v.yaml;
                                    read_reset(v, window.reset);
                                  }}};
  for (const Resource resource : resources) {
    keys.push_back({to_string(resource), [&, resource](const ConfigNode& v) {
                      amounts.emplace_back(resource, &v.yaml);
                    }});
  }
  read_keys(node, keys);
  const bool has_per = std::any_of(node.yaml.items.begin(), node.yaml.items.end(),
                                   [](const YamlNode& entry) { return entry.key == "per"; });
  if (amounts.empty() || !has_per) {
    return node.complain(fmt::format("expected both {} and per, {}",
                                     amounts.empty() ? "an amount" : to_string(amounts[0].first),
                                     window_expected));
  }
  check_window(node, window);
  if (window.length == Duration{}) return;
  for (const auto& [resource, amount] : amounts) {
    Limit limit = with_defaults(defaults, resource, window.length);
    limit.name = fmt::format("{} per {}", to_string(resource), window.per);
    limit.shape = window.shape.value_or(Shape::paced);
    if (window.reset) limit.reset = *window.reset;
    read_amount(node.entry(*amount), amount_max(window.length), limit.amount);
    if (limit.amount > 0) add_window(node, std::move(limit), out);
  }
}

bool is_window(const YamlNode& item) {
  return std::any_of(item.items.begin(), item.items.end(), [](const YamlNode& entry) {
    return entry.key == "per" || entry.key == "shape" || entry.key == "reset" ||
           std::any_of(resources.begin(), resources.end(),
                       [&](Resource r) { return to_string(r) == entry.key; });
  });
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

void read_limits(const ConfigNode& node, const LimitDefaults& defaults, Limits& out) {
  out = Limits{};
  out.stated = true;
  switch (node.yaml.kind) {
    case YamlNode::Kind::map:
      return read_named_limits(node, defaults, out);
    case YamlNode::Kind::list:
      if (node.yaml.items.empty()) node.complain("expected at least one limit, or none");
      for (std::size_t i = 0; i < node.yaml.items.size(); ++i) {
        const ConfigNode item = node.item(i);
        if (is_window(item.yaml)) {
          read_window(item, defaults, out);
        } else if (item.yaml.kind == YamlNode::Kind::map) {
          read_named_limits(item, defaults, out);
        } else {
          item.complain(fmt::format("expected a limit {}", window_expected));
        }
      }
      return;
    case YamlNode::Kind::scalar:
      if (node.yaml.text == "none") return;
      break;
    case YamlNode::Kind::null:
      break;
  }
  node.complain(limits_expected);
}

}  // namespace ratebatch::input
