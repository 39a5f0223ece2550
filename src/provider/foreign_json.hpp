// JSON of requests and replies, read fast and only looked at: nothing in it is trusted to be there,
// or to be of its type.
//
// The only header of this folder that includes simdjson. reply_json.hpp reads the rare texts:
// errors, and what has to be changed and written again.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ratebatch::provider {

using JsonValue = simdjson::dom::element;
using JsonObject = simdjson::dom::object;
using JsonArray = simdjson::dom::array;

// Owns the parser and the last value: what is taken from it lives until the next call.
class ForeignJson {
 public:
  // The value of a text that will be sent as it is. Nothing where it is no JSON, not UTF-8, or
  // nested deeper than reply_json_depth_max.
  std::optional<JsonValue> parse(std::string_view text);

  // The value of a server's text, read as leniently as read_json does: with bytes that are not
  // UTF-8 replaced, and with numbers of any length.
  std::optional<JsonValue> read(std::string_view text);

 private:
  simdjson::dom::parser parser_;
};

// True for an object that is not empty.
bool has_members(JsonValue value);

// True for a value that is neither null, false, zero nor empty; a text of blanks is empty.
bool holds_something(JsonValue value);

// The member of this name, the last where there are several; nothing where `value` is nothing, no
// object, has none, or has null.
std::optional<JsonValue> find_member(std::optional<JsonValue> value, std::string_view name);

// The first element; nothing where `value` is nothing, no array, or empty.
std::optional<JsonValue> first_element(std::optional<JsonValue> value);

// The value where it is a string, else an empty text.
std::string_view text_of(std::optional<JsonValue> value);

// The value where it is a whole number from 0 that fits, at most usage_max; else 0.
std::int64_t count_of(std::optional<JsonValue> value);

// The text of the value, on one line.
std::string written_json(JsonValue value);

// A server's JSON on one line: without blanks between its parts, bytes that are not UTF-8 replaced,
// otherwise as it stands. Precondition: ForeignJson reads `text`.
std::string on_one_line(std::string_view text);

}  // namespace ratebatch::provider
