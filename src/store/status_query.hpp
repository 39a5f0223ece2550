// What `status` shows, read from the tables.
#pragma once

#include <cstdint>
#include <optional>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// Reads a handful of rows, and at most recent_results_max results. `holder` is the process that
// holds the run lock. Precondition: a read transaction is open.
Result<StatusData> read_status(Connection& connection, std::optional<std::int64_t> holder);

}  // namespace ratebatch::store
