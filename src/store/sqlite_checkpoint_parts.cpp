#include "store/sqlite_checkpoint_parts.hpp"

#include "store/database_file.hpp"
#include "store/sqlite_schema.hpp"
#include "store/stamp_table.hpp"

namespace ratebatch::store {
namespace {

// Brings the format up to date; a new database gets its stamp in the same transaction, so that
// there is never one without.
Result<void> bring_up_to_date(Connection& connection, const std::string& path, bool is_new,
                              const CheckpointStamp& stamp_if_new) {
  auto transaction = Transaction::begin_write(connection);
  if (!transaction) return pass(transaction);
  auto done = migrate(connection, path, migrations());
  if (done && is_new) done = write_stamp(connection, stamp_if_new);
  if (done) done = transaction->commit();
  return done;
}

template <typename Database>
Result<void> prepare_reading(Database& database) {
  // Both repeat the condition of the index `startable`, or it could not serve them.
  return prepare_all(
      database.connection,
      {{&database.page_of_priority,
        "SELECT seq, priority, state, attempts, retries_used, ready_at_ms, input_bytes, output_max,"
        " images, raw_body, rejections FROM states"
        " WHERE route_id = ?1 AND state IN (0, 3) AND priority = ?2 AND seq > ?3"
        " ORDER BY seq LIMIT ?4",
        "read jobs"},
       {&database.page_below,
        "SELECT seq, priority, state, attempts, retries_used, ready_at_ms, input_bytes, output_max,"
        " images, raw_body, rejections FROM states"
        " WHERE route_id = ?1 AND state IN (0, 3) AND priority <= ?2"
        " ORDER BY priority DESC, seq LIMIT ?3",
        "read jobs"},
       {&database.find_job,
        "SELECT jobs.id, line_json, path FROM jobs JOIN files ON files.id = file_id WHERE seq = ?1",
        "read a job"}});
}

}  // namespace

Result<std::unique_ptr<SqliteCheckpoint::Parts>> SqliteCheckpoint::Parts::open(
    const std::string& path, RunLock lock, OpenMode mode, const CheckpointStamp& stamp_if_new) {
  auto parts = std::make_unique<Parts>(path, std::move(lock));
  // Once more: another process may have made or removed the file before the lock was ours.
  auto exists = database_file_exists(path, true);
  Result<void> opened;
  if (!exists) {
    opened = pass(exists);
  } else if (!*exists && mode == OpenMode::must_exist) {
    opened = no_checkpoint(path);
  } else {
    opened = *exists ? refuse_foreign_file(path) : make_database_file(path);
    if (opened) opened = parts->open_database(mode, stamp_if_new);
  }
  if (opened) return parts;

  parts->database.reset();
  if (exists && !*exists) remove_database_files(path);
  if (parts->lock.made_file()) parts->lock.remove_file();
  return pass(opened);
}

Result<void> SqliteCheckpoint::Parts::open_database(OpenMode mode,
                                                    const CheckpointStamp& stamp_if_new) {
  auto connection = Connection::open(path, Connection::Access::read_write);
  if (!connection) return pass(connection);
  auto format = format_of(*connection, path, std::ssize(migrations()));
  if (!format) return pass(format);
  created = *format == 0;
  if (created && mode == OpenMode::must_exist) return no_checkpoint(path);

  auto done = configure_writer(*connection, path);
  if (done) done = bring_up_to_date(*connection, path, created, stamp_if_new);
  if (!done) return done;
  auto stored_stamp = read_stamp(*connection);
  if (!stored_stamp) return pass(stored_stamp);
  stamp = std::move(*stored_stamp);

  auto ledger = CounterLedger::load(*connection);
  if (!ledger) return pass(ledger);
  database = std::make_unique<Database>(std::move(*connection), std::move(*ledger));
  auto writer = BatchWriter::make(database->connection, database->ledger);
  if (!writer) return pass(writer);
  database->writer = std::move(*writer);
  return prepare_reading(*database);
}

}  // namespace ratebatch::store
