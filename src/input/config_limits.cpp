// Limits: {rpm: 500, concurrency: 8}, [{requests: 50, per: 10s}], none.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "input/config_parts.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

// Above what any provider grants per second, and far below where a window divided by it is nothing.
constexpr std::int64_t requests_max = 1'000'000'000;

// As many as `workers` may have.
constexpr std::int64_t concurrency_max = 10'000;

struct Window {
  std::string_view name;
  Duration length;
};

constexpr std::array<Window, 3> windows = {{{"rps", std::chrono::seconds{1}},
                                            {"rpm", std::chrono::minutes{1}},
                                            {"rph", std::chrono::hours{1}}}};

constexpr std::string_view limit_advice = "keep rps, rpm, rph or concurrency low enough";

// The names of the documentation ({r,t,i,it,ot,c}p{s,m,h,d,mo}) that this version has not. Text,
// not views: the caller's table of later keys points into it.
std::vector<std::string> later_names() {
  std::vector<std::string> names;
  for (const char* resource : {"r", "t", "i", "it", "ot", "c"}) {
    for (const char* window : {"s", "m", "h", "d", "mo"}) {
      std::string name = fmt::format("{}p{}", resource, window);
      const bool known = std::any_of(windows.begin(), windows.end(),
                                     [&](const Window& w) { return w.name == name; });
      if (!known) names.push_back(std::move(name));
    }
  }
  return names;
}

void add_window(const ConfigNode& node, RequestLimit limit, Limits& out) {
  const bool twice = std::any_of(out.requests.begin(), out.requests.end(),
                                 [&](const RequestLimit& l) { return l.name == limit.name; });
  if (twice) return node.complain(fmt::format("the limit '{}' stands twice", limit.name));
  out.requests.push_back(std::move(limit));
}

void read_named_limits(const ConfigNode& node, Limits& out) {
  if (node.yaml.items.empty()) {
    return node.complain("expected limits such as {rpm: 500, concurrency: 8}, or none");
  }
  std::vector<ConfigKey> keys;
  for (const Window& window : windows) {
    keys.push_back({window.name, [&](const ConfigNode& value) {
                      RequestLimit limit{std::string(window.name), 0, window.length};
                      read_amount(value, requests_max, limit.amount);
                      if (limit.amount > 0) add_window(value, std::move(limit), out);
                    }});
  }
  keys.push_back({"concurrency", [&](const ConfigNode& value) {
                    std::int64_t amount = 0;
                    read_amount(value, concurrency_max, amount);
                    if (out.concurrency) return value.complain("stands twice");
                    if (amount > 0) out.concurrency = static_cast<std::int32_t>(amount);
                  }});
  const std::vector<std::string> names = later_names();
  std::vector<LaterKey> later;
  for (const std::string& name : names) later.push_back({name, limit_advice});
  read_keys(node, keys, later);
}

// {requests: 50, per: 10s}
void read_window(const ConfigNode& node, Limits& out) {
  RequestLimit limit;
  std::string per;
  const auto read_per = [&](const ConfigNode& value) {
    const auto length = parse_duration(value.yaml.text);
    if (length && *length > short_window_max) {
      return value.complain("windows over an hour: " + not_yet(limit_advice));
    }
    read_length(value, std::chrono::milliseconds{1}, short_window_max, limit.window);
    per = value.yaml.text;
  };
  const std::size_t complete_items = 2;
  read_keys(node,
            {{"requests", [&](const ConfigNode& v) { read_amount(v, requests_max, limit.amount); }},
             {"per", read_per}},
            {{"tokens", limit_advice},
             {"input_tokens", limit_advice},
             {"output_tokens", limit_advice},
             {"images", limit_advice},
             {"characters", limit_advice},
             {"shape", limit_advice},
             {"reset", limit_advice}});
  if (node.yaml.items.size() < complete_items) {
    return node.complain("expected both requests and per, such as {requests: 50, per: 10s}");
  }
  if (limit.amount == 0 || limit.window == Duration{}) return;
  limit.name = fmt::format("requests per {}", per);
  add_window(node, std::move(limit), out);
}

bool is_window(const YamlNode& item) {
  return std::any_of(item.items.begin(), item.items.end(), [](const YamlNode& entry) {
    return entry.key == "requests" || entry.key == "per" || entry.key == "tokens" ||
           entry.key == "images" || entry.key == "characters" || entry.key == "input_tokens" ||
           entry.key == "output_tokens";
  });
}

}  // namespace

void read_limits(const ConfigNode& node, Limits& out) {
  out = Limits{};
  switch (node.yaml.kind) {
    case YamlNode::Kind::map:
      return read_named_limits(node, out);
    case YamlNode::Kind::list:
      if (node.yaml.items.empty()) node.complain("expected at least one limit, or none");
      for (std::size_t i = 0; i < node.yaml.items.size(); ++i) {
        const ConfigNode item = node.item(i);
        if (is_window(item.yaml)) {
          read_window(item, out);
        } else if (item.yaml.kind == YamlNode::Kind::map) {
          read_named_limits(item, out);
        } else {
          item.complain("expected a limit such as {requests: 50, per: 10s}");
        }
      }
      return;
    case YamlNode::Kind::scalar:
      if (node.yaml.text == "none") return;
      break;
    case YamlNode::Kind::null:
      break;
  }
  node.complain("expected limits such as {rpm: 500, concurrency: 8}, or none");
}

}  // namespace ratebatch
