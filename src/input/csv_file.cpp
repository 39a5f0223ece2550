#include "ratebatch/input/csv_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "input/csv_row.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"

namespace ratebatch::input {
namespace {

// All columns, for messages; those of a wide table are too many to show.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t bytes_shown = 300;
  return escaped(fmt::format("{}", fmt::join(names, ", ")), bytes_shown);
}

// What is wrong with the names of the columns.
std::optional<std::string> problem_of_header(const std::vector<std::string>& names) {
  const bool other_mark =
      names.size() == 1 && names.front().find_first_of(";\t") != std::string::npos;
  if (other_mark) {
    return "the columns of the header are not separated by commas; save the file as CSV with "
           "commas";
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) return fmt::format("column {} of the header has no name", i + 1);
    if (has_control_byte(names[i])) {
      return fmt::format("a control character in the header: '{}'", escaped(names[i], 80));
    }
    if (!seen.insert(names[i]).second) {
      return fmt::format("column '{}' stands twice in the header", escaped(names[i], 80));
    }
  }
  return std::nullopt;
}

}  // namespace

struct CsvFileReader::Row {
  std::int64_t number = 0;
  std::string source;
  CsvRow row;
  std::optional<std::string> problem;
};

bool is_csv_file(std::string_view path) {
  constexpr std::string_view ending = ".csv";
  return path.size() >= ending.size() &&
         equal_ignoring_case(path.substr(path.size() - ending.size()), ending);
}

Result<CsvFileReader> CsvFileReader::open(const std::string& path, const CsvColumns& columns) {
  RB_TRY(file, JobFileReader::open(path));
  CsvFileReader reader(std::move(*file));
  auto read = reader.read_header(path);
  if (read) read = reader.choose(path, columns);
  if (!read) return pass(read);
  return reader;
}

Result<void> CsvFileReader::read_header(const std::string& path) {
  RB_TRY(row, next_row());
  if (!*row) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: is empty; expected a header row and a job a row", escaped(path)));
  }
  for (const std::string& cell : (*row)->row.cells()) names_.emplace_back(trimmed(cell, " \t"));
  header_ = std::move((*row)->source);
  const auto problem = (*row)->problem ? (*row)->problem : problem_of_header(names_);
  if (!problem) return {};
  return fail(ErrorCode::invalid_input, to_text(LineError{path, (*row)->number, *problem}));
}

Result<void> CsvFileReader::choose(const std::string& path, const CsvColumns& columns) {
  const auto refuse = [&](const std::string& what) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: {}; its columns are {}", escaped(path), what, listed(names_)));
  };
  if (columns.type.empty() || columns.id_column.empty()) {
    return refuse(fmt::format("a CSV file needs {}",
                              !columns.type.empty()        ? "--id-column C, which names its jobs"
                              : !columns.id_column.empty() ? "--type T, which its jobs have"
                                                           : "--type T and --id-column C"));
  }
  const auto found = std::find(names_.begin(), names_.end(), columns.id_column);
  if (found == names_.end()) {
    return refuse(fmt::format("no column is called '{}', as --id-column says{}",
                              escaped(columns.id_column, 80),
                              did_you_mean(columns.id_column, names_)));
  }
  id_at_ = static_cast<std::size_t>(found - names_.begin());
  type_ = columns.type;
  return {};
}

// The next row with anything in it.
Result<std::optional<CsvFileReader::Row>> CsvFileReader::next_row() {
  Row out;
  for (;;) {
    RB_TRY(read, file_.next_as_is());
    std::optional<FileLine>& line = *read;
    if (!line && out.number == 0) return std::nullopt;
    if (!line) {
      out.problem = "a quote that opens in this row is never closed";
      return out;
    }
    if (out.number == 0 && (line->text.empty() || line->text == "\r") &&
        line->kind == LineKind::text) {
      continue;
    }
    if (out.number == 0) out.number = line->number;
    if (!out.source.empty()) out.source += '\n';
    out.source += line->text;
    if (line->kind == LineKind::too_long || out.source.size() > job_line_bytes_max) {
      out.source.clear();
      out.problem = fmt::format("the row is longer than {} bytes; is a quote not closed?",
                                grouped(static_cast<std::int64_t>(job_line_bytes_max)));
      return out;
    }
    if (out.row.add_line(line->text)) continue;
    out.problem = out.row.problem();
    if (!out.problem && !is_valid_utf8(out.source)) {
      out.problem = "invalid UTF-8; save the file as UTF-8";
    }
    return out;
  }
}

std::optional<std::string> CsvFileReader::problem_of(const std::vector<std::string>& cells) const {
  if (cells.size() != names_.size()) {
    return fmt::format("the row has {}, and the header has {}",
                       counted(std::ssize(cells), "cell", "cells"),
                       counted(std::ssize(names_), "column", "columns"));
  }
  if (cells[id_at_].empty()) {
    return fmt::format("column '{}' is empty; it names the job", escaped(names_[id_at_], 80));
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (is_text(cells[i])) continue;
    return fmt::format("column '{}' holds a control character: '{}'", escaped(names_[i], 80),
                       escaped(cells[i], 80));
  }
  return std::nullopt;
}

std::string CsvFileReader::job_line(const std::vector<std::string>& cells) const {
  std::string line = R"({"id":)";
  append_json_string(line, cells[id_at_]);
  line += R"(,"type":)";
  append_json_string(line, type_);
  line += R"(,"vars":{)";
  bool first = true;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].empty()) continue;
    if (!std::exchange(first, false)) line += ',';
    append_json_string(line, names_[i]);
    line += ':';
    append_json_string(line, cells[i]);
  }
  line += "}}";
  return line;
}

Result<std::optional<FileLine>> CsvFileReader::next() {
  RB_TRY(read, next_row());
  if (!*read) return std::nullopt;
  Row& row = **read;
  const std::vector<std::string>& cells = row.row.cells();
  FileLine line;
  line.number = row.number;
  line.source = std::move(row.source);
  const auto problem = row.problem ? row.problem : problem_of(cells);
  if (problem) {
    line.kind = LineKind::bad;
    line.problem = *problem;
  } else {
    line.text = job_line(cells);
  }
  return line;
}

}  // namespace ratebatch::input
