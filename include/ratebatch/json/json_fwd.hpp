// What headers need that only name JSON: its type, its limits, and the error of a text that is
// refused. reader.hpp looks at JSON; writer.hpp builds, changes and writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace ratebatch {
namespace json {

// Objects keep their names sorted, which makes the written text canonical.
using Json = nlohmann::json;

// Objects keep their members in the order of insertion: for what people read.
using OrderedJson = nlohmann::ordered_json;

// Arrays and objects open at the same time. The spec's number (section 4); RFC 8259 section 9
// allows a parser to set one.
constexpr std::size_t depth_max = 64;

enum class Fault : std::uint8_t {
  syntax,         // Not JSON, or not UTF-8: what a line that is still being written looks like.
  too_deep,       // More than depth_max levels.
  duplicate_key,  // One object names a key twice, and nobody can say which of them is meant.
  number,         // A number that does not fit: it would be stored as another one.
};

struct ParseError {
  Fault fault = Fault::syntax;
  std::string message;  // For people: what and where, foreign text escaped.
};

class Parser;  // reader.hpp

}  // namespace json

using json::Json;

}  // namespace ratebatch
