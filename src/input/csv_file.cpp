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

// What is wrong with the names of the columns; empty if nothing is.
std::string problem_of_header(const std::vector<std::string>& names) {
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
  return {};
}

}  // namespace

struct CsvFileReader::Row {
  FileLine line;  // Its text is left empty.
  CsvRow row;
};

bool is_csv_file(std::string_view path) {
  constexpr std::string_view ending = ".csv";
  return path.size() >= ending.size() &&
         equal_ignoring_case(path.substr(path.size() - ending.size()), ending);
}

Result<CsvFileReader> CsvFileReader::open(const std::string& path, const CsvColumns& columns) {
  RB_TRY(file, JobFileReader::open(path));
  CsvFileReader reader(std::move(*file));
  RB_TRY(header, reader.read_header(path));
  RB_TRY(choice, reader.choose(path, columns));
  return reader;
}

Result<void> CsvFileReader::read_header(const std::string& path) {
  RB_TRY(row, next_row());
  if (!*row) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{}: is empty; expected a header row and a job a row", escaped(path)));
  }
  FileLine& line = (*row)->line;
  for (const std::string& cell : (*row)->row.cells()) names_.emplace_back(trimmed(cell, " \t"));
  header_ = std::move(line.source);
  if (line.problem.empty()) line.problem = problem_of_header(names_);
  if (line.problem.empty()) return {};
  return fail(ErrorCode::invalid_input, to_text(LineError{path, line.number, line.problem}));
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
  const auto found = std::ranges::find(names_, columns.id_column);
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
  auto& [number, kind, text, problem, source] = out.line;
  for (;;) {
    RB_TRY(read, file_.next_as_is());
    const std::optional<FileLine>& line = *read;
    if (!line && number == 0) return std::nullopt;
    if (!line) {
      problem = "a quote that opens in this row is never closed";
      return out;
    }
    const bool is_blank = line->text.empty() || line->text == "\r";
    if (number == 0 && is_blank && line->kind == LineKind::text) continue;
    if (number == 0) number = line->number;
    if (!source.empty()) source += '\n';
    source += line->text;
    if (line->kind == LineKind::too_long || source.size() > job_line_bytes_max) {
      source.clear();
      problem = fmt::format("the row is longer than {} bytes; is a quote not closed?",
                            grouped(static_cast<std::int64_t>(job_line_bytes_max)));
      return out;
    }
    if (out.row.add_line(line->text)) continue;
    problem = out.row.problem().value_or("");
    if (problem.empty() && !is_valid_utf8(source)) {
      problem = "invalid UTF-8; save the file as UTF-8";
    }
    return out;
  }
}

std::string CsvFileReader::problem_of(const std::vector<std::string>& cells) const {
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
  return {};
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
  const std::vector<std::string>& cells = (*read)->row.cells();
  FileLine line = std::move((*read)->line);
  if (line.problem.empty()) line.problem = problem_of(cells);
  if (line.problem.empty()) {
    line.text = job_line(cells);
  } else {
    line.kind = LineKind::bad;
  }
  return line;
}

}  // namespace ratebatch::input
