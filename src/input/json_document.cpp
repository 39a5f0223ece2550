#include "input/json_document.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

using Type = simdjson::dom::element_type;

// Each name against each other is the quickest way as long as they are few, as in all job lines.
bool all_differ(std::vector<std::string_view>::iterator begin,
                std::vector<std::string_view>::iterator end) {
  constexpr std::ptrdiff_t few = 16;
  if (end - begin > few) {
    std::sort(begin, end);
    return std::adjacent_find(begin, end) == end;
  }
  for (auto name = begin; name != end; ++name) {
    if (std::find(begin, name, *name) != name) return false;
  }
  return true;
}

// Where the string that begins at `at` ends: behind its closing quote.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (std::size_t quote = text.find('"', at + 1);; quote = text.find('"', quote + 1)) {
    RB_ASSERT(quote != std::string_view::npos);
    std::size_t backslashes = 0;
    while (text[quote - 1 - backslashes] == '\\') ++backslashes;
    if (backslashes % 2 == 0) return quote + 1;
  }
}

// Where the value that begins at `at` ends.
std::size_t value_end(std::string_view text, std::size_t at) {
  if (text[at] == '"') return string_end(text, at);
  if (text[at] != '{' && text[at] != '[') return text.find_first_of(",]} \t\r\n", at);
  std::size_t depth = 0;
  do {
    const char c = text[at];
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    at = c == '"' ? string_end(text, at) : at + 1;
  } while (depth > 0);
  return at;
}

}  // namespace

tl::expected<JsonValue, JsonError> JsonDocument::parse(std::string_view text) {
  // The parser does not count an array or object that is empty: one more, and is_allowed counts.
  constexpr std::size_t parser_depth = json_depth_max + 1;
  const std::string_view json = without_byte_order_mark(text);
  JsonValue value;
  simdjson::error_code error = simdjson::SUCCESS;
  if (parser_.max_depth() != parser_depth) error = parser_.allocate(0, parser_depth);
  if (error == simdjson::SUCCESS) error = parser_.parse(json.data(), json.size()).get(value);
  if (error == simdjson::SUCCESS && is_allowed(value, json_depth_max)) return value;
  tl::expected<Json, JsonError> refused = parse_json(text);
  if (!refused) return tl::unexpected<JsonError>(std::move(refused.error()));
  return tl::unexpected<JsonError>({JsonFault::syntax, "invalid JSON"});
}

bool JsonDocument::is_allowed(JsonValue value, std::size_t levels) {
  switch (value.type()) {
    case Type::OBJECT:
      return levels > 0 && is_allowed(value.get_object().value_unsafe(), levels - 1);
    case Type::ARRAY: {
      const JsonArray array = value.get_array().value_unsafe();
      return levels > 0 && std::all_of(array.begin(), array.end(), [&](JsonValue item) {
               return is_allowed(item, levels - 1);
             });
    }
    case Type::INT64:
    case Type::UINT64:
    case Type::DOUBLE:
    case Type::STRING:
    case Type::BOOL:
    case Type::NULL_VALUE:
      return true;
  }
  return true;
}

// `levels`: of what is inside the object.
bool JsonDocument::is_allowed(const JsonObject& object, std::size_t levels) {
  const auto first = static_cast<std::ptrdiff_t>(names_.size());
  bool allowed = true;
  for (const auto& [name, value] : object) {
    names_.push_back(name);
    allowed = allowed && is_allowed(value, levels);
  }
  allowed = allowed && all_differ(names_.begin() + first, names_.end());
  names_.resize(static_cast<std::size_t>(first));
  return allowed;
}

std::string_view json_kind(JsonValue value) {
  switch (value.type()) {
    case Type::OBJECT:
      return "an object";
    case Type::ARRAY:
      return "an array";
    case Type::STRING:
      return "a string";
    case Type::BOOL:
      return is_false(value) ? "false" : "true";
    case Type::INT64:
    case Type::UINT64:
    case Type::DOUBLE:
      return "a number";
    case Type::NULL_VALUE:
      return "null";
  }
  return {};
}

bool is_string(JsonValue value) { return value.type() == Type::STRING; }

std::string_view string_in(JsonValue value) { return value.get_string().value_unsafe(); }

bool is_false(JsonValue value) {
  return value.type() == Type::BOOL && !value.get_bool().value_unsafe();
}

std::string whole_number_text(JsonValue value) {
  if (value.type() == Type::INT64) return std::to_string(value.get_int64().value_unsafe());
  if (value.type() == Type::UINT64) return std::to_string(value.get_uint64().value_unsafe());
  return {};
}

std::string plain_text(JsonValue value) {
  if (value.type() == Type::BOOL) return is_false(value) ? "false" : "true";
  if (value.type() == Type::DOUBLE) return canonical_json(Json(value.get_double().value_unsafe()));
  return whole_number_text(value);
}

std::vector<std::string_view> value_texts(std::string_view object) {
  std::vector<std::string_view> texts;
  std::size_t at = object.find('{') + 1;
  for (;;) {
    at = object.find_first_not_of(blanks, at);
    RB_ASSERT(at != std::string_view::npos);
    if (object[at] == '}') return texts;
    if (object[at] == ',') at = object.find('"', at);
    at = object.find(':', string_end(object, at)) + 1;
    at = object.find_first_not_of(blanks, at);
    const std::size_t end = value_end(object, at);
    texts.push_back(object.substr(at, end - at));
    at = end;
  }
}

}  // namespace ratebatch::input
