#include "store/sqlite.hpp"

#include <sqlite3.h>

#include <cerrno>

#include "ratebatch/base/text.hpp"
#include "ratebatch/base/url.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"

namespace ratebatch::store {
namespace {

// Long enough for another process's recovery of a large write-ahead log; nobody else writes.
constexpr int busy_timeout_ms = 5000;

// True where SQLite or the system found no room. A failed sync is none of these: after it nobody
// knows what is stored.
bool is_disk_full(sqlite3* db, int code) {
  if ((code & 0xFF) == SQLITE_FULL) return true;
  if ((code & 0xFF) != SQLITE_IOERR) return false;
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) return false;
  const int system_error = sqlite3_system_errno(db);
  return system_error == ENOSPC || system_error == EDQUOT;
}

// Must be called before anything else is asked of `db`: the next call overwrites its words.
tl::unexpected<Error> failure(sqlite3* db, int code, std::string_view operation) {
  const std::string words = sqlite3_errmsg(db);
  const char* name = sqlite3_db_filename(db, "main");
  const std::string path = escaped(name != nullptr ? name : "", 4096);
  if (code == SQLITE_NOTADB) {
    return fail(ErrorCode::foreign, path + " is not a ratebatch database");
  }
  std::string message = "cannot " + std::string(operation) + " in " + path + ": ";
  if (is_disk_full(db, code)) {
    return fail(ErrorCode::disk_full, message + "no room on the disk (" + words + ")");
  }
  return fail(ErrorCode::io, message + words + " (SQLite error " + std::to_string(code) + ")");
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Statement::Statement(const Connection& connection, const char* operation, std::string sql)
    : db_(connection.db_.get()), operation_(operation), sql_(std::move(sql)) {}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::optional<std::int64_t> Statement::maybe_integer(int column) const {
  return is_null(column) ? std::nullopt : std::optional<std::int64_t>{integer(column)};
}

std::optional<WallTime> Statement::maybe_time(int column) const {
  return is_null(column) ? std::nullopt : std::optional<WallTime>{time(column)};
}

std::string Statement::text(int column) const { return std::string{text_view(column)}; }

std::string_view Statement::text_view(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int count = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(count)};
}

Result<void> Statement::run_list(std::span<const std::int64_t> values) {
  begin(values.size());
  int position = 0;
  for (const std::int64_t value : values) bind_integer(++position, value);
  RB_TRY(row, step());
  RB_ASSERT(!*row);
  return {};
}

void Statement::begin(std::size_t value_count) {
  error_ = SQLITE_OK;
  if (!statement_) {
    sqlite3_stmt* made = nullptr;
    error_ = sqlite3_prepare_v3(db_, sql_.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    statement_.reset(made);
    if (error_ != SQLITE_OK) return;
  }
  RB_ASSERT(sqlite3_stmt_busy(statement_.get()) == 0);
  RB_ASSERT(static_cast<std::size_t>(sqlite3_bind_parameter_count(statement_.get())) ==
            value_count);
}

void Statement::bind_integer(int position, std::int64_t value) {
  note(sqlite3_bind_int64(statement_.get(), position, value));
}

void Statement::bind_text(int position, std::string_view value) {
  // A null pointer would bind NULL.
  const char* bytes = value.data() != nullptr ? value.data() : "";
  note(sqlite3_bind_text64(statement_.get(), position, bytes, value.size(), nullptr, SQLITE_UTF8));
}

void Statement::bind_null(int position) { note(sqlite3_bind_null(statement_.get(), position)); }

// Keeps the first error.
void Statement::note(int code) {
  if (error_ == SQLITE_OK) error_ = code;
}

Result<bool> Statement::step() {
  if (error_ != SQLITE_OK) return failure(db_, error_, operation_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto failed = failure(db_, sqlite3_extended_errcode(db_), operation_);
  reset();
  return failed;
}

void Statement::reset() noexcept { sqlite3_reset(statement_.get()); }

void Connection::Close::operator()(sqlite3* db) const noexcept {
  // Busy only while a statement is left, and those must go first.
  RB_ASSERT(sqlite3_close(db) == SQLITE_OK);
}

Result<Connection> Connection::open(const std::string& path, Access access) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  flags |= access == Access::read_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  std::string name = path;
  if (access == Access::immutable) {
    flags |= SQLITE_OPEN_URI;
    name = "file:" + percent_encoded(path, "/") + "?immutable=1";
  }
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &db, flags, nullptr);
  Connection connection;
  connection.db_.reset(db);
  if (code != SQLITE_OK) {
    const std::string words = db == nullptr ? "no memory" : sqlite3_errmsg(db);
    return fail(ErrorCode::io, "cannot open " + escaped(path, 4096) + ": " + words);
  }
  sqlite3_busy_timeout(db, busy_timeout_ms);
  // The file may come from elsewhere: its schema may call no function with side effects, and no
  // SQL may damage the file.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return connection;
}

Result<void> Connection::execute(const char* operation, const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure(db_.get(), sqlite3_extended_errcode(db_.get()), operation);
}

Result<std::int64_t> Connection::integer(const char* operation, const char* sql) {
  RB_TRY(value, first(operation, sql, [](const Statement& row) { return row.integer(0); }));
  RB_ASSERT(value->has_value());
  return **value;
}

std::int64_t Connection::changes() const { return sqlite3_changes64(db_.get()); }

std::int64_t Connection::last_row_id() const { return sqlite3_last_insert_rowid(db_.get()); }

Result<Transaction> Transaction::begin_write(Connection& connection) {
  RB_TRY(begun, connection.execute("begin to write", "BEGIN IMMEDIATE"));
  return Transaction(connection);
}

Result<Transaction> Transaction::begin_read(Connection& connection) {
  RB_TRY(begun, connection.execute("begin to read", "BEGIN"));
  return Transaction(connection);
}

Result<void> Transaction::commit() {
  RB_ASSERT(connection_ != nullptr);
  auto committed = connection_->execute("store changes", "COMMIT");
  if (!committed) {
    roll_back();
    return pass(committed);
  }
  connection_ = nullptr;
  return {};
}

void Transaction::roll_back() noexcept {
  if (connection_ == nullptr) return;
  // Some errors roll back by themselves and some do not, so that this may find nothing to do.
  static_cast<void>(connection_->execute("roll back", "ROLLBACK"));
  connection_ = nullptr;
}

void set_up_sqlite() { static_cast<void>(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0)); }

std::string_view sqlite_version() { return sqlite3_libversion(); }

}  // namespace ratebatch::store
