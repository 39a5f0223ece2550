// What every job of a route brings beside its own line, for the estimate of its tokens.
#pragma once

#include <string_view>

#include "ratebatch/model/config.hpp"
#include "ratebatch/model/lanes.hpp"

namespace ratebatch::input {

// Of the jobs of this type that name this model (either may be empty): the bytes of the type's
// system text and prompt without their placeholders, the longest answer that the parameters of type
// and model allow, and for an image model the images per request. All zero where find_job_model
// finds no model.
RouteEstimate route_estimate(const Config& config, std::string_view type, std::string_view model);

}  // namespace ratebatch::input
