// A YAML document as a plain tree with line numbers. The .cpp is the only file that includes
// yaml-cpp.
//
// A subset on purpose: no aliases and anchors (a few lines of them can stand for gigabytes), no
// tags, no complex keys, one document. Every refusal names its line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace ratebatch::input {

struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  int line = 1;                 // Where the value begins; of a map's entry: where its key stands.
  std::string key;              // In its map; empty for items of a list and for the root.
  std::string text;             // Of a scalar.
  bool quoted = false;          // A scalar that is text whatever it looks like: 'true', "5", |.
  std::vector<YamlNode> items;  // Of a list or a map, in the order of the text.
};

struct YamlError {
  int line = 1;
  std::string message;
};

// Nested lists and maps. Ours need seven; free-form parameters get the rest.
constexpr std::size_t yaml_depth_max = 32;

// Reads a document; an empty one is null. Precondition: `text` is of bounded size.
tl::expected<YamlNode, YamlError> parse_yaml(std::string_view text);

}  // namespace ratebatch::input
