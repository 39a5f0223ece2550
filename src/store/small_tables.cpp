#include "store/small_tables.hpp"

#include <string>

namespace ratebatch::store {

Result<CheckpointStamp> read_stamp(Connection& connection) {
  CheckpointStamp stamp;
  const auto take = [&](const Statement& row) {
    const std::string key = row.text(0);
    if (key == "sandbox") stamp.sandbox = row.text(1) == "1";
    if (key == "sandbox_options") stamp.sandbox_options = row.text(1);
    if (key == "config_path") stamp.config_path = row.text(1);
  };
  RB_TRY(read, connection.rows("read the stamp", "SELECT key, value FROM meta", take));
  return stamp;
}

Result<void> write_stamp(Connection& connection, const CheckpointStamp& stamp) {
  return connection.run(
      "store the stamp",
      "INSERT INTO meta VALUES ('sandbox', ?1), ('sandbox_options', ?2), ('config_path', ?3)"
      " ON CONFLICT DO UPDATE SET value = excluded.value",
      stamp.sandbox ? "1" : "0", stamp.sandbox_options, stamp.config_path);
}

JobSize stored_size(const Statement& row, int column) {
  JobSize size{.input_bytes = row.integer(column),
               .output_max = std::nullopt,
               .images = row.integer(column + 2),
               .raw_body = row.integer(column + 3) != 0};
  if (row.integer(column + 1) > 0) size.output_max = row.integer(column + 1);
  return size;
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
