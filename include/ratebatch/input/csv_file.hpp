// CSV files as job files: a header row, then a job a row (RFC 4180; UTF-8, commas).
//
// Each row is made the line of a native job, whose vars are its cells, so that all that is checked
// and stored is one form. Empty cells are left out: templates then use their defaults. A last row
// without a line end counts; one cannot see whether it was complete.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/input/job_file.hpp"

namespace ratebatch::input {

// What a row does not say itself.
struct CsvColumns {
  std::string type;       // Of all its jobs.
  std::string id_column;  // The column that names them; a variable like the others.
};

// True if the name ends in .csv, in any case.
bool is_csv_file(std::string_view path);

// Owns the open file. Movable.
class CsvFileReader {
 public:
  // Opens a file and reads its header. Fails as JobFileReader::open does, and with invalid_input,
  // naming the columns, where type or id_column is missing or is none of them.
  static Result<CsvFileReader> open(const std::string& path, const CsvColumns& columns);

  // The next row, as the canonical line of its job (FileLine::source is the row); nullopt at the
  // end. A row that is none comes as LineKind::bad. Fails with io.
  Result<std::optional<FileLine>> next();

  [[nodiscard]] const JobFileStamp& stamp() const { return file_.stamp(); }

  // The header row as it stands, without its line end.
  [[nodiscard]] const std::string& header() const { return header_; }

 private:
  explicit CsvFileReader(JobFileReader file) : file_(std::move(file)) {}

  struct Row;

  Result<std::optional<Row>> next_row();
  Result<void> read_header(const std::string& path);
  Result<void> choose(const std::string& path, const CsvColumns& columns);
  [[nodiscard]] std::string problem_of(const std::vector<std::string>& cells) const;
  [[nodiscard]] std::string job_line(const std::vector<std::string>& cells) const;

  JobFileReader file_;
  std::string header_;
  std::vector<std::string> names_;  // Of the columns.
  std::string type_;
  std::size_t id_at_ = 0;
};

}  // namespace ratebatch::input
