#include "input/params.hpp"

#include <array>
#include <string_view>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::input {

std::optional<std::string> problem_of_params(
    const std::function<ParamValue(std::string_view)>& look_up) {
  if (look_up("stream") == ParamValue::other) {
    return "'stream' cannot be used: every answer is read whole";
  }
  // Each of these has its own field; beside it, a second one would decide what is asked and paid.
  constexpr std::array<std::string_view, 3> own_fields = {"model", "messages", "prompt"};
  for (const std::string_view name : own_fields) {
    if (look_up(name) != ParamValue::absent) {
      return "'" + std::string(name) + "' is not a parameter; give it as a field of its own";
    }
  }
  return std::nullopt;
}

std::optional<std::string> problem_of_params(const Json& params) {
  RB_ASSERT(params.is_object());
  return problem_of_params([&](std::string_view name) {
    const auto found = params.find(name);
    if (found == params.end()) return ParamValue::absent;
    return *found == false ? ParamValue::is_false : ParamValue::other;
  });
}

void merge_params(Json& into, const Json& over) {
  RB_ASSERT(into.is_object() && over.is_object());
  for (const auto& [name, value] : over.items()) into[name] = value;
}

Json merged_params(const ModelSettings& model, const TypeSettings& type) {
  Json params = json::parse_valid(model.params_json);
  merge_params(params, json::parse_valid(type.params_json));
  return params;
}

}  // namespace ratebatch::input
