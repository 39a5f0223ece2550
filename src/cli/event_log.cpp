#include "cli/event_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "ratebatch/base/text.hpp"

namespace ratebatch::cli {
namespace {

constexpr std::array<std::string_view, 3> level_names = {"info", "warning", "error"};

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

Result<EventLog> EventLog::open(const std::optional<std::string>& path) {
  if (!path) return EventLog{Descriptor{}, ""};
  Descriptor file{::open(path->c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)};
  if (file.get() >= 0) return EventLog{std::move(file), *path};
  return fail(ErrorCode::invalid_input, fmt::format("--log-file {}: cannot open it: {}",
                                                    escaped(*path), std::strerror(errno)));
}

void EventLog::write(WallTime at, LogLevel level, std::string_view event,
                     const std::vector<LogField>& fields) {
  if (file_.get() < 0) return;
  const std::string line =
      fmt::format("{} {} {}\n", format_utc_ms(at), level_names[static_cast<std::size_t>(level)],
                  event_text(event, fields));
  const int code = write_all(file_.get(), line);
  if (code == 0 || std::exchange(has_failed_, true)) return;
  failure_ = fmt::format("cannot write to {}: {}", path_, std::strerror(code));
}

}  // namespace ratebatch::cli
