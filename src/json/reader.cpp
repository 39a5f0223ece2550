#include "ratebatch/json/reader.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::json {
namespace {

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

simdjson::error_code Parser::parse_checked(std::string_view text, bool unique_names, Value& out) {
  // The parser does not count an array or object that is empty: one more, and is_allowed counts.
  constexpr std::size_t parser_depth = depth_max + 1;
  simdjson::error_code error = simdjson::SUCCESS;
  if (parser_.max_depth() != parser_depth) error = parser_.allocate(0, parser_depth);
  if (error == simdjson::SUCCESS) error = parser_.parse(text.data(), text.size()).get(out);
  if (error == simdjson::SUCCESS && !is_allowed(out, depth_max, unique_names)) {
    error = simdjson::TAPE_ERROR;
  }
  return error;
}

tl::expected<Value, ParseError> Parser::parse_strict(std::string_view text) {
  Value value;
  if (parse_checked(without_byte_order_mark(text), true, value) == simdjson::SUCCESS) return value;
  tl::expected<Json, ParseError> refused = json::parse(text);
  if (!refused) return tl::unexpected<ParseError>(std::move(refused.error()));
  return tl::unexpected<ParseError>({Fault::syntax, "invalid JSON"});
}

std::optional<Value> Parser::parse(std::string_view text) {
  Value value;
  if (parse_checked(text, false, value) == simdjson::SUCCESS) return value;
  return std::nullopt;
}

std::optional<Value> Parser::parse_lenient(std::string_view text) {
  if (const auto value = parse(without_byte_order_mark(text))) return value;
  // What is refused may be bytes or numbers that the other parser takes; it writes them as all do.
  const std::optional<Json> value = json::parse_lenient(text);
  return value ? parse(written(*value)) : std::nullopt;
}

bool Parser::is_allowed(Value value, std::size_t levels, bool unique_names) {
  if (const auto object = as<Object>(value)) {
    return levels > 0 && is_allowed(*object, levels - 1, unique_names);
  }
  const auto array = as<Array>(value);
  return !array || (levels > 0 && std::all_of(array->begin(), array->end(), [&](Value item) {
                      return is_allowed(item, levels - 1, unique_names);
                    }));
}

// `levels`: of what is inside the object.
bool Parser::is_allowed(const Object& object, std::size_t levels, bool unique_names) {
  const auto first = static_cast<std::ptrdiff_t>(names_.size());
  bool allowed = true;
  for (const auto& [name, value] : object) {
    if (unique_names) names_.push_back(name);
    allowed = allowed && is_allowed(value, levels, unique_names);
  }
  allowed = allowed && all_differ(names_.begin() + first, names_.end());
  names_.resize(static_cast<std::size_t>(first));
  return allowed;
}

std::string_view kind_of(Value value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (value.is_string()) return "a string";
  if (value.is_bool()) return is_false(value) ? "false" : "true";
  return value.is_null() ? "null" : "a number";
}

bool is_false(Value value) { return as<bool>(value) == false; }

bool has_members(Value value) {
  const auto object = as<Object>(value);
  return object && object->size() > 0;
}

bool holds_something(Value value) {
  if (value.is_string()) return !trimmed(text_of(value)).empty();
  const std::string text = written(value);
  return text != "null" && text != "false" && text != "0" && text != "[]" && text != "{}";
}

std::optional<Value> find_member(std::optional<Value> value, std::string_view name) {
  const auto object = as<Object>(value);
  if (!object) return std::nullopt;
  std::optional<Value> found;
  for (const auto& [key, member] : *object) {
    if (key == name) found = member;
  }
  return found && !found->is_null() ? found : std::nullopt;
}

std::optional<Value> first_element(std::optional<Value> value) {
  const auto array = as<Array>(value);
  return array && array->size() > 0 ? std::optional<Value>(*array->begin()) : std::nullopt;
}

std::string_view text_of(std::optional<Value> value) {
  return as<std::string_view>(value).value_or("");
}

std::int64_t count_of(std::optional<Value> value, std::int64_t max) {
  return std::clamp<std::int64_t>(as<std::int64_t>(value).value_or(0), 0, max);
}

std::string whole_number_text(Value value) {
  if (const auto number = as<std::int64_t>(value)) return std::to_string(*number);
  const auto number = as<std::uint64_t>(value);
  return number ? std::to_string(*number) : std::string();
}

std::string plain_text(Value value) {
  if (value.is_bool()) return is_false(value) ? "false" : "true";
  std::string whole = whole_number_text(value);
  const auto number = whole.empty() ? as<double>(value) : std::nullopt;
  return number ? canonical(Json(*number)) : whole;
}

std::string written(Value value) { return simdjson::minify(value); }

std::string on_one_line(std::string_view text) {
  const std::string repaired = with_utf8_repaired(without_byte_order_mark(without_end_zeros(text)));
  std::string line(repaired.size(), '\0');
  std::size_t size = 0;
  const auto error = simdjson::minify(repaired.data(), repaired.size(), line.data(), size);
  line.resize(size);
  if (error == simdjson::SUCCESS) return line;
  // What a server sends is never a reason to stop: the other parser's words are as good.
  const std::optional<Json> value = parse_lenient(text);
  return value ? written(*value) : "null";
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

}  // namespace ratebatch::json
