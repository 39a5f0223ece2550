#include "ratebatch/input/job_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::input {
namespace {

// One read call: large enough that its cost does not matter, small enough for the cache.
constexpr std::size_t buffer_bytes = std::size_t{64} << 10U;

tl::unexpected<Error> failed(ErrorCode code, const std::string& path, std::string_view doing,
                             int error) {
  return fail(code, fmt::format("{}: {}: {}", escaped(path), doing, std::strerror(error)));
}

// A line that a writer has not finished: what is there so far is no JSON. A whole one that we
// refuse for another reason is an ordinary bad line.
bool looks_torn(std::string_view text) {
  const auto parsed = json::parse(text);
  return !parsed && parsed.error().fault == json::Fault::syntax;
}

// True if the line is too long; its text is dropped then.
bool settle_length(FileLine& line) {
  if (line.text.size() > job_line_bytes_max) line.kind = LineKind::too_long;
  if (line.kind != LineKind::too_long) return false;
  line.text.clear();
  line.text.shrink_to_fit();
  return true;
}

JobFileStamp stamp_of(const std::string& path, const struct stat& status) {
  JobFileStamp stamp;
  stamp.path = "-";
  if (path == "-" || !S_ISREG(status.st_mode)) return stamp;
  std::error_code ignored;
  const auto absolute = std::filesystem::absolute(path, ignored);
  stamp.path = absolute.lexically_normal().string();
  stamp.inode = static_cast<std::int64_t>(status.st_ino);
  stamp.size = status.st_size;
  stamp.mtime_ns = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  return stamp;
}

}  // namespace

std::string to_text(const LineError& error) {
  return fmt::format("{}:{}: {}", escaped(error.file), error.line, error.message);
}

Result<JobFileReader> JobFileReader::open(const std::string& path) {
  const int descriptor =
      path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) {
    const int error = errno;
    const bool absent = error == ENOENT || error == ENOTDIR;
    return failed(absent ? ErrorCode::not_found : ErrorCode::io, path, "cannot open the job file",
                  error);
  }
  JobFileReader reader(descriptor, path);
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) {
    return failed(ErrorCode::io, path, "cannot examine the job file", errno);
  }
  if (S_ISDIR(status.st_mode)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: is a folder; expected a job file (JSON lines)", escaped(path)));
  }
  reader.stamp_ = stamp_of(path, status);
  return reader;
}

JobFileReader::JobFileReader(int descriptor, std::string path)
    : descriptor_(descriptor),
      owned_(descriptor == STDIN_FILENO ? -1 : descriptor),
      path_(std::move(path)) {}

// Reads more into the empty buffer; false at the end.
Result<bool> JobFileReader::fill() {
  buffer_.resize(buffer_bytes);
  for (;;) {
    const ssize_t count = ::read(descriptor_, buffer_.data(), buffer_.size());
    if (count >= 0) {
      begin_ = 0;
      end_ = static_cast<std::size_t>(count);
      return count > 0;
    }
    const int error = errno;
    if (error == EAGAIN) {
      // Standard input may be shared with a program that made it non-blocking.
      pollfd wait{descriptor_, POLLIN, 0};
      ::poll(&wait, 1, -1);
    } else if (error != EINTR) {
      return failed(ErrorCode::io, path_, "cannot read the job file", error);
    }
  }
}

// Takes one line off the source, without the byte order mark that a file may begin with; false
// where nothing is left. No more than the cap is kept.
Result<bool> JobFileReader::read_line(FileLine& line, bool& ended_by_newline) {
  // What may still come off a line: its byte order mark and its carriage return.
  constexpr std::size_t kept_bytes_max = job_line_bytes_max + byte_order_mark.size() + 1;
  bool any = false;
  ended_by_newline = false;
  while (!ended_by_newline) {
    if (begin_ == end_) {
      RB_TRY(more, at_end_ ? Result<bool>(false) : fill());
      at_end_ = !*more;
      if (at_end_) break;
    }
    any = true;
    const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
    const std::size_t newline = rest.find('\n');
    ended_by_newline = newline != std::string_view::npos;
    const std::string_view part = rest.substr(0, newline);
    if (line.text.size() + part.size() > kept_bytes_max) line.kind = LineKind::too_long;
    if (line.kind == LineKind::text) line.text += part;
    begin_ += ended_by_newline ? newline + 1 : rest.size();
  }
  if (any) line.number = ++lines_;
  if (line.number == 1 && line.text.starts_with(byte_order_mark)) {
    line.text.erase(0, byte_order_mark.size());
  }
  return any;
}

Result<std::optional<FileLine>> JobFileReader::next() {
  for (;;) {
    FileLine line;
    bool ended_by_newline = false;
    RB_TRY(found, read_line(line, ended_by_newline));
    if (!*found) return std::nullopt;
    std::string& text = line.text;
    if (ended_by_newline && text.ends_with('\r')) text.pop_back();
    if (settle_length(line)) return line;
    if (trimmed(text).empty()) continue;
    if (!ended_by_newline && looks_torn(text)) line.kind = LineKind::torn;
    return line;
  }
}

Result<std::optional<FileLine>> JobFileReader::next_as_is() {
  FileLine line;
  bool ended_by_newline = false;
  RB_TRY(found, read_line(line, ended_by_newline));
  if (!*found) return std::nullopt;
  settle_length(line);
  return line;
}

}  // namespace ratebatch::input
