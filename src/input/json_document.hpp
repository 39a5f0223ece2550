// JSON that is read for every job, fast: a parser that keeps its memory from text to text.
//
// The only header of this folder that includes simdjson. The limits and the messages are those of
// parse_json (json_text.hpp), which says what is wrong with a text that is refused here.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "input/json_text.hpp"

namespace ratebatch::input {

using JsonValue = simdjson::dom::element;
using JsonObject = simdjson::dom::object;
using JsonArray = simdjson::dom::array;

// Owns the parser and the last value.
class JsonDocument {
 public:
  // Reads one JSON text; refuses what parse_json refuses, in the same words. The value and all
  // that is taken from it live until the next call.
  tl::expected<JsonValue, JsonError> parse(std::string_view text);

 private:
  // False where an object at any depth names a key twice, or where arrays and objects nest deeper
  // than `levels`.
  bool is_allowed(JsonValue value, std::size_t levels);
  bool is_allowed(const JsonObject& object, std::size_t levels);

  simdjson::dom::parser parser_;
  std::vector<std::string_view> names_;  // Of the objects being looked at, the innermost last.
};

// "an object", "a string", "null": for messages.
std::string_view json_kind(JsonValue value);

bool is_string(JsonValue value);

// Precondition: is_string(value).
std::string_view string_in(JsonValue value);

bool is_false(JsonValue value);

// The text of a whole number, as canonical JSON writes it; empty for every other value.
std::string whole_number_text(JsonValue value);

// The text of a number, true or false, as canonical JSON writes it; empty for every other value.
std::string plain_text(JsonValue value);

// The texts of an object's values as they stand in it, in their order.
// Precondition: `object` is the text of a valid JSON object, blanks around it allowed.
std::vector<std::string_view> value_texts(std::string_view object);

}  // namespace ratebatch::input
