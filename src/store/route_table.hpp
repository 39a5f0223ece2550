// The table `routes`.
#pragma once

#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// All routes, by id.
Result<std::vector<StoredRoute>> read_routes(Connection& connection);

}  // namespace ratebatch::store
