// What a SqliteCheckpoint consists of, and how it comes to be.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"
#include "store/batch_writer.hpp"
#include "store/counter_ledger.hpp"
#include "store/run_lock.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// In the order of construction: the lock goes last, the statements before their connection.
struct SqliteCheckpoint::Parts {
  // Opens or makes the database under the lock, as SqliteCheckpoint::open promises.
  static Result<std::unique_ptr<Parts>> open(const std::string& path, RunLock lock, OpenMode mode,
                                             const CheckpointStamp& stamp_if_new);

  Parts(std::string resolved_path, RunLock taken_lock)
      : path(std::move(resolved_path)), lock(std::move(taken_lock)) {}

  // All of these belong to an open checkpoint and are there after `open`;
  // `discard_if_created` drops them.
  struct Database {
    Database(Connection opened, Counts stored)
        : connection(std::move(opened)), ledger(connection, std::move(stored)) {}

    // Executes `change` in a transaction of its own and saves the counters that it collected in
    // the ledger. If anything fails, ledger and writer forget together with the database.
    template <typename Change>
    auto store(Change change) -> decltype(change()) {
      RB_TRY(transaction, Transaction::begin_write(connection));
      auto changed = change();
      if (!changed) {
        discard();
        return changed;
      }
      auto finished = ledger.save();
      if (finished) finished = transaction->commit();
      if (!finished) {
        discard();
        return pass(finished);
      }
      ledger.accept();
      writer.accept();
      return changed;
    }

    void discard() {
      ledger.discard();
      writer.discard();
    }

    Connection connection;
    CounterLedger ledger;
    BatchWriter writer{connection, ledger};

    // Both repeat the condition of the index `startable`, or it could not serve them.
    Statement page_of_priority =
        startable_jobs(" AND priority = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4");
    Statement page_below =
        startable_jobs(" AND priority <= ?2 ORDER BY priority DESC, seq LIMIT ?3");
    Statement find_job = {
        connection, "read a job",
        "SELECT jobs.id, line_json, path FROM jobs JOIN files ON files.id = file_id"
        " WHERE seq = ?1"};

   private:
    [[nodiscard]] Statement startable_jobs(const char* rest) const {
      return {connection, "read jobs",
              std::string{"SELECT seq, priority, state, attempts, retries_used, ready_at_ms,"
                          " input_bytes, output_max, images, raw_body, rejections FROM states"
                          " WHERE route_id = ?1 AND state IN (0, 3)"} +
                  rest};
    }
  };

  std::string path;
  RunLock lock;
  CheckpointStamp stamp;
  bool created = false;
  std::unique_ptr<Database> database;
  std::optional<RunRows> run;  // Of the run that began.

 private:
  Result<void> open_database(OpenMode mode, const CheckpointStamp& stamp_if_new);
};

}  // namespace ratebatch::store
