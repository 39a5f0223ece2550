#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "input/csv_row.hpp"
#include "ratebatch/input/csv_file.hpp"
#include "ratebatch/input/job_line.hpp"
#include "support/input_support.hpp"

namespace ratebatch::input_csv_test {

using namespace input;
using namespace input_support;

namespace {

using Texts = std::vector<std::string>;

const CsvColumns columns{"email", "id"};

// "2:{json}" for each row, "3:! problem" for one that is none.
Texts rows_of(const std::string& text, const CsvColumns& chosen = columns) {
  const TemporaryFolder folder;
  auto reader = CsvFileReader::open(folder.write("leads.csv", text), chosen);
  REQUIRE_MESSAGE(reader.has_value(), message_of(reader));
  Texts out;
  for (;;) {
    auto row = reader->next();
    REQUIRE(row.has_value());
    if (!*row) return out;
    const FileLine& line = **row;
    const bool bad = line.kind == LineKind::bad;
    out.push_back(std::to_string(line.number) + ":" + (bad ? "! " + line.problem : line.text));
    if (!bad) CHECK(parse_job_line(line.text).has_value());
    if (bad) CHECK(line.text.empty());
  }
}

std::string job(const std::string& vars) {
  return R"({"id":"1","type":"email","vars":{"id":"1")" + vars + "}}";
}

// What opening says, without the path.
std::string complaint(const std::string& text, const CsvColumns& chosen = columns) {
  const TemporaryFolder folder;
  const std::string path = folder.write("leads.csv", text);
  const auto reader = CsvFileReader::open(path, chosen);
  REQUIRE_FALSE(reader.has_value());
  CHECK(reader.error().code == ErrorCode::invalid_input);
  REQUIRE(message_of(reader).starts_with(path));
  return message_of(reader).substr(path.size());
}

TEST_CASE("rows become the lines of jobs, whatever their line ends and quotes are") {
  struct Case {
    std::string text;
    Texts rows;
  };
  const Case cases[] = {
      {"id,name\n", {}},
      {"id,name", {}},
      {"id,name\n1,Ann\n", {"2:" + job(R"(,"name":"Ann")")}},
      {"id,name\n1,Ann", {"2:" + job(R"(,"name":"Ann")")}},
      {"\xEF\xBB\xBFid,name\r\n1,Ann\r\n", {"2:" + job(R"(,"name":"Ann")")}},
      {"id,name\r\n1,Ann\r", {"2:" + job(R"(,"name":"Ann")")}},
      {"\"id\",\"na\"\"me\"\n\"1\",\"A,\"\"n\"\"\"\n", {"2:" + job(R"(,"na\"me":"A,\"n\"")")}},
      {"id,name\n1,\"Ann\nof\r\nHill\"\n2,B\n",
       {"2:" + job(R"(,"name":"Ann\nof\r\nHill")"),
        R"(5:{"id":"2","type":"email","vars":{"id":"2","name":"B"}})"}},
      {"id,name\n\n\r\n1,Ann\n\n", {"4:" + job(R"(,"name":"Ann")")}},
      {"id,name\n1,\n", {"2:" + job("")}},
      {"id,name\n1,\"\"\n", {"2:" + job("")}},
      {"id, name \n1, Ann \n", {"2:" + job(R"(,"name":" Ann ")")}},
      {"name,id\nÜnï\t,1\n", {R"(2:{"id":"1","type":"email","vars":{"name":"Ünï\t","id":"1"}})"}},
      {"id\n1\n", {"2:" + job("")}},
  };
  for (const Case& each : cases) {
    CAPTURE(each.text);
    CHECK(rows_of(each.text) == each.rows);
  }
}

TEST_CASE("a row that is none is named by the line it begins in, and the next ones are read") {
  struct Case {
    std::string row;
    std::string problem;
  };
  const Case cases[] = {
      {"7", "the row has 1 cell, and the header has 2 columns"},
      {"7,a,b", "the row has 3 cells, and the header has 2 columns"},
      {",Ann", "column 'id' is empty; it names the job"},
      {"7,A\"nn", "cell 2: a quote stands inside it; put the cell in quotes, and double it"},
      {"7,\"A\" nn", "cell 2: text follows its closing quote; double a quote that is meant"},
      {"7,A\x01nn", "column 'name' holds a control character: 'A\\x01nn'"},
      {"7,\"a\nb\x7f\"", "column 'name' holds a control character: 'a\\x0ab\\x7f'"},
      {"7,A\xff", "invalid UTF-8; save the file as UTF-8"},
      {std::string("7,A\0", 4), "column 'name' holds a control character: 'A\\x00'"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.row);
    const Texts rows = rows_of("id,name\n\n" + each.row + "\n1,Ann\n");
    REQUIRE(rows.size() == 2);
    CHECK(rows[0] == "3:! " + each.problem);
    CHECK(rows[1].ends_with(":" + job(R"(,"name":"Ann")")));
  }
  CHECK(rows_of("id,name\n1,\"Ann\n2,Bob\n") ==
        Texts{"2:! a quote that opens in this row is never closed"});
}

TEST_CASE("a row over 8 MiB is refused, in one line or in many") {
  const std::string wide(8'388'609, 'x');
  const std::string problem = "! the row is longer than 8,388,608 bytes; is a quote not closed?";
  CHECK(rows_of("id,name\n1," + wide + "\n1,Ann\n") ==
        Texts{"2:" + problem, "3:" + job(R"(,"name":"Ann")")});
  std::string tall = "id,name\n1,\"";
  for (int i = 0; i < 9; ++i) tall += std::string(1'000'000, 'y') + "\n";
  const Texts rows = rows_of(tall);
  REQUIRE_FALSE(rows.empty());
  CHECK(rows[0] == "2:" + problem);
}

TEST_CASE("the source of a row is kept as it stands") {
  const TemporaryFolder folder;
  auto reader = CsvFileReader::open(folder.write("a.CSV", "id,name\r\n1,\"A\nB\"\r\n"), columns);
  REQUIRE(reader.has_value());
  CHECK(reader->header() == "id,name\r");
  const auto row = reader->next();
  REQUIRE((row.has_value() && row->has_value()));
  CHECK((*row)->source == "1,\"A\nB\"\r");
}

TEST_CASE("a header that cannot be used is refused") {
  CHECK(complaint("") == ": is empty; expected a header row and a job a row");
  CHECK(complaint("\n\r\n") == ": is empty; expected a header row and a job a row");
  CHECK(complaint("id,,a\n") == ":1: column 2 of the header has no name");
  CHECK(complaint("\nid,a,id\n") == ":2: column 'id' stands twice in the header");
  CHECK(complaint("id,a\x01\n") == ":1: a control character in the header: 'a\\x01'");
  CHECK(complaint("id,\"a\nb\"\n") == ":1: a control character in the header: 'a\\x0ab'");
  CHECK(complaint("id,\"a\n") == ":1: a quote that opens in this row is never closed");
  CHECK(complaint("id,a\"b\n") ==
        ":1: cell 2: a quote stands inside it; put the cell in quotes, and double it");
  CHECK(complaint("id,\xff\n") == ":1: invalid UTF-8; save the file as UTF-8");
  const std::string foreign =
      ":1: the columns of the header are not separated by commas; save the file as CSV with commas";
  CHECK(complaint("id;name\n") == foreign);
  CHECK(complaint("id\tname\n") == foreign);
}

TEST_CASE("what a row does not say must be given, and the columns are listed") {
  const std::string end = "; its columns are id, name";
  CHECK(complaint("id,name\n", {"", ""}) == ": a CSV file needs --type T and --id-column C" + end);
  CHECK(complaint("id,name\n", {"", "id"}) ==
        ": a CSV file needs --type T, which its jobs have" + end);
  CHECK(complaint("id,name\n", {"email", ""}) ==
        ": a CSV file needs --id-column C, which names its jobs" + end);
  CHECK(complaint("id,name\n", {"email", "nmae"}) ==
        ": no column is called 'nmae', as --id-column says (did you mean 'name'?)" + end);
}

TEST_CASE("a file that cannot be opened is named") {
  const TemporaryFolder folder;
  const auto absent = CsvFileReader::open(folder.path("no.csv"), columns);
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().code == ErrorCode::not_found);
  CHECK(message_of(absent).find("no.csv") != std::string::npos);
}

TEST_CASE("CSV files are known by their name") {
  for (const char* path : {"a.csv", "x/A.CSV", ".csv", "a.b.Csv"}) CHECK(is_csv_file(path));
  for (const char* path : {"", "-", "csv", "a.csv.gz", "a.jsonl", "a.csv/b"}) {
    CHECK_FALSE(is_csv_file(path));
  }
}

// Cells of random bytes, written as RFC 4180 says, are read as they were.
TEST_CASE("what is quoted by the rules is read back") {
  std::uint32_t state = 7;
  const auto next = [&](std::uint32_t below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8U) % below;
  };
  constexpr std::string_view letters = "ab,\"\n\r ;";
  for (int round = 0; round < 2000; ++round) {
    Texts cells(1 + next(4));
    std::string text;
    for (std::string& cell : cells) {
      for (std::uint32_t i = next(6); i > 0; --i) cell += letters[next(letters.size())];
      if (!text.empty()) text += ',';
      text += '"';
      for (const char c : cell) text += c == '"' ? std::string("\"\"") : std::string(1, c);
      text += '"';
    }
    CsvRow row;
    bool open = true;
    for (std::size_t at = 0; open;) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      open = row.add_line(std::string_view(text).substr(at, end - at));
      at = end + 1;
    }
    CAPTURE(text);
    CHECK_FALSE(row.problem().has_value());
    CHECK(row.cells() == cells);
  }
}

}  // namespace
}  // namespace ratebatch::input_csv_test
