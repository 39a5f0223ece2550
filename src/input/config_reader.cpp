#include "input/config_reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "input/params.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/template_text.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/config_file.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::input {
namespace {

// Of names of providers, models and types: as long as an id (spec, section 4).
constexpr std::size_t name_bytes_max = 256;

bool is_map(const ConfigNode& node) {
  if (node.yaml.kind == YamlNode::Kind::map) return true;
  if (node.yaml.kind != YamlNode::Kind::null) node.complain("expected keys and values below it");
  return false;
}

bool is_scalar(const ConfigNode& node) { return node.yaml.kind == YamlNode::Kind::scalar; }

// What stands there, for the end of a message.
std::string found(const ConfigNode& node) {
  if (is_scalar(node)) return fmt::format("'{}'", escaped(node.yaml.text, 60));
  const bool is_list = node.yaml.kind == YamlNode::Kind::list;
  return node.yaml.kind == YamlNode::Kind::null ? "nothing" : is_list ? "a list" : "a map";
}

void expected(const ConfigNode& node, std::string_view what) {
  node.complain(fmt::format("expected {}, found {}", what, found(node)));
}

// Reads all of `text` as a decimal number ("0.99", "1e3"); not "nan", "inf" or hexadecimal.
std::optional<double> parse_decimal(std::string_view text) {
  if (text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The number that "500", "200k", "1.5k" or "4M" stands for; nothing else, nothing below 1.
std::optional<std::int64_t> parse_amount(std::string_view text) {
  double unit = 1;
  if (text.ends_with('k')) unit = 1e3;
  if (text.ends_with('M')) unit = 1e6;
  if (unit > 1) text.remove_suffix(1);
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos) {
    return std::nullopt;
  }
  const auto number = parse_decimal(text);
  // Beyond this a double no longer tells whole numbers apart.
  constexpr double exact_max = 1e15;
  if (!number || *number * unit > exact_max) return std::nullopt;
  const double value = std::round(*number * unit);
  const bool whole = std::abs(*number * unit - value) < 1e-6;
  return whole && value >= 1 ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt;
}

// A plain scalar as YAML's core schema reads it (YAML 1.2, section 10.3.2), the rest as text.
Json scalar_json(const YamlNode& yaml) {
  const std::string& text = yaml.text;
  if (yaml.quoted || text.empty()) return text;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (const auto whole = whole_number<std::int64_t>(text)) return *whole;
  const bool number = text.find_first_of("0123456789") != std::string::npos;
  if (const auto decimal = number ? parse_decimal(text) : std::nullopt) return *decimal;
  return text;
}

Json json_of(const YamlNode& yaml) {
  if (yaml.kind == YamlNode::Kind::null) return nullptr;
  if (yaml.kind == YamlNode::Kind::scalar) return scalar_json(yaml);
  const bool is_list = yaml.kind == YamlNode::Kind::list;
  Json json = is_list ? Json::array() : Json::object();
  for (const YamlNode& item : yaml.items) {
    (is_list ? json.emplace_back() : json[item.key]) = json_of(item);
  }
  return json;
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

std::optional<ConfigNode> ConfigNode::find(std::string_view key) const {
  const auto found = std::ranges::find(yaml.items, key, &YamlNode::key);
  return found == yaml.items.end() ? std::nullopt : std::optional(entry(*found));
}

void read_keys(const ConfigNode& node, const std::vector<ConfigKey>& keys) {
  if (!is_map(node)) return;
  for (const YamlNode& child : node.yaml.items) {
    const ConfigNode value = node.entry(child);
    const auto known = std::ranges::find(keys, child.key, &ConfigKey::name);
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

void complain_of_text(const ConfigNode& node, std::string_view what) {
  node.complain(fmt::format("{}, found '{}'", what, escaped(node.yaml.text, 60)));
}

bool check_template(const ConfigNode& node, std::string_view text, std::string_view place) {
  const auto parsed = TextTemplate::parse(text);
  if (!parsed) node.complain(fmt::format("{}{}", place, parsed.error().message));
  return parsed.has_value();
}

void read_text(const ConfigNode& node, std::string& out) {
  if (!is_scalar(node) || node.yaml.text.empty()) return expected(node, "text");
  if (has_control_byte(node.yaml.text)) return node.complain("expected one line of text");
  out = node.yaml.text;
}

void read_template(const ConfigNode& node, std::string& out) {
  if (!is_scalar(node) || node.yaml.text.empty()) return expected(node, "text");
  if (check_template(node, node.yaml.text)) out = node.yaml.text;
}

void read_boolean(const ConfigNode& node, bool& out) {
  const std::string& text = node.yaml.text;
  if (!is_scalar(node) || (text != "true" && text != "false")) {
    return expected(node, "true or false");
  }
  out = text == "true";
}

void read_whole(const ConfigNode& node, std::int32_t& out, std::int32_t min, std::int32_t max) {
  const auto value = is_scalar(node) ? whole_number<std::int32_t>(node.yaml.text) : std::nullopt;
  if (!value || *value < min || *value > max) {
    return expected(node, fmt::format("a whole number from {} to {}", grouped(min), grouped(max)));
  }
  out = *value;
}

void read_amount(const ConfigNode& node, std::int64_t& out, std::int64_t max) {
  const auto value = is_scalar(node) ? parse_amount(node.yaml.text) : std::nullopt;
  if (!value || *value > max) {
    return expected(
        node, fmt::format("a whole number from 1 to {}, such as 500, 200k or 4M", grouped(max)));
  }
  out = *value;
}

void read_share(const ConfigNode& node, std::int32_t& out_per_mille, std::int32_t min_per_mille,
                std::int32_t max_per_mille) {
  std::string_view text = node.yaml.text;
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const auto number = is_scalar(node) ? parse_decimal(text) : std::nullopt;
  const double per_mille = number ? *number * (percent ? 10 : 1000) : -1;
  // Half of the last decimal place of what people write, so that 0.29 is not 289.
  constexpr double tolerance = 1e-6;
  if (per_mille < min_per_mille - tolerance || per_mille > max_per_mille + tolerance) {
    return expected(node, fmt::format("a share from {:g} to {:g}, such as 0.9 or 90%",
                                      min_per_mille / 1000.0, max_per_mille / 1000.0));
  }
  out_per_mille = static_cast<std::int32_t>(std::floor(per_mille + tolerance));
}

void read_length(const ConfigNode& node, Duration& out, Duration min, Duration max) {
  const auto value = parse_duration(is_scalar(node) ? node.yaml.text : "");
  if (!value || *value < min || *value > max) {
    return expected(node, fmt::format("a duration from {} to {}, such as 500ms, 30s or 1m30s",
                                      format_duration(min), format_duration(max)));
  }
  out = *value;
}

void read_params(const ConfigNode& node, std::string& out_json) {
  if (node.yaml.kind != YamlNode::Kind::map) {
    return expected(node, "parameters such as {max_tokens: 300}");
  }
  std::string params = json::canonical(json_of(node.yaml));
  json::Parser parser;
  const auto object = json::as<json::Object>(parser.parse(params));
  RB_ASSERT(object.has_value());
  if (const auto problem = problem_of_params(*object)) return node.complain(*problem);
  out_json = std::move(params);
}

void read_json(const ConfigNode& node, std::string& out_json) {
  out_json = json::canonical(json_of(node.yaml));
}

void expected_one_of(const ConfigNode& node, const std::vector<std::string>& names) {
  constexpr std::size_t names_with_or = 3;  // More of them are a list.
  std::string any = fmt::format("one of {}", fmt::join(names, ", "));
  if (names.size() <= names_with_or) {
    any = fmt::format("{} or {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
  }
  node.complain(fmt::format("expected {}, found '{}'{}", any, escaped(node.yaml.text, 60),
                            did_you_mean(node.yaml.text, names)));
}

void read_items(const ConfigNode& node, std::string_view if_empty,
                const std::function<void(const ConfigNode&)>& read) {
  if (node.yaml.kind != YamlNode::Kind::list) return read(node);
  if (node.yaml.items.empty()) return node.complain(if_empty);
  for (std::size_t i = 0; i < node.yaml.items.size(); ++i) read(node.item(i));
}

}  // namespace ratebatch::input
