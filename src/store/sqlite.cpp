#include "store/sqlite.hpp"

#include <sqlite3.h>

#include <cerrno>

#include "ratebatch/base/text.hpp"

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

std::string immutable_uri(std::string_view path) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_';
    if (plain) {
      uri += c;
    } else {
      uri += '%';
      uri += digits[byte >> 4U];
      uri += digits[byte & 0xFU];
    }
  }
  return uri + "?immutable=1";
}

Result<void> execute_on(sqlite3* db, const char* sql, const char* operation) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failure(db, sqlite3_extended_errcode(db), operation);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::optional<std::int64_t> Statement::maybe_integer(int column) const {
  return is_null(column) ? std::nullopt : std::optional<std::int64_t>{integer(column)};
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
  Result<bool> row = step();
  if (!row) return pass(row);
  RB_ASSERT(!*row);
  return {};
}

void Statement::begin(std::size_t value_count) {
  RB_ASSERT(statement_ != nullptr);
  RB_ASSERT(sqlite3_stmt_busy(statement_.get()) == 0);
  RB_ASSERT(static_cast<std::size_t>(sqlite3_bind_parameter_count(statement_.get())) ==
            value_count);
  bind_error_ = SQLITE_OK;
}

void Statement::bind_integer(int position, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), position, value);
  if (code != SQLITE_OK) bind_error_ = code;
}

void Statement::bind_text(int position, std::string_view value) {
  // A null pointer would bind NULL.
  const char* bytes = value.data() != nullptr ? value.data() : "";
  const int code =
      sqlite3_bind_text64(statement_.get(), position, bytes, value.size(), nullptr, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_error_ = code;
}

void Statement::bind_null(int position) {
  const int code = sqlite3_bind_null(statement_.get(), position);
  if (code != SQLITE_OK) bind_error_ = code;
}

Result<bool> Statement::step() {
  sqlite3* db = sqlite3_db_handle(statement_.get());
  if (bind_error_ != SQLITE_OK) return failure(db, bind_error_, operation_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  auto failed = failure(db, sqlite3_extended_errcode(db), operation_);
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
    name = immutable_uri(path);
  }
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &db, flags, nullptr);
  Connection connection;
  connection.db_.reset(db);
  if (db == nullptr)
    return fail(ErrorCode::io, "cannot open " + escaped(path, 4096) + ": no memory");
  if (code != SQLITE_OK) {
    return fail(ErrorCode::io,
                "cannot open " + escaped(path, 4096) + ": " + std::string(sqlite3_errmsg(db)));
  }
  sqlite3_busy_timeout(db, busy_timeout_ms);
  // The file may come from elsewhere: its schema may call no function with side effects, and no
  // SQL may damage the file.
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return connection;
}

Result<void> Connection::execute(const char* sql, const char* operation) {
  return execute_on(db_.get(), sql, operation);
}

Result<Statement> Connection::prepare(const char* sql, const char* operation) {
  sqlite3_stmt* made = nullptr;
  const int code =
      sqlite3_prepare_v3(db_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  if (code != SQLITE_OK) return failure(db_.get(), code, operation);
  Statement statement;
  statement.statement_.reset(made);
  statement.operation_ = operation;
  return statement;
}

std::int64_t Connection::changes() const { return sqlite3_changes64(db_.get()); }

std::int64_t Connection::last_row_id() const { return sqlite3_last_insert_rowid(db_.get()); }

Result<void> prepare_all(Connection& connection, std::initializer_list<Preparation> preparations) {
  for (const Preparation& p : preparations) {
    Result<Statement> statement = connection.prepare(p.sql, p.operation);
    if (!statement) return pass(statement);
    *p.into = std::move(*statement);
  }
  return {};
}

Result<std::int64_t> query_integer(Connection& connection, const char* sql, const char* operation) {
  Result<Statement> statement = connection.prepare(sql, operation);
  if (!statement) return pass(statement);
  std::optional<std::int64_t> value;
  auto read = statement->rows([&](const Statement& row) { value = row.integer(0); });
  if (!read) return pass(read);
  RB_ASSERT(value.has_value());
  return *value;
}

Result<Transaction> Transaction::begin_write(Connection& connection) {
  auto begun = connection.execute("BEGIN IMMEDIATE", "begin to write");
  if (!begun) return pass(begun);
  return Transaction(connection);
}

Result<Transaction> Transaction::begin_read(Connection& connection) {
  auto begun = connection.execute("BEGIN", "begin to read");
  if (!begun) return pass(begun);
  return Transaction(connection);
}

Result<void> Transaction::commit() {
  RB_ASSERT(connection_ != nullptr);
  auto committed = connection_->execute("COMMIT", "store changes");
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
  static_cast<void>(connection_->execute("ROLLBACK", "roll back"));
  connection_ = nullptr;
}

}  // namespace ratebatch::store
