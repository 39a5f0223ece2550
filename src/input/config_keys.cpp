// Where keys are found: env:NAME, env:GLOB*, file:PATH, cred:NAME, none; never a key itself.
#include <fmt/format.h>

#include <algorithm>

#include "input/config_parts.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/read_key.hpp"

namespace ratebatch::input {
namespace {

constexpr std::string_view key_expected =
    "expected where the key is found: env:NAME, file:PATH or cred:NAME (never the key itself), or "
    "none for a server that asks for no key";

// A variable's name, or a pattern that at least begins with a letter: env:* would take everything.
bool is_variable_pattern(std::string_view name) {
  return !name.empty() && (is_letter(name.front()) || name.front() == '_') &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_letter_or_digit(c) || c == '_' || c == '*' || c == '?';
         });
}

// As systemd wants it: a file name, which must not lead out of the folder.
bool is_credential_name(std::string_view name) {
  return !name.empty() && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
  });
}

std::optional<KeySource> variable(const ConfigNode& node, std::string_view name) {
  // A name that is none may be a key that slipped in: it is not repeated.
  if (!is_variable_pattern(name)) {
    node.complain(
        "expected the name of an environment variable after env, such as env:OPENAI_API_KEY, or a "
        "pattern of such names, such as env:OPENAI_KEY_*");
    return std::nullopt;
  }
  return KeySource{KeySource::From::environment, std::string(name), {}};
}

std::optional<KeySource> file(const ConfigNode& node, std::string_view path) {
  if (path.empty() || has_control_byte(path)) {
    node.complain(key_expected);
    return std::nullopt;
  }
  return KeySource{KeySource::From::file, node.errors.resolved(std::string(path)), {}};
}

std::optional<KeySource> credential(const ConfigNode& node, std::string_view name) {
  if (!is_credential_name(name)) {
    node.complain("expected the name of a systemd credential after cred, such as cred:openai");
    return std::nullopt;
  }
  return KeySource{KeySource::From::file, std::string(credential_folder) + std::string(name), {}};
}

void add_source(const ConfigNode& node, const std::optional<KeySource>& source,
                std::vector<KeySource>& out) {
  if (!source) return;
  const bool twice = std::any_of(out.begin(), out.end(), [&](const KeySource& known) {
    return known.from == source->from && known.name == source->name;
  });
  if (twice) return node.complain(fmt::format("'{}' stands twice", escaped(source->name, 80)));
  out.push_back(*source);
}

// {env: NAME, group: acme}
void read_key_map(const ConfigNode& node, std::vector<KeySource>& out) {
  std::optional<KeySource> source;
  std::string group;
  int places = 0;
  const auto place = [&](const auto& read) {
    return [&, read](const ConfigNode& v) {
      ++places;
      if (places == 1) source = read(v, v.yaml.text);
    };
  };
  read_keys(node, {{"env", place(variable)},
                   {"file", place(file)},
                   {"cred", place(credential)},
                   {"group", into(group, read_text)}});
  if (places != 1) return node.complain(key_expected);
  if (source) source->group = group;
  add_source(node, source, out);
}

// What stands there is never printed.
void read_key_source(const ConfigNode& node, std::vector<KeySource>& out) {
  const std::string_view text = node.yaml.text;
  switch (node.yaml.kind) {
    case YamlNode::Kind::scalar:
      if (text == "none") return add_source(node, KeySource{KeySource::From::none, "none"}, out);
      if (text.starts_with("env:")) return add_source(node, variable(node, text.substr(4)), out);
      if (text.starts_with("file:")) return add_source(node, file(node, text.substr(5)), out);
      if (text.starts_with("cred:")) return add_source(node, credential(node, text.substr(5)), out);
      return node.complain(key_expected);
    case YamlNode::Kind::map:
      if (node.yaml.items.empty()) return node.complain(key_expected);
      return read_key_map(node, out);
    case YamlNode::Kind::null:
    case YamlNode::Kind::list:
      return node.complain(key_expected);
  }
}

}  // namespace

void read_key_sources(const ConfigNode& node, std::vector<KeySource>& out) {
  out.clear();
  read_items(node, key_expected, into(out, read_key_source));
}

}  // namespace ratebatch::input
