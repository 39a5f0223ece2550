#include "ratebatch/run/recipes.hpp"

#include <utility>

#include "ratebatch/base/text.hpp"
#include "ratebatch/input/render_job.hpp"

namespace ratebatch::run {

Result<store::Recipe> recipe_of(const Config& config, const store::StoredRoute& route) {
  auto json = input::recipe_json(config, route.type, route.model);
  if (!json) return pass(json);
  return store::Recipe{route.id, fnv1a_64_hex(*json), std::move(*json)};
}

std::vector<store::Recipe> known_recipes(const Config& config,
                                         const std::vector<store::StoredRoute>& routes) {
  std::vector<store::Recipe> recipes;
  for (const store::StoredRoute& route : routes) {
    auto recipe = recipe_of(config, route);
    if (recipe) recipes.push_back(std::move(*recipe));
  }
  return recipes;
}

}  // namespace ratebatch::run
