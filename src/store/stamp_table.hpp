// The stamp of a checkpoint in the table `meta`.
#pragma once

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint_stamp.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

Result<CheckpointStamp> read_stamp(Connection& connection);

// Writes all of it. Precondition: a write transaction is open.
Result<void> write_stamp(Connection& connection, const CheckpointStamp& stamp);

}  // namespace ratebatch::store
