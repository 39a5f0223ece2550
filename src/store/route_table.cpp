#include "store/route_table.hpp"

namespace ratebatch::store {

Result<std::vector<StoredRoute>> read_routes(Connection& connection) {
  auto statement =
      connection.prepare("SELECT id, type, model FROM routes ORDER BY id", "read routes");
  if (!statement) return pass(statement);
  std::vector<StoredRoute> routes;
  auto read = statement->rows([&](const Statement& row) {
    routes.push_back({row.id<RouteId>(0), row.text(1), row.text(2)});
  });
  if (!read) return pass(read);
  return routes;
}

}  // namespace ratebatch::store
