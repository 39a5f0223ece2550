// One row of a CSV file (RFC 4180), taken apart line by line: a cell in quotes may hold line ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ratebatch::input {

class CsvRow {
 public:
  // Takes the next line of the row, without its newline; a carriage return before that does not
  // count. True where the row goes on in the next line. Precondition: it did, or this is the first.
  bool add_line(std::string_view line);

  // Those that are complete; all of them where the row does not go on.
  [[nodiscard]] const std::vector<std::string>& cells() const { return cells_; }

  // What is wrong with the row, which then is over; no more of it is read.
  [[nodiscard]] const std::optional<std::string>& problem() const { return problem_; }

 private:
  enum class Place : std::uint8_t {
    before,        // At the beginning of a cell.
    plain,         // In a cell without quotes.
    quoted,        // Between quotes.
    behind_quote,  // Behind a quote that closes the cell, unless another one follows.
  };

  void take(char c);
  void end_cell();
  void refuse(std::string_view what);

  Place place_ = Place::before;
  std::string cell_;
  std::vector<std::string> cells_;
  std::optional<std::string> problem_;
};

}  // namespace ratebatch::input
