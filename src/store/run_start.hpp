// The beginning of a run in the database: names become rows, and what a dead run left is settled.
#pragma once

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "store/batch_writer.hpp"
#include "store/counter_ledger.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

struct RunOpened {
  RunBegun begun;
  RunRows rows;
};

// Writes into the open transaction what Checkpoint::begin_run promises; counters go to the ledger.
Result<RunOpened> open_run(Connection& connection, CounterLedger& ledger, const RunStart& start);

}  // namespace ratebatch::store
