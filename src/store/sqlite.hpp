// Move-only owners for what SQLite hands out: a connection, its prepared statements, a transaction.
//
// Nothing here knows a table. sqlite3.h is included by sqlite.cpp alone. A Connection must outlive
// its Statements and Transactions; all of them belong to one thread.
//
// Errors: disk_full where SQLite or the system says that there is no room (nothing of the
// transaction is stored), foreign where the file is no database, io for everything else. Messages
// name the operation, the file and SQLite's words.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace ratebatch::store {

// Milliseconds since 1970, as times are stored; NULL for an absent one.
inline std::optional<std::int64_t> maybe_ms(const std::optional<WallTime>& at) {
  return at ? std::optional<std::int64_t>{to_ms(*at)} : std::nullopt;
}

class Connection;

// A prepared statement. Text is bound by reference: it must live until the call returns.
class Statement {
 public:
  // Prepared when it is first executed, which then fails if the SQL does not fit the database.
  // `operation` completes "cannot ..." in messages and is a literal: it is not copied.
  Statement(const Connection& connection, const char* operation, std::string sql);

  // Executes the statement with these parameters, from ?1 on, and drops its rows. Parameters are
  // integers, enums, text, or optionals of them (absent: NULL). Precondition: one value for each
  // parameter of the statement.
  template <typename... Values>
  Result<void> run(const Values&... values) {
    return rows([](const Statement&) {}, values...);
  }

  // The same, calling `on_row(const Statement&)` for each row. An `on_row` that returns bool ends
  // the execution by returning false.
  template <typename OnRow, typename... Values>
  Result<void> rows(OnRow on_row, const Values&... values) {
    start(values...);
    while (true) {
      RB_TRY(row, step());
      if (!*row) return {};
      if constexpr (std::is_same_v<decltype(on_row(*this)), bool>) {
        if (!on_row(*this)) {
          reset();
          return {};
        }
      } else {
        on_row(*this);
      }
    }
  }

  // What `read(const Statement&)` makes of the first row; nullopt if there is none.
  template <typename Read, typename... Values>
  auto first(Read read, const Values&... values)
      -> Result<std::optional<std::invoke_result_t<Read, const Statement&>>> {
    std::optional<std::invoke_result_t<Read, const Statement&>> found;
    const auto keep_first = [&](const Statement& row) {
      if (!found) found.emplace(read(row));
    };
    RB_TRY(done, rows(keep_first, values...));
    return found;
  }

  // True if the statement has a row with these parameters.
  template <typename... Values>
  Result<bool> exists(const Values&... values) {
    RB_TRY(found, first([](const Statement&) { return true; }, values...));
    return found->has_value();
  }

  // Executes a statement whose parameters are all integers, as many as there are.
  Result<void> run_list(std::span<const std::int64_t> values);

  // The same for a caller who takes row by row: `next` goes to the first row, then to the next, and
  // is false behind the last. Text that was bound must live until then. `stop` drops the rest.
  template <typename... Values>
  void start(const Values&... values) {
    begin(sizeof...(Values));
    int position = 0;
    (bind(++position, values), ...);
  }
  Result<bool> next() { return step(); }
  void stop() { reset(); }

  // Columns of the current row, from 0; only inside `on_row`, or after a `next`.
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;  // 0 for NULL.
  [[nodiscard]] std::optional<std::int64_t> maybe_integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] WallTime time(int column) const { return wall_from_ms(integer(column)); }
  [[nodiscard]] std::optional<WallTime> maybe_time(int column) const;
  [[nodiscard]] std::string text(int column) const;  // Empty for NULL.
  // The same without a copy; gone with the row.
  [[nodiscard]] std::string_view text_view(int column) const;
  template <typename Id>
  [[nodiscard]] Id id(int column) const {
    return Id{static_cast<std::underlying_type_t<Id>>(integer(column))};
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };

  void begin(std::size_t value_count);
  void bind_integer(int position, std::int64_t value);
  void bind_text(int position, std::string_view value);
  void bind_null(int position);
  void note(int code);
  Result<bool> step();
  void reset() noexcept;

  template <typename Value>
  void bind(int position, const Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      bind_integer(position, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_integral_v<Value>) {
      static_assert(sizeof(Value) < 8 || std::is_signed_v<Value>);
      bind_integer(position, std::int64_t{value});
    } else {
      bind_text(position, value);
    }
  }
  template <typename Value>
  void bind(int position, const std::optional<Value>& value) {
    if (value) {
      bind(position, *value);
    } else {
      bind_null(position);
    }
  }

  sqlite3* db_;
  const char* operation_;
  std::string sql_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;  // Null until it is prepared.
  int error_ = 0;                                      // Of preparing or binding.
};

class Connection {
 public:
  enum class Access {
    read_write,
    read_only,  // Needs the -wal and -shm files beside the database, or a directory to make them
                // in.
    immutable,  // Reads the main file alone, without any lock: nobody may write to it meanwhile.
  };

  // Opens an existing database file; its last path component must not be a symbolic link (nor any
  // other: pass a resolved path). Reads nothing of the file yet, so that a file that is no database
  // is noticed by the first statement.
  static Result<Connection> open(const std::string& path, Access access);

  // Executes one or more statements that have no parameters.
  Result<void> execute(const char* operation, const char* sql);

  // Executes a statement once, as Statement::run, Statement::rows and Statement::first do.
  template <typename... Values>
  Result<void> run(const char* operation, std::string sql, const Values&... values) {
    return Statement(*this, operation, std::move(sql)).run(values...);
  }
  template <typename OnRow, typename... Values>
  Result<void> rows(const char* operation, std::string sql, OnRow on_row, const Values&... values) {
    return Statement(*this, operation, std::move(sql)).rows(on_row, values...);
  }

  template <typename Read, typename... Values>
  auto first(const char* operation, std::string sql, Read read, const Values&... values) {
    return Statement(*this, operation, std::move(sql)).first(read, values...);
  }

  // What `read` makes of each row.
  template <typename Read, typename... Values>
  auto list(const char* operation, const char* sql, Read read, const Values&... values)
      -> Result<std::vector<std::invoke_result_t<Read, const Statement&>>> {
    std::vector<std::invoke_result_t<Read, const Statement&>> list;
    const auto add = [&](const Statement& row) { list.push_back(read(row)); };
    RB_TRY(done, rows(operation, sql, add, values...));
    return list;
  }

  // The value in the first column of the first row. Precondition: the query has a row.
  Result<std::int64_t> integer(const char* operation, const char* sql);

  // Rows that the last INSERT, UPDATE or DELETE changed, and the key of the last row inserted.
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t last_row_id() const;

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* db) const noexcept;
  };

  std::unique_ptr<sqlite3, Close> db_;
};

// Makes statements of one operation.
struct StatementMaker {
  const Connection& connection;
  const char* operation;

  Statement operator()(std::string sql) const { return {connection, operation, std::move(sql)}; }
};

// Everything between `begin` and `commit`, stored as a whole or not at all; rolled back by
// destruction. At most one at a time per connection.
class Transaction {
 public:
  // BEGIN IMMEDIATE: a deferred transaction that turns to writing fails at once where another
  // connection wrote since (SQLITE_BUSY_SNAPSHOT), busy timeout or not.
  static Result<Transaction> begin_write(Connection& connection);
  // One consistent view; hold it shortly, for the write-ahead log grows meanwhile.
  static Result<Transaction> begin_read(Connection& connection);

  Transaction(Transaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() { roll_back(); }

  // Where it fails, nothing is stored and the transaction is over, except that the fate of the
  // transaction is unknown after ErrorCode::io.
  Result<void> commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  void roll_back() noexcept;

  Connection* connection_;
};

}  // namespace ratebatch::store
