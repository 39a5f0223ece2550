// The log of --log-file: one line per event, `TIME LEVEL event key=value ...`, for people and grep.
//
// Times are handed in. A log that cannot be written any more does not stop a run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"

namespace ratebatch::cli {

enum class LogLevel : std::uint8_t { info, warning, error };

struct LogField {
  std::string_view key;
  std::string value;  // Raw; quoted and escaped where it needs it.
};

// "rate_limited model=gpt-4o-mini wait=24s": an event without its time and level.
std::string event_text(std::string_view event, const std::vector<LogField>& fields);

class EventLog {
 public:
  // Appends to the file at `path`, made with mode 0600 if missing; its folder must exist. Fails
  // with invalid_input if it cannot be opened. Without a path the log goes nowhere.
  static Result<EventLog> open(const std::optional<std::string>& path);

  // Writes one line at once.
  void write(WallTime at, LogLevel level, std::string_view event,
             const std::vector<LogField>& fields);

  // Why lines are lost; once, after the first line that could not be written.
  std::optional<std::string> take_failure() { return std::exchange(failure_, std::nullopt); }

 private:
  EventLog(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  Descriptor file_;  // None: the log goes nowhere.
  std::string path_;
  bool has_failed_ = false;
  std::optional<std::string> failure_;  // Until it is taken.
};

}  // namespace ratebatch::cli
