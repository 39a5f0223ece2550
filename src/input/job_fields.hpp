// The fields of one job line, taken out by their names; keeps the first thing that is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/json/reader.hpp"

namespace ratebatch::input {

// After a problem the values that are returned mean nothing.
class JobFields {
 public:
  struct Field {
    std::string_view name;
    json::Value value;
  };

  // `line` is the text of `object`. Borrows all three.
  JobFields(const json::Object& object, std::string_view line, json::Parser& parser);

  [[nodiscard]] const std::optional<std::string>& problem() const { return problem_; }

  void refuse(std::string problem);
  void expected(std::string_view name, std::string_view what, json::Value found);

  // Every field has one of these names. `where` ends the message.
  void only(std::span<const std::string_view> names, std::string_view where);

  // The field, if it is there.
  [[nodiscard]] const json::Value* find(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }

  // The JSON text of a field that is there.
  std::string text(std::string_view name);

  // The whole line as an object without this field, every other one as it stands.
  std::string text_without(std::string_view name);

  // A job's id: a string or a whole number.
  std::string id(std::string_view name);

  // A name; empty if the field is absent.
  std::string name(std::string_view field) { return name_at(field, find(field)); }
  std::string name_at(std::string_view field, const json::Value* value);

  std::int64_t priority();

  // An object, or nothing.
  std::optional<json::Object> object(std::string_view name);

 private:
  std::string checked_name(std::string_view field, std::string_view value);
  const std::vector<json::Member>& members();

  std::string_view line_;
  json::Parser& parser_;
  std::vector<Field> fields_;
  std::vector<json::Member> members_;  // Found when the first text is asked for.
  std::optional<std::string> problem_;
};

}  // namespace ratebatch::input
