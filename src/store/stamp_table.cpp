#include "store/stamp_table.hpp"

#include <string>

namespace ratebatch::store {

Result<CheckpointStamp> read_stamp(Connection& connection) {
  auto statement = connection.prepare("SELECT key, value FROM meta", "read the stamp");
  if (!statement) return pass(statement);
  CheckpointStamp stamp;
  auto read = statement->rows([&](const Statement& row) {
    const std::string key = row.text(0);
    if (key == "sandbox") stamp.sandbox = row.text(1) == "1";
    if (key == "sandbox_options") stamp.sandbox_options = row.text(1);
    if (key == "config_path") stamp.config_path = row.text(1);
  });
  if (!read) return pass(read);
  return stamp;
}

Result<void> write_stamp(Connection& connection, const CheckpointStamp& stamp) {
  auto statement = connection.prepare(
      "INSERT INTO meta VALUES ('sandbox', ?1), ('sandbox_options', ?2), ('config_path', ?3)"
      " ON CONFLICT DO UPDATE SET value = excluded.value",
      "store the stamp");
  if (!statement) return pass(statement);
  return statement->run(stamp.sandbox ? "1" : "0", stamp.sandbox_options, stamp.config_path);
}

}  // namespace ratebatch::store
