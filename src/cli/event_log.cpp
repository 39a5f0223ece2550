#include "cli/event_log.hpp"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>

#include <filesystem>
#include <utility>

#include "ratebatch/base/text.hpp"

namespace ratebatch::cli {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// Quoted where a reader could take it for more than one value.
std::string shown(const std::string& value) {
  std::string text = escaped(value);
  if (!text.empty() && text.find_first_of(" \"=") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string event_text(std::string_view event, const std::vector<LogField>& fields) {
  std::string text{event};
  for (const LogField& field : fields) text += fmt::format(" {}={}", field.key, shown(field.value));
  return text;
}

struct EventLog::Parts {
  explicit Parts(const std::string& path)
      // The sinks of spdlog are shared between loggers; this logger is the only owner.
      : logger("ratebatch", std::make_shared<spdlog::sinks::basic_file_sink_st>(path)) {
    logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc));
    logger.flush_on(spdlog::level::info);
    logger.set_error_handler([this](const std::string& message) {
      if (!failed) failure = message;
      failed = true;
    });
  }

  spdlog::logger logger;
  bool failed = false;
  std::optional<std::string> failure;  // Until it is taken.
};

EventLog::EventLog(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
EventLog::EventLog(EventLog&&) noexcept = default;
EventLog& EventLog::operator=(EventLog&&) noexcept = default;
EventLog::~EventLog() = default;

Result<EventLog> EventLog::open(const std::optional<std::string>& path) {
  if (!path) return EventLog{nullptr};
  // spdlog would make missing folders: most often a slip of the keyboard.
  const auto folder = std::filesystem::path(*path).parent_path();
  std::error_code ignored;
  if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
    return fail(ErrorCode::invalid_input, fmt::format("--log-file {}: there is no folder {}",
                                                      escaped(*path), escaped(folder.string())));
  }
  try {
    return EventLog{std::make_unique<Parts>(*path)};
  } catch (const spdlog::spdlog_ex& e) {
    return fail(ErrorCode::invalid_input, fmt::format("--log-file: {}", escaped(e.what())));
  }
}

void EventLog::write(WallTime at, LogLevel level, std::string_view event,
                     const std::vector<LogField>& fields) {
  if (!parts_) return;
  const spdlog::log_clock::time_point time{
      std::chrono::duration_cast<spdlog::log_clock::duration>(Duration{at.ns})};
  parts_->logger.log(time, spdlog::source_loc{}, to_spdlog(level), event_text(event, fields));
}

std::optional<std::string> EventLog::take_failure() {
  return parts_ ? std::exchange(parts_->failure, std::nullopt) : std::nullopt;
}

}  // namespace ratebatch::cli
