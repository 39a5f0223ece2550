// Request parameters, which models, types and jobs may give: what they must not hold, and how the
// three become one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/json/writer.hpp"
#include "ratebatch/model/config.hpp"

namespace ratebatch::input {

enum class ParamValue : std::uint8_t { absent, is_false, other };

// What is wrong with these parameters (the end of a message), or nothing. Names that this program
// does not know are fine: they go to the provider as they are. `look_up` finds a parameter.
std::optional<std::string> problem_of_params(
    const std::function<ParamValue(std::string_view)>& look_up);

// The same for an object. Precondition: `params` is one.
std::optional<std::string> problem_of_params(const Json& params);

// Puts the members of `over` into `into`; a name that both have takes the value of `over` whole.
// Precondition: both are objects.
void merge_params(Json& into, const Json& over);

// The parameters of a model with those of a type over them.
Json merged_params(const ModelSettings& model, const TypeSettings& type);

}  // namespace ratebatch::input
