// Rows that the writer and the reader of a checkpoint both read: the stamp, the routes, the text of
// a job and its size, and what is remembered of limits.
#pragma once

#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

Result<CheckpointStamp> read_stamp(Connection& connection);

// Writes all of it. Precondition: a write transaction is open.
Result<void> write_stamp(Connection& connection, const CheckpointStamp& stamp);

// A job from the columns id, line_json and path.
inline StoredJob stored_job(const Statement& row) {
  return {row.text(0), row.text(1), row.text(2)};
}

// A size from the columns input_bytes, output_max, images and raw_body, of which the first is
// `column`.
JobSize stored_size(const Statement& row, int column);

// All routes, by id.
Result<std::vector<StoredRoute>> read_routes(Connection& connection);

// All remembered states, by scope and item.
Result<std::vector<StoredState>> read_states(Connection& connection);

}  // namespace ratebatch::store
