// Which models jobs may go to while theirs cannot work, and for which causes.
#include <fmt/format.h>

#include <algorithm>

#include "input/config_parts.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

// A list, or one value without brackets.
void for_each_item(const ConfigNode& node, std::string_view expected,
                   const std::function<void(const ConfigNode&)>& read) {
  const bool is_list = node.yaml.kind == YamlNode::Kind::list;
  if (!is_list && node.yaml.kind == YamlNode::Kind::scalar) return read(node);
  if (!is_list || node.yaml.items.empty()) return node.complain(expected);
  for (std::size_t i = 0; i < node.yaml.items.size(); ++i) read(node.item(i));
}

void read_target(const ConfigNode& node, const Config& config, ModelSettings& out) {
  std::string name;
  read_text(node, name);
  if (name.empty()) return;
  const auto target = find_model(config, name);
  if (!target) return node.complain(target.error().message);
  if (target->name == out.name) {
    return node.complain("is this model itself; expected another one");
  }
  if (target->kind != out.kind) {
    return node.complain(
        fmt::format("model '{}' makes something else than '{}'; expected one of "
                    "the same kind",
                    escaped(target->name, 80), escaped(out.name, 80)));
  }
  auto& names = out.fallback_to;
  if (std::find(names.begin(), names.end(), target->name) != names.end()) {
    return node.complain(fmt::format("'{}' stands twice", escaped(name, 80)));
  }
  names.push_back(target->name);
}

void read_cause(const ConfigNode& node, FallbackCauses& out) {
  const std::string& text = node.yaml.text;
  if (text == "tripped") {
    out.tripped = true;
  } else if (text == "no_key") {
    out.no_key = true;
  } else if (text == "pause") {
    out.pause = true;
  } else {
    node.complain(fmt::format("expected tripped, no_key or pause, found '{}'{}", escaped(text, 60),
                              did_you_mean(text, {"tripped", "no_key", "pause"})));
  }
}

}  // namespace

void read_fallback(const ConfigNode& node, const Config& config, ModelSettings& out) {
  bool has_to = false;
  bool has_on = false;
  const auto read_to = [&](const ConfigNode& v) {
    has_to = true;
    for_each_item(v, "expected models such as [gpt-4o]",
                  [&](const ConfigNode& item) { read_target(item, config, out); });
  };
  const auto read_on = [&](const ConfigNode& v) {
    has_on = true;
    for_each_item(v, "expected causes such as [tripped, no_key, pause]",
                  [&](const ConfigNode& item) { read_cause(item, out.fallback_on); });
  };
  read_keys(node, {{"to", read_to}, {"on", read_on}});
  if (!has_to || !has_on) {
    node.complain("expected both to and on, such as {to: [gpt-4o], on: [tripped, no_key, pause]}");
  }
}

}  // namespace ratebatch::input
