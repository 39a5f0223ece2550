// The tools that the parts of the configuration are read with: a place in the tree that knows its
// full name, complaints that are collected, and one reader per kind of value.
//
// Readers leave `out` as it is where the value is wrong, after a complaint: reading goes on, so
// that one run shows all problems.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "input/yaml_tree.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"

namespace ratebatch::input {

// Complaints about one file. Its folder is what relative paths begin at.
class ConfigErrors {
 public:
  explicit ConfigErrors(std::string shown_path);

  void add(int line, std::string_view key, std::string_view what);

  [[nodiscard]] bool empty() const { return complaints_.empty(); }

  // All of them by line, the first config_errors_max in words.
  [[nodiscard]] Error joined() const;

  // A path of the configuration, as seen from the working directory.
  [[nodiscard]] std::string resolved(const std::string& path) const;

 private:
  std::string shown_path_;
  std::multimap<int, std::string> complaints_;  // By line; those of one line as they came.
};

// A value of the file and its name, such as "models.gpt-4o.limits.rpm". Borrows both.
struct ConfigNode {
  const YamlNode& yaml;
  std::string path;
  ConfigErrors& errors;

  void complain(std::string_view what) const { errors.add(yaml.line, path, what); }
  [[nodiscard]] ConfigNode entry(const YamlNode& child) const;
  [[nodiscard]] ConfigNode item(std::size_t index) const;

  // The entry of this key, if this is a map that has it.
  [[nodiscard]] std::optional<ConfigNode> find(std::string_view key) const;
};

// A key of a map and what reads its value.
struct ConfigKey {
  std::string_view name;
  std::function<void(const ConfigNode&)> read;
};

// Reads a map with fixed keys; others are complained about. A null is an empty map.
void read_keys(const ConfigNode& node, const std::vector<ConfigKey>& keys);

// Reads a map from names to values; names without control bytes, at most 256 bytes.
void read_named(const ConfigNode& node,
                const std::function<void(const std::string&, const ConfigNode&)>& read);

void read_text(const ConfigNode& node, std::string& out);      // Not empty, one line.
void read_template(const ConfigNode& node, std::string& out);  // Not empty, a valid template.
void read_boolean(const ConfigNode& node, bool& out);
void read_whole(const ConfigNode& node, std::int32_t& out, std::int32_t min, std::int32_t max);
void read_amount(const ConfigNode& node, std::int64_t& out, std::int64_t max);  // 500, 200k, 4M.
void read_share(const ConfigNode& node, std::int32_t& out_per_mille, std::int32_t min_per_mille,
                std::int32_t max_per_mille);  // 0.99 or 99%.
void read_length(const ConfigNode& node, Duration& out, Duration min, Duration max);
void read_params(const ConfigNode& node, std::string& out_json);
void read_json(const ConfigNode& node, std::string& out_json);  // Any value; canonical.

// Complains of the text that stands there: "WHAT, found 'TEXT'".
void complain_of_text(const ConfigNode& node, std::string_view what);

// True if `text` is a template. Else complains; `place` begins the message.
bool check_template(const ConfigNode& node, std::string_view text, std::string_view place = {});

// Complains that the value is none of these names.
void expected_one_of(const ConfigNode& node, const std::vector<std::string>& names);

// For a table of keys: reads the value with one of the functions above into `out`. Borrows `out`.
template <typename Out, typename Read, typename... Bounds>
auto into(Out& out, Read read, Bounds... bounds) {
  return [&out, read, bounds...](const ConfigNode& node) { read(node, out, bounds...); };
}

// For a table of keys: the value is read later, with ConfigNode::find.
inline void read_later(const ConfigNode&) {}

// For a table of keys: a value that is one of a few names. Borrows `out`.
template <typename T, typename Out>
auto choice(Out& out, std::vector<std::pair<std::string, T>> choices) {
  return [&out, choices = std::move(choices)](const ConfigNode& node) {
    std::vector<std::string> names;
    for (const auto& [name, value] : choices) {
      names.push_back(name);
      if (node.yaml.text != name) continue;
      out = value;
      return;
    }
    expected_one_of(node, names);
  };
}

// Reads each item of a list, or the one value that stands there without brackets. Complains with
// `if_empty` about an empty list.
void read_items(const ConfigNode& node, std::string_view if_empty,
                const std::function<void(const ConfigNode&)>& read);

}  // namespace ratebatch::input
