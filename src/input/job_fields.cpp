#include "input/job_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"

namespace ratebatch::input {

JobFields::JobFields(const json::Object& object, std::string_view line, json::Parser& parser)
    : line_(line), parser_(parser) {
  constexpr std::size_t common_count = 12;
  fields_.reserve(common_count);
  for (const auto& [name, value] : object) fields_.push_back({name, value});
}

void JobFields::refuse(std::string problem) {
  if (!problem_) problem_ = std::move(problem);
}

void JobFields::expected(std::string_view name, std::string_view what, json::Value found) {
  refuse(fmt::format("field '{}': expected {}, found {}", name, what, json::kind_of(found)));
}

void JobFields::only(std::span<const std::string_view> names, std::string_view where) {
  const Field* unknown = nullptr;  // The first by name, whatever order the line has.
  for (const Field& field : fields_) {
    if (std::find(names.begin(), names.end(), field.name) != names.end()) continue;
    if (unknown == nullptr || field.name < unknown->name) unknown = &field;
  }
  if (unknown == nullptr) return;
  refuse(fmt::format("unknown field '{}'{}{}", escaped(unknown->name, 80), where,
                     did_you_mean(unknown->name, {names.begin(), names.end()})));
}

const json::Value* JobFields::find(std::string_view name) const {
  for (const Field& field : fields_) {
    // Lengths first: a line is asked for some twenty names, and has few.
    if (field.name.size() == name.size() && field.name == name) return &field.value;
  }
  return nullptr;
}

const std::vector<json::Member>& JobFields::members() {
  if (members_.empty()) members_ = parser_.members(without_byte_order_mark(line_));
  return members_;
}

std::string JobFields::text(std::string_view name) {
  return std::string(std::ranges::find(members(), name, &json::Member::name)->text);
}

std::string JobFields::text_without(std::string_view name) {
  std::string out = "{";
  for (const json::Member& member : members()) {
    if (member.name == name) continue;
    if (out.size() > 1) out += ',';
    append_json_string(out, member.name);
    out += ':';
    out += member.text;
  }
  out += '}';
  return out;
}

std::string JobFields::id(std::string_view name) {
  const json::Value* value = find(name);
  if (value == nullptr) {
    refuse(fmt::format("missing field '{}'", name));
    return {};
  }
  if (value->is_string()) return checked_name(name, json::text_of(*value));
  std::string number = json::whole_number_text(*value);
  if (number.empty()) expected(name, "a string or a whole number", *value);
  return number;
}

std::string JobFields::name_at(std::string_view field, const json::Value* value) {
  if (value == nullptr) return {};
  if (value->is_string()) return checked_name(field, json::text_of(*value));
  expected(field, "a string", *value);
  return {};
}

std::int64_t JobFields::priority() {
  const json::Value* value = find("priority");
  if (value == nullptr) return 0;
  if (const auto number = json::as<std::int64_t>(*value)) return *number;
  const std::string text = json::whole_number_text(*value);
  if (text.empty()) {
    expected("priority", "a whole number", *value);
  } else {
    refuse(fmt::format("field 'priority': {} is too large", text));
  }
  return 0;
}

std::optional<json::Object> JobFields::object(std::string_view name) {
  const json::Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto object = json::as<json::Object>(*value);
  if (!object) expected(name, "an object", *value);
  return object;
}

std::string JobFields::checked_name(std::string_view field, std::string_view value) {
  if (value.empty()) refuse(fmt::format("field '{}' is empty", field));
  if (value.size() > job_id_bytes_max) {
    refuse(fmt::format("field '{}' has {} bytes; at most {} are allowed", field,
                       grouped(static_cast<std::int64_t>(value.size())), job_id_bytes_max));
  }
  if (has_control_byte(value)) {
    refuse(fmt::format("field '{}' holds a control character: '{}'", field, escaped(value, 80)));
  }
  return std::string(value);
}

}  // namespace ratebatch::input
