#include "input/csv_row.hpp"

#include <fmt/format.h>

#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::input {

bool CsvRow::add_line(std::string_view line) {
  RB_ASSERT(cells_.empty() || place_ == Place::quoted);
  if (place_ == Place::quoted) cell_ += '\n';
  for (std::size_t i = 0; i < line.size() && !problem_; ++i) {
    const bool line_end = line[i] == '\r' && i + 1 == line.size() && place_ != Place::quoted;
    if (!line_end) take(line[i]);
  }
  if (problem_) return false;
  if (place_ == Place::quoted) return true;
  end_cell();
  return false;
}

void CsvRow::take(char c) {
  switch (place_) {
    case Place::before:
      if (c == ',') return end_cell();
      place_ = c == '"' ? Place::quoted : Place::plain;
      if (c != '"') cell_ += c;
      return;
    case Place::plain:
      if (c == ',') return end_cell();
      if (c == '"')
        return refuse("a quote stands inside it; put the cell in quotes, and double it");
      cell_ += c;
      return;
    case Place::quoted:
      if (c == '"') {
        place_ = Place::behind_quote;
      } else {
        cell_ += c;
      }
      return;
    case Place::behind_quote:
      if (c == ',') return end_cell();
      if (c != '"') return refuse("text follows its closing quote; double a quote that is meant");
      cell_ += c;
      place_ = Place::quoted;
      return;
  }
}

void CsvRow::end_cell() {
  cells_.push_back(std::exchange(cell_, {}));
  place_ = Place::before;
}

void CsvRow::refuse(std::string_view what) {
  problem_ = fmt::format("cell {}: {}", cells_.size() + 1, what);
}

}  // namespace ratebatch::input
