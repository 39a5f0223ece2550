#include "input/params.hpp"

#include <array>
#include <string_view>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {

std::optional<std::string> problem_of_params(const Json& params) {
  RB_ASSERT(params.is_object());
  const auto stream = params.find("stream");
  if (stream != params.end() && *stream != false) {
    return "'stream' cannot be used: every answer is read whole";
  }
  // Each of these has its own field; beside it, a second one would decide what is asked and paid.
  constexpr std::array<std::string_view, 3> own_fields = {"model", "messages", "prompt"};
  for (const std::string_view name : own_fields) {
    if (params.contains(name)) {
      return "'" + std::string(name) + "' is not a parameter; give it as a field of its own";
    }
  }
  return std::nullopt;
}

void merge_params(Json& into, const Json& over) {
  RB_ASSERT(into.is_object() && over.is_object());
  for (const auto& [name, value] : over.items()) into[name] = value;
}

}  // namespace ratebatch
