// Job files, line by line, in bounded memory: from a path, a pipe, or standard input ("-").
//
// Knows lines, not jobs (see job_line.hpp). Windows line ends, a UTF-8 byte order mark and blank
// lines are no trouble. The last line of a file that another program is still writing is told apart
// from a bad one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/result.hpp"

namespace ratebatch::input {

// A complaint about one line.
struct LineError {
  std::string file;       // As the user gave it.
  std::int64_t line = 0;  // From 1.
  std::string message;
};

// "FILE:LINE: message", the file name escaped.
std::string to_text(const LineError& error);

enum class LineKind : std::uint8_t {
  text,      // To be read as a job.
  too_long,  // Over job_line_bytes_max; skipped, its text is gone.
  torn,      // The last one: no newline, and no JSON. Left for the next run.
  bad,       // Not even its form is right; see `problem`. Only in CSV files.
};

struct FileLine {
  std::int64_t number = 0;  // From 1, blank lines counted.
  LineKind kind = LineKind::text;
  std::string text;     // Without line end; empty where too_long or bad.
  std::string problem;  // Of a bad one.
  std::string source;   // As it stands in the file, where `text` was made of it. Else empty.
};

// What tells a file apart from a changed one, as it was when it was opened: what is written to it
// while it is read makes it a changed one. Fields as in the checkpoint's FileStamp.
struct JobFileStamp {
  std::string path;  // Absolute; "-" for what cannot be read twice: standard input, a pipe.
  std::int64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;

  friend bool operator==(const JobFileStamp&, const JobFileStamp&) = default;
};

// Owns the open file. Not copyable; movable.
class JobFileReader {
 public:
  // Opens a file; "-" is standard input, which is borrowed. Fails with not_found where it does not
  // exist, invalid_input for a folder, io where it cannot be opened.
  static Result<JobFileReader> open(const std::string& path);

  // The next line that is not blank; nullopt at the end, and again after it. Waits where the source
  // does; a signal does not end the wait. Fails with io.
  Result<std::optional<FileLine>> next();

  // The next line, blank or not, with a carriage return if it has one: for files whose lines are
  // no jobs. Never torn or bad; else as next().
  Result<std::optional<FileLine>> next_as_is();

  [[nodiscard]] const JobFileStamp& stamp() const { return stamp_; }

 private:
  JobFileReader(int descriptor, std::string path);

  Result<bool> fill();
  Result<bool> read_line(FileLine& line, bool& ended_by_newline);

  int descriptor_;
  Descriptor owned_;  // The same, but for standard input.
  std::string path_;
  JobFileStamp stamp_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // Of what is in the buffer and not yet taken.
  std::size_t end_ = 0;
  std::int64_t lines_ = 0;
  bool at_end_ = false;
};

}  // namespace ratebatch::input
