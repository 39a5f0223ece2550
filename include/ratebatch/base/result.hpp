// What the world did wrong, as a value.
//
// An operation that can fail for reasons outside the program returns `Result<T>`: the value, or an
// `Error` whose code decides what the caller does and whose message is shown to the user. A bug of
// ours is never an Error (see assert.hpp), and a job that failed is never one either: it is an
// event of the scheduler. Nothing here throws.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace ratebatch::inline base {

// Why an operation failed, as far as a caller acts differently on it.
enum class ErrorCode {
  invalid_input,  // Bad usage, configuration or job file: exit 2, nothing was changed.
  not_found,      // A file or database that should exist does not: exit 2.
  foreign,        // A file that is not ours, or of a newer version than this program: exit 2.
  locked,         // Another process holds the checkpoint: exit 75.
  no_key,         // No usable API key: exit 77.
  disk_full,      // No room now; the same operation may succeed later.
  io,             // The disk or the database failed: exit 74.
};

// The message names the object (file, line, job, key), the cause and the next step, outermost
// context first, without a trailing full stop or newline.
struct Error {
  ErrorCode code = ErrorCode::io;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = tl::expected<T, Error>;

// Returns a failed Result of any type: `return fail(ErrorCode::io, "...")`.
inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// Hands on the error of `result` as it is: `return pass(opened)`.
template <typename T>
tl::unexpected<Error> pass(Result<T>& result) {
  return tl::unexpected<Error>(std::move(result.error()));
}

}  // namespace ratebatch::inline base

// RB_TRY(reader, CheckpointReader::open(path));
//
// Declares `reader` as the Result of the expression; if it failed, hands its error on and returns
// from the function. Precondition: the function returns a Result.
#define RB_TRY(name, ...)    \
  auto name = (__VA_ARGS__); \
  if (!name) return ::ratebatch::pass(name)
