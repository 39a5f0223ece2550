#include "store/small_tables.hpp"

#include <string>

namespace ratebatch::store {

Result<CheckpointStamp> read_stamp(Connection& connection) {
  CheckpointStamp stamp;
  auto read =
      connection.rows("read the stamp", "SELECT key, value FROM meta", [&](const Statement& row) {
        const std::string key = row.text(0);
        if (key == "sandbox") stamp.sandbox = row.text(1) == "1";
        if (key == "sandbox_options") stamp.sandbox_options = row.text(1);
        if (key == "config_path") stamp.config_path = row.text(1);
      });
  if (!read) return pass(read);
  return stamp;
}

Result<void> write_stamp(Connection& connection, const CheckpointStamp& stamp) {
  return connection.run(
      "store the stamp",
      "INSERT INTO meta VALUES ('sandbox', ?1), ('sandbox_options', ?2), ('config_path', ?3)"
      " ON CONFLICT DO UPDATE SET value = excluded.value",
      stamp.sandbox ? "1" : "0", stamp.sandbox_options, stamp.config_path);
}

Result<std::vector<StoredRoute>> read_routes(Connection& connection) {
  return connection.list("read routes", "SELECT id, type, model FROM routes ORDER BY id",
                         [](const Statement& row) {
                           return StoredRoute{row.id<RouteId>(0), row.text(1), row.text(2)};
                         });
}

Result<std::vector<StoredState>> read_states(Connection& connection) {
  return connection.list(
      "read what is remembered", "SELECT scope, item, value FROM remembered ORDER BY scope, item",
      [](const Statement& row) { return StoredState{row.text(0), row.text(1), row.text(2)}; });
}

}  // namespace ratebatch::store
