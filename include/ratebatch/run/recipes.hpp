// How results are made now: the recipes that the configuration gives to the routes of a checkpoint.
#pragma once

#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/store/checkpoint.hpp"

namespace ratebatch::run {

// Fails with invalid_input where the configuration does not know the route's type or model.
Result<store::Recipe> recipe_of(const Config& config, const store::StoredRoute& route);

// Those of all routes that the configuration still knows.
std::vector<store::Recipe> known_recipes(const Config& config,
                                         const std::vector<store::StoredRoute>& routes);

}  // namespace ratebatch::run
