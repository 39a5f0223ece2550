// Request parameters, which models, types and jobs may give: what they must not hold, and how the
// three become one.
#pragma once

#include <optional>
#include <string>

#include "input/json_text.hpp"

namespace ratebatch {

// What is wrong with these parameters (the end of a message), or nothing. Names that this program
// does not know are fine: they go to the provider as they are.
// Precondition: `params` is an object.
std::optional<std::string> problem_of_params(const Json& params);

// Puts the members of `over` into `into`; a name that both have takes the value of `over` whole.
// Precondition: both are objects.
void merge_params(Json& into, const Json& over);

}  // namespace ratebatch
