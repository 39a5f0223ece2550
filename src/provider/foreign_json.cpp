#include "provider/foreign_json.hpp"

#include <algorithm>

#include "provider/foreign_text.hpp"
#include "provider/reply_json.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {
namespace {

// Whether arrays and objects nest at most so many levels deep.
bool fits_in(JsonValue value, int levels) {
  JsonObject object;
  JsonArray array;
  if (value.get(object) == simdjson::SUCCESS) {
    return levels > 0 && std::all_of(object.begin(), object.end(), [&](const auto& member) {
             return fits_in(member.value, levels - 1);
           });
  }
  if (value.get(array) == simdjson::SUCCESS) {
    return levels > 0 && std::all_of(array.begin(), array.end(), [&](JsonValue element) {
             return fits_in(element, levels - 1);
           });
  }
  return true;
}

}  // namespace

std::optional<JsonValue> ForeignJson::parse(std::string_view text) {
  // The parser does not count an array or object that is empty: one more, and fits_in counts.
  constexpr std::size_t parser_depth = reply_json_depth_max + 1;
  if (parser_.max_depth() != parser_depth &&
      parser_.allocate(text.size(), parser_depth) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  JsonValue value;
  if (parser_.parse(text.data(), text.size()).get(value) != simdjson::SUCCESS) return std::nullopt;
  if (!fits_in(value, reply_json_depth_max)) return std::nullopt;
  return value;
}

std::optional<JsonValue> ForeignJson::read(std::string_view text) {
  if (const auto value = parse(without_byte_order_mark(text))) return value;
  // What is refused may be bytes or numbers that the other parser takes; it writes them as all do.
  const std::optional<Json> value = read_json(text);
  return value ? parse(written_json(*value)) : std::nullopt;
}

bool has_members(JsonValue value) {
  JsonObject object;
  return value.get(object) == simdjson::SUCCESS && object.size() > 0;
}

bool holds_something(JsonValue value) {
  if (value.is_string()) return !trimmed(text_of(value)).empty();
  const std::string text = written_json(value);
  return text != "null" && text != "false" && text != "0" && text != "[]" && text != "{}";
}

std::optional<JsonValue> find_member(std::optional<JsonValue> value, std::string_view name) {
  JsonObject object;
  if (!value || value->get(object) != simdjson::SUCCESS) return std::nullopt;
  std::optional<JsonValue> found;
  for (const auto& [key, member] : object) {
    if (key == name) found = member;
  }
  return found && !found->is_null() ? found : std::nullopt;
}

std::optional<JsonValue> first_element(std::optional<JsonValue> value) {
  JsonArray array;
  if (!value || value->get(array) != simdjson::SUCCESS) return std::nullopt;
  for (const JsonValue element : array) return element;
  return std::nullopt;
}

std::string_view text_of(std::optional<JsonValue> value) {
  std::string_view text;
  if (!value || value->get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::int64_t count_of(std::optional<JsonValue> value) {
  std::int64_t count = 0;
  if (!value || value->get(count) != simdjson::SUCCESS || count < 0) return 0;
  return std::min(count, usage_max);
}

std::string written_json(JsonValue value) { return simdjson::minify(value); }

std::string on_one_line(std::string_view text) {
  const std::string repaired = with_utf8_repaired(without_byte_order_mark(without_end_zeros(text)));
  std::string line(repaired.size(), '\0');
  std::size_t size = 0;
  const auto error = simdjson::minify(repaired.data(), repaired.size(), line.data(), size);
  line.resize(size);
  if (error == simdjson::SUCCESS) return line;
  // What a server sends is never a reason to stop: the other parser's words are as good.
  const std::optional<Json> value = read_json(text);
  return value ? written_json(*value) : "null";
}

}  // namespace ratebatch::provider
