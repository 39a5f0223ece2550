// JSON from outside, read with this program's limits, and the one form in which it is compared.
//
// For configuration and for messages; lines that are read in numbers go through json_document.hpp.
// The only header of this folder that includes nlohmann/json. The limits hold while the text is
// parsed, so a hostile line never becomes a deep tree that later has to be copied or freed.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace ratebatch::input {

// Objects keep their names sorted, which makes a dump canonical.
using Json = nlohmann::json;

// Arrays and objects open at the same time. The spec's number (section 4); RFC 8259 section 9
// allows a parser to set one.
constexpr std::size_t json_depth_max = 64;

enum class JsonFault {
  syntax,         // Not JSON, or not UTF-8: what a line that is still being written looks like.
  too_deep,       // More than json_depth_max levels.
  duplicate_key,  // One object names a key twice: which of them is meant nobody can say.
  number,         // A number that does not fit: it would be stored as another one.
};

struct JsonError {
  JsonFault fault = JsonFault::syntax;
  std::string message;  // For people: what and where, foreign text escaped.
};

// Reads one JSON text. Columns in messages count characters from 1.
tl::expected<Json, JsonError> parse_json(std::string_view text);

// The value of JSON that was read before. Precondition: `text` is such.
Json own_json(std::string_view text);

// The canonical text: sorted keys, no spaces, UTF-8 as it is. Equal text is equal content.
// Precondition: `value` comes from parse_json or holds valid UTF-8 only.
std::string canonical_json(const Json& value);

// "an object", "a string", "null": for messages.
std::string_view json_kind(const Json& value);

}  // namespace ratebatch::input
