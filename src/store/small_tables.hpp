// Rows that the writer and the reader of a checkpoint both read: the stamp, the routes, and what is
// remembered of limits.
#pragma once

#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "ratebatch/store/checkpoint_stamp.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

Result<CheckpointStamp> read_stamp(Connection& connection);

// Writes all of it. Precondition: a write transaction is open.
Result<void> write_stamp(Connection& connection, const CheckpointStamp& stamp);

// All routes, by id.
Result<std::vector<StoredRoute>> read_routes(Connection& connection);

// All remembered states, by scope and item.
Result<std::vector<StoredState>> read_states(Connection& connection);

}  // namespace ratebatch::store
