#include "ratebatch/run/recipes.hpp"

#include <utility>

#include "ratebatch/base/text.hpp"
#include "ratebatch/input/render_job.hpp"

namespace ratebatch {

Result<Recipe> recipe_of(const Config& config, const StoredRoute& route) {
  auto json = recipe_json(config, route.type, route.model);
  if (!json) return pass(json);
  return Recipe{route.id, fnv1a_64_hex(*json), std::move(*json)};
}

std::vector<Recipe> known_recipes(const Config& config, const std::vector<StoredRoute>& routes) {
  std::vector<Recipe> recipes;
  for (const StoredRoute& route : routes) {
    auto recipe = recipe_of(config, route);
    if (recipe) recipes.push_back(std::move(*recipe));
  }
  return recipes;
}

}  // namespace ratebatch
