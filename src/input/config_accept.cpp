// What an answer must be to count as one.
#include <fmt/format.h>

#include <algorithm>

#include "input/config_parts.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

// No answer of any model is longer.
constexpr std::int64_t chars_most = 1'000'000'000;

// A text, or a list of texts. Texts may have several lines: they are looked for as they are.
void read_texts(const ConfigNode& node, std::vector<std::string>& out) {
  const auto read_one = [&](const ConfigNode& item) {
    if (item.yaml.kind != YamlNode::Kind::scalar || item.yaml.text.empty()) {
      return item.complain("expected a text, which is not empty");
    }
    if (std::find(out.begin(), out.end(), item.yaml.text) != out.end()) {
      return item.complain(fmt::format("'{}' stands twice", escaped(item.yaml.text, 60)));
    }
    out.push_back(item.yaml.text);
  };
  if (node.yaml.kind != YamlNode::Kind::list) return read_one(node);
  if (node.yaml.items.empty()) return node.complain("expected a text, or a list of texts");
  for (std::size_t i = 0; i < node.yaml.items.size(); ++i) read_one(node.item(i));
}

// What is asked for and ruled out at once would refuse, and pay for, every answer.
void check_sense(const ConfigNode& node, const AcceptRules& rules) {
  if (rules.chars_max && *rules.chars_max < rules.chars_min) {
    node.complain(fmt::format("max_chars ({}) is below min_chars ({}): no answer could be both",
                              grouped(*rules.chars_max), grouped(rules.chars_min)));
  }
  for (const std::string& needed : rules.contains) {
    for (const std::string& forbidden : rules.lacks) {
      if (needed.find(forbidden) == std::string::npos) continue;
      node.complain(fmt::format("every answer must contain '{}' and lack '{}': none could",
                                escaped(needed, 60), escaped(forbidden, 60)));
    }
  }
}

}  // namespace

void read_accept(const ConfigNode& node, AcceptRules& out) {
  std::int64_t chars_max = 0;
  read_keys(node,
            {{"finish_reason", [&](const ConfigNode& v) { read_texts(v, out.finish_reasons); }},
             {"min_chars", [&](const ConfigNode& v) { read_amount(v, chars_most, out.chars_min); }},
             {"max_chars", [&](const ConfigNode& v) { read_amount(v, chars_most, chars_max); }},
             {"contains", [&](const ConfigNode& v) { read_texts(v, out.contains); }},
             {"lacks", [&](const ConfigNode& v) { read_texts(v, out.lacks); }},
             {"json", [&](const ConfigNode& v) { read_boolean(v, out.json); }}});
  if (chars_max > 0) out.chars_max = chars_max;
  check_sense(node, out);
}

}  // namespace ratebatch::input
