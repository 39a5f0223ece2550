#include "ratebatch/store/sqlite_checkpoint.hpp"

#include <limits>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "store/database_file.hpp"
#include "store/small_tables.hpp"
#include "store/sqlite_checkpoint_parts.hpp"
#include "store/sqlite_schema.hpp"

namespace ratebatch::store {
namespace {

JobRef job_ref(const Statement& row, RouteId route) {
  return {.seq = row.id<JobSeq>(0),
          .route = route,
          .priority = row.integer(1),
          .state = row.id<JobState>(2),
          .attempts = row.id<AttemptNumber>(3),
          .retries_used = static_cast<std::int32_t>(row.integer(4)),
          .ready_at = row.maybe_time(5),
          .size = stored_size(row, 6),
          .rejections = static_cast<std::int32_t>(row.integer(10))};
}

// Brings the format up to date; a new database gets its stamp in the same transaction, so that
// there is never one without.
Result<void> bring_up_to_date(Connection& connection, const std::string& path, bool is_new,
                              const CheckpointStamp& stamp_if_new) {
  RB_TRY(transaction, Transaction::begin_write(connection));
  RB_TRY(migrated, migrate(connection, path, migrations()));
  if (is_new) {
    RB_TRY(stamped, write_stamp(connection, stamp_if_new));
  }
  return transaction->commit();
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
  RB_TRY(connection, Connection::open(path, Connection::Access::read_write));
  RB_TRY(format, format_of(*connection, path, std::ssize(migrations())));
  created = *format == 0;
  if (created && mode == OpenMode::must_exist) return no_checkpoint(path);

  RB_TRY(configured, configure_writer(*connection, path));
  RB_TRY(up_to_date, bring_up_to_date(*connection, path, created, stamp_if_new));
  RB_TRY(stored_stamp, read_stamp(*connection));
  stamp = std::move(*stored_stamp);

  RB_TRY(counts, read_counts(*connection));
  database = std::make_unique<Database>(std::move(*connection), std::move(*counts));
  return {};
}

Result<std::unique_ptr<SqliteCheckpoint>> SqliteCheckpoint::open(
    const std::string& path, OpenMode mode, const CheckpointStamp& stamp_if_new) {
  RB_TRY(resolved, resolved_database_path(path));
  // Looked at before the lock is taken, so that no lock file appears beside what is none of ours.
  RB_TRY(exists, database_file_exists(*resolved, true));
  if (!*exists && mode == OpenMode::must_exist) return no_checkpoint(*resolved);
  RB_TRY(lock, RunLock::take(*resolved));
  RB_TRY(parts, Parts::open(*resolved, std::move(*lock), mode, stamp_if_new));
  return std::unique_ptr<SqliteCheckpoint>(new SqliteCheckpoint(std::move(*parts)));
}

SqliteCheckpoint::SqliteCheckpoint(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SqliteCheckpoint::~SqliteCheckpoint() = default;

const std::string& SqliteCheckpoint::path() const { return parts_->path; }

const CheckpointStamp& SqliteCheckpoint::stamp() const { return parts_->stamp; }

bool SqliteCheckpoint::created() const { return parts_->created; }

Result<void> SqliteCheckpoint::set_stamp(const CheckpointStamp& stamp) {
  RB_ASSERT(stamp.sandbox == parts_->stamp.sandbox || counts().jobs().total() == 0);
  auto& database = *parts_->database;
  RB_TRY(written, database.store([&] { return write_stamp(database.connection, stamp); }));
  parts_->stamp = stamp;
  return {};
}

void SqliteCheckpoint::discard_if_created() {
  if (!parts_->created) return;
  parts_->database.reset();
  remove_database_files(parts_->path);
  parts_->lock.remove_file();
}

Result<void> SqliteCheckpoint::remember(const std::vector<StoredState>& states) {
  auto& database = *parts_->database;
  return database.store([&] { return database.writer.write_states(states); });
}

Result<std::vector<StoredRoute>> SqliteCheckpoint::routes() {
  return read_routes(parts_->database->connection);
}

Result<std::vector<JobRef>> SqliteCheckpoint::load_page(RouteId route,
                                                        std::optional<JobCursor> after,
                                                        std::size_t count) {
  RB_ASSERT(parts_->run.has_value());
  std::vector<JobRef> jobs;
  const auto add = [&](const Statement& row) { jobs.push_back(job_ref(row, route)); };
  std::int64_t priority_max = std::numeric_limits<std::int64_t>::max();
  if (after) {
    RB_TRY(read, parts_->database->page_of_priority.rows(add, route, after->priority, after->seq,
                                                         static_cast<std::int64_t>(count)));
    if (after->priority == std::numeric_limits<std::int64_t>::min()) return jobs;
    priority_max = after->priority - 1;
  }
  const std::size_t rest = count - jobs.size();
  if (rest == 0) return jobs;
  RB_TRY(read, parts_->database->page_below.rows(add, route, priority_max,
                                                 static_cast<std::int64_t>(rest)));
  return jobs;
}

Result<StoredJob> SqliteCheckpoint::job(JobSeq seq) {
  if (auto text = parts_->database->writer.take_text(seq)) return std::move(*text);
  RB_TRY(job, parts_->database->find_job.first(stored_job, seq));
  RB_ASSERT(job->has_value());
  return std::move(**job);
}

Result<StoredFetch> SqliteCheckpoint::fetch(JobSeq seq) {
  return parts_->database->writer.fetch(seq);
}

Result<void> SqliteCheckpoint::commit(const Batch& batch) {
  RB_ASSERT(parts_->run.has_value());
  if (batch.empty()) return {};
  auto& database = *parts_->database;
  return database.store([&] { return database.writer.write(batch, *parts_->run); });
}

Result<void> SqliteCheckpoint::end_run(const RunEnd& end) {
  RB_ASSERT(parts_->run.has_value());
  auto& database = *parts_->database;
  return database.store([&] {
    return database.connection.run(
        "end the run", "UPDATE runs SET ended_ms = ?2, exit_code = ?3, reason = ?4 WHERE id = ?1",
        parts_->run->run, to_ms(end.at), end.exit_code, end.reason);
  });
}

const Counts& SqliteCheckpoint::counts() const { return parts_->database->ledger.counts(); }

}  // namespace ratebatch::store
