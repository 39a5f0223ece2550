// Types of jobs: their texts, and what an answer must be to count as one.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "input/config_parts.hpp"
#include "input/small_file.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/config_file.hpp"

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
    if (std::ranges::find(out, item.yaml.text) != out.end()) {
      return item.complain(fmt::format("'{}' stands twice", escaped(item.yaml.text, 60)));
    }
    out.push_back(item.yaml.text);
  };
  read_items(node, "expected a text, or a list of texts", read_one);
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

void read_accept(const ConfigNode& node, AcceptRules& out) {
  std::int64_t chars_max = 0;
  read_keys(node, {{"finish_reason", into(out.finish_reasons, read_texts)},
                   {"min_chars", into(out.chars_min, read_amount, chars_most)},
                   {"max_chars", into(chars_max, read_amount, chars_most)},
                   {"contains", into(out.contains, read_texts)},
                   {"lacks", into(out.lacks, read_texts)},
                   {"json", into(out.json, read_boolean)}});
  if (chars_max > 0) out.chars_max = chars_max;
  check_sense(node, out);
}

// `prompt` or `prompt_file`; a second one for the same text is an error.
void read_inline(const ConfigNode& node, std::string& out, bool& given) {
  if (given) return node.complain("stands beside the same text in a file; give one of them");
  given = true;
  read_template(node, out);
}

void read_from_file(const ConfigNode& node, std::string& out, bool& given) {
  if (given) return node.complain("stands beside the same text in place; give one of them");
  given = true;
  std::string path;
  read_text(node, path);
  if (path.empty()) return;
  const auto text = read_small_file(node.errors.resolved(path), config_bytes_max, FileRule::any);
  if (!text) return node.complain(text.error().message);
  const std::string shown = escaped(node.errors.resolved(path));
  if (!is_valid_utf8(*text)) return node.complain(shown + ": invalid UTF-8");
  if (text->empty()) return node.complain(shown + ": is empty");
  if (check_template(node, *text, shown + ": ")) out = *text;
}

}  // namespace

void read_type(const ConfigNode& node, const Config& config, TypeSettings& out) {
  bool has_system = false;
  bool has_prompt = false;
  const auto read_model_name = [&](const ConfigNode& v) {
    read_text(v, out.model);
    if (out.model.empty()) return;
    const auto model = find_model(config, out.model);
    if (!model) v.complain(model.error().message);
  };
  read_keys(node, {{"model", read_model_name},
                   {"system", into(out.system, read_inline, std::ref(has_system))},
                   {"prompt", into(out.prompt, read_inline, std::ref(has_prompt))},
                   {"system_file", into(out.system, read_from_file, std::ref(has_system))},
                   {"prompt_file", into(out.prompt, read_from_file, std::ref(has_prompt))},
                   {"params", into(out.params_json, read_params)},
                   {"accept", into(out.accept, read_accept)}});
}

}  // namespace ratebatch::input
