// What the JSON lines of the program have in common. Each has schema_version and message_type.
// Field names are fixed; what this version does not know is null or 0. Text in it is raw, as JSON
// carries it. No line holds a newline.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::run {

using JsonLine = json::OrderedJson;

// Raised where a field changes its meaning; new fields do not raise it.
constexpr int json_schema_version = 1;

inline JsonLine json_message(std::string_view type) {
  return {{"schema_version", json_schema_version}, {"message_type", type}};
}

// The line of a command that failed.
inline std::string error_json(std::string_view text, int exit_code) {
  JsonLine json = json_message("error");
  json["message"] = text;
  json["exit_code"] = exit_code;
  return json::written(json);
}

template <typename T>
JsonLine or_null(const std::optional<T>& value) {
  return value ? JsonLine(*value) : JsonLine(nullptr);
}
inline JsonLine or_null(const std::optional<WallTime>& at) {
  return at ? JsonLine(format_utc(*at)) : JsonLine(nullptr);
}
inline JsonLine or_null(const std::string& text) {
  return text.empty() ? JsonLine(nullptr) : JsonLine(text);
}

// Seconds, to the millisecond.
inline double json_seconds(Duration d) { return static_cast<double>(to_ms(d)) / 1000; }

}  // namespace ratebatch::run
