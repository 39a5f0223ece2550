// Puts jobs that came to an end back in the queue.
#pragma once

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"
#include "store/counter_ledger.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// Writes into the open transaction what SqliteCheckpoint::requeue promises; counters go to the
// ledger.
Result<RequeueSummary> requeue_jobs(Connection& connection, CounterLedger& ledger,
                                    const RequeueFilter& filter);

}  // namespace ratebatch::store
