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

std::vector<Member> Parser::members(std::string_view object) {
  const simdjson::padded_string padded(object);
  auto document = text_parser_.iterate(padded);
  std::vector<Member> members;
  for (auto field : document.get_object()) {
    Member& member = members.emplace_back();
    simdjson::ondemand::value value;
    auto error = field.unescaped_key().get(member.name);
    if (error == simdjson::SUCCESS) error = field.value().get(value);
    if (error == simdjson::SUCCESS) error = simdjson::to_json_string(value).get(member.text);
    RB_ASSERT(error == simdjson::SUCCESS);
    // The same place in the text of the caller.
    member.text = object.substr(static_cast<std::size_t>(member.text.data() - padded.data()),
                                member.text.size());
  }
  return members;
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

std::string as_text(Value value) {
  return value.is_string() ? std::string(text_of(value)) : written(value);
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
  text = without_byte_order_mark(text.substr(0, text.find_last_not_of('\0') + 1));
  const std::string repaired = with_utf8_repaired(text);
  std::string line(repaired.size(), '\0');
  std::size_t size = 0;
  const auto error = simdjson::minify(repaired.data(), repaired.size(), line.data(), size);
  // It fails only if a string has no end.
  RB_ASSERT(error == simdjson::SUCCESS);
  line.resize(size);
  return line;
}

}  // namespace ratebatch::json
