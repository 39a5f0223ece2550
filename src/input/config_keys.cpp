// Where keys are found: env:NAME, env:GLOB*, file:PATH, cred:NAME, none; never a key itself.
#include <fmt/format.h>

#include <algorithm>
#include <array>

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
  const auto may_stand = [](char c) { return is_letter_or_digit(c) || contains("_*?", {&c, 1}); };
  return !name.empty() && (is_letter(name.front()) || name.front() == '_') &&
         std::ranges::all_of(name, may_stand);
}

// As systemd wants it: a file name, which must not lead out of the folder.
bool is_credential_name(std::string_view name) {
  const auto may_stand = [](char c) { return is_letter_or_digit(c) || contains("_.-", {&c, 1}); };
  return !name.empty() && name.front() != '.' && std::ranges::all_of(name, may_stand);
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

// Where a key can be, and what reads its name.
struct KeyPlace {
  std::string_view name;
  std::optional<KeySource> (*read)(const ConfigNode& node, std::string_view text);
};
constexpr std::array<KeyPlace, 3> places = {
    {{"env", variable}, {"file", file}, {"cred", credential}}};

void add_source(const ConfigNode& node, const std::optional<KeySource>& source,
                std::vector<KeySource>& out) {
  if (!source) return;
  const bool twice = std::ranges::any_of(out, [&](const KeySource& known) {
    return known.from == source->from && known.name == source->name;
  });
  if (twice) return node.complain(fmt::format("'{}' stands twice", escaped(source->name, 80)));
  out.push_back(*source);
}

// {env: NAME, group: acme}
void read_key_map(const ConfigNode& node, std::vector<KeySource>& out) {
  std::optional<KeySource> source;
  std::string group;
  int given = 0;
  std::vector<ConfigKey> keys;
  for (const KeyPlace& place : places) {
    keys.push_back({place.name, [&](const ConfigNode& v) {
                      if (++given == 1) source = place.read(v, v.yaml.text);
                    }});
  }
  keys.push_back({"group", into(group, read_text)});
  read_keys(node, keys);
  if (given != 1) return node.complain(key_expected);
  if (source) source->group = group;
  add_source(node, source, out);
}

// What stands there is never printed.
void read_key_source(const ConfigNode& node, std::vector<KeySource>& out) {
  if (!node.yaml.items.empty() && node.yaml.kind == YamlNode::Kind::map) {
    return read_key_map(node, out);
  }
  const std::string_view text = node.yaml.text;
  if (text == "none") return add_source(node, KeySource{KeySource::From::none, "none"}, out);
  const auto [name, where] = parted(text, ':');
  const auto place = std::ranges::find(places, name, &KeyPlace::name);
  if (!where || place == places.end()) return node.complain(key_expected);
  add_source(node, place->read(node, *where), out);
}

}  // namespace

void read_key_sources(const ConfigNode& node, std::vector<KeySource>& out) {
  out.clear();
  read_items(node, key_expected, into(out, read_key_source));
}

}  // namespace ratebatch::input
