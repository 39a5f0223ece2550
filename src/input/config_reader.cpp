#include "input/config_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "ratebatch/base/text.hpp"
#include "ratebatch/input/config_file.hpp"

namespace ratebatch::input {
namespace {

// Of names of providers, models and types: as long as an id (spec, section 4).
constexpr std::size_t name_bytes_max = 256;

bool is_map(const ConfigNode& node) {
  if (node.yaml.kind == YamlNode::Kind::map) return true;
  if (node.yaml.kind != YamlNode::Kind::null) node.complain("expected keys and values below it");
  return false;
}

}  // namespace

ConfigErrors::ConfigErrors(std::string shown_path) : shown_path_(std::move(shown_path)) {}

void ConfigErrors::add(int line, std::string_view key, std::string_view what) {
  std::string text = fmt::format("{}:{}: ", escaped(shown_path_), line);
  if (!key.empty()) text += fmt::format("key '{}': ", escaped(key));
  text += what;
  complaints_.emplace(line, std::move(text));
}

Error ConfigErrors::joined() const {
  std::string message;
  std::size_t shown = 0;
  for (const auto& [line, complaint] : complaints_) {
    if (shown == config_errors_max) break;
    if (shown++ > 0) message += '\n';
    message += complaint;
  }
  const auto more = static_cast<std::int64_t>(complaints_.size() - shown);
  if (more > 0) {
    message += fmt::format("\n{}: and {}", escaped(shown_path_),
                           counted(more, "more problem", "more problems"));
  }
  return Error{ErrorCode::invalid_input, std::move(message)};
}

std::string ConfigErrors::resolved(const std::string& path) const {
  return (std::filesystem::path(shown_path_).parent_path() / path).string();
}

ConfigNode ConfigNode::entry(const YamlNode& child) const {
  return {child, path.empty() ? child.key : fmt::format("{}.{}", path, child.key), errors};
}

ConfigNode ConfigNode::item(std::size_t index) const {
  return {yaml.items[index], fmt::format("{}[{}]", path, index), errors};
}

void read_keys(const ConfigNode& node, const std::vector<ConfigKey>& keys) {
  if (!is_map(node)) return;
  for (const YamlNode& child : node.yaml.items) {
    const ConfigNode value = node.entry(child);
    const auto has_name = [&](const auto& key) { return key.name == child.key; };
    const auto known = std::find_if(keys.begin(), keys.end(), has_name);
    if (known != keys.end()) {
      known->read(value);
      continue;
    }
    std::vector<std::string> names;
    for (const ConfigKey& key : keys) names.emplace_back(key.name);
    const std::string suggestion = did_you_mean(child.key, names);
    value.complain(suggestion.empty()
                       ? fmt::format("unknown; expected one of {}", fmt::join(names, ", "))
                       : fmt::format("unknown{}", suggestion));
  }
}

void read_named(const ConfigNode& node,
                const std::function<void(const std::string&, const ConfigNode&)>& read) {
  if (!is_map(node)) return;
  for (const YamlNode& child : node.yaml.items) {
    const ConfigNode value = node.entry(child);
    if (child.key.empty() || child.key.size() > name_bytes_max || has_control_byte(child.key)) {
      value.complain(fmt::format("expected a name of 1 to {} bytes without control characters",
                                 name_bytes_max));
      continue;
    }
    read(child.key, value);
  }
}

}  // namespace ratebatch::input
