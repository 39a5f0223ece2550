// What the program ends with. Scripts rely on these numbers: never renumber.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "ratebatch/base/result.hpp"

namespace ratebatch::cli {

enum class ExitCode : std::uint8_t {
  done = 0,           // Everything is done; also: there was nothing to do.
  some_failed = 1,    // Finished, and some jobs failed for good in this run, or are held.
  bad_usage = 2,      // Bad usage, configuration or job file; nothing was changed.
  bug = 70,           // Of ratebatch.
  storage = 74,       // The disk or the checkpoint failed.
  not_finished = 75,  // Run again later; also: another process holds the checkpoint.
  needs_person = 77,  // No usable key, or no credit.
  interrupted = 130,  // By Ctrl-C; the checkpoint is good.
  terminated = 143,   // By SIGTERM or SIGHUP; the checkpoint is good.
};

constexpr int to_int(ExitCode code) { return static_cast<int>(code); }

// The code an error ends the program with.
constexpr ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_input:
    case ErrorCode::not_found:
    case ErrorCode::foreign:
      return ExitCode::bad_usage;
    case ErrorCode::locked:
      return ExitCode::not_finished;
    case ErrorCode::no_key:
      return ExitCode::needs_person;
    case ErrorCode::disk_full:
    case ErrorCode::io:
      return ExitCode::storage;
  }
  return ExitCode::bug;
}

// Where both hold, the earlier of: 70, 74, 130, 143, 77, 75, 2, 1, 0.
constexpr ExitCode graver(ExitCode a, ExitCode b) {
  for (const ExitCode code : {ExitCode::bug, ExitCode::storage, ExitCode::interrupted,
                              ExitCode::terminated, ExitCode::needs_person, ExitCode::not_finished,
                              ExitCode::bad_usage, ExitCode::some_failed}) {
    if (code == a || code == b) return code;
  }
  return ExitCode::done;
}

}  // namespace ratebatch::cli
