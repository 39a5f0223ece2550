// JSON that is only looked at, read fast: job lines, requests and replies.
//
// The only header that includes simdjson. Nothing in a text from outside is trusted to be there, or
// to be of its type: the functions below take a value that may be absent, and answer for it.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "ratebatch/json/json_fwd.hpp"

namespace ratebatch::json {

using Value = simdjson::dom::element;
using Object = simdjson::dom::object;
using Array = simdjson::dom::array;

// A member of an object: its name, and the text of its value as it stands in the object.
struct Member {
  std::string_view name;
  std::string_view text;
};

// A parser that keeps its memory from text to text. It owns the last value: what is taken from it
// lives until the next call.
class Parser {
 public:
  // For job lines: refuses what parse() of writer.hpp refuses, in the same words.
  tl::expected<Value, ParseError> parse_strict(std::string_view text);

  // For a text that is sent as it is; nullopt if it is not JSON, not UTF-8, or nested deeper than
  // depth_max.
  std::optional<Value> parse(std::string_view text);

  // For a server's text, by the rules of parse_lenient() of writer.hpp.
  std::optional<Value> parse_lenient(std::string_view text);

  // The members of an object in their order. Their names live until the next call, their texts are
  // parts of `object`. Precondition: `object` is the text of a valid JSON object, without a byte
  // order mark; blanks around it are allowed.
  std::vector<Member> members(std::string_view object);

 private:
  // Parses and checks the depth; with `unique_names` also that no object names a key twice.
  simdjson::error_code parse_checked(std::string_view text, bool unique_names, Value& out);
  bool is_allowed(Value value, std::size_t levels, bool unique_names);
  bool is_allowed(const Object& object, std::size_t levels, bool unique_names);

  simdjson::dom::parser parser_;
  simdjson::ondemand::parser text_parser_;
  std::string padded_;                   // The text for it.
  std::vector<std::string_view> names_;  // Of the objects being checked, the innermost last.
};

// The value as a T: Object, Array, std::string_view, bool, double, std::int64_t (a whole number
// that fits). nullopt if it is absent, or of another type.
template <typename T>
std::optional<T> as(std::optional<Value> value) {
  T out{};
  if (!value || value->get(out) != simdjson::SUCCESS) return std::nullopt;
  return out;
}

// "an object", "a string", "null": for messages.
std::string_view kind_of(Value value);

bool is_false(Value value);

// True for an object that is not empty.
bool has_members(Value value);

// True for a value that is neither null, false, zero nor empty; a text of blanks is empty.
bool holds_something(Value value);

// The member of this name, the last if there are several; nullopt if `value` is absent, is not an
// object, or has no such member, or only null there.
std::optional<Value> find_member(std::optional<Value> value, std::string_view name);

// The first element; nullopt if `value` is absent, is not an array, or is empty.
std::optional<Value> first_element(std::optional<Value> value);

// All elements; none if `value` is absent or is not an array.
struct Elements {
  std::optional<Array> array;

  [[nodiscard]] Array::iterator begin() const { return array ? array->begin() : Array::iterator(); }
  [[nodiscard]] Array::iterator end() const { return array ? array->end() : Array::iterator(); }
};
inline Elements elements_of(std::optional<Value> value) { return {as<Array>(value)}; }

// The text of a string; an empty text for any other value.
std::string_view text_of(std::optional<Value> value);

// The text of the member of this name; empty if it is not a string.
inline std::string_view text_member(std::optional<Value> value, std::string_view name) {
  return text_of(find_member(value, name));
}

// A whole number from 0 that fits in 64 bits, but at most `max`; 0 for any other value.
std::int64_t count_of(std::optional<Value> value, std::int64_t max);

// The text of a string as it is; of any other value its JSON text.
std::string as_text(Value value);

// The text of a whole number, as canonical JSON writes it; empty for any other value.
std::string whole_number_text(Value value);

// The text of a number, true or false, as canonical JSON writes it; empty for any other value.
std::string plain_text(Value value);

// The JSON text of the value, on one line.
std::string written(Value value);

// A server's JSON on one line: without blanks between its parts, bytes that are not UTF-8 replaced,
// otherwise as it stands. Precondition: parse_lenient takes `text`.
std::string on_one_line(std::string_view text);

}  // namespace ratebatch::json
