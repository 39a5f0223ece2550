// The log of --log-file: one line per event, `TIME LEVEL event key=value ...`, for people and grep.
//
// Times are handed in. A log that cannot be written any more does not stop a run.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  // with invalid_input where it cannot be opened. Without a path the log goes nowhere.
  static Result<EventLog> open(const std::optional<std::string>& path);

  EventLog(EventLog&&) noexcept;
  EventLog& operator=(EventLog&&) noexcept;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;
  ~EventLog();

  // Writes one line and flushes it.
  void write(WallTime at, LogLevel level, std::string_view event,
             const std::vector<LogField>& fields);

  // Why lines are lost, told once: the first time a line could not be written.
  std::optional<std::string> take_failure();

 private:
  struct Parts;
  explicit EventLog(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;  // Empty: the log goes nowhere.
};

}  // namespace ratebatch::cli
