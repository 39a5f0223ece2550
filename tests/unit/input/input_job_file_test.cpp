#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "ratebatch/input/job_file.hpp"
#include "ratebatch/input/job_line.hpp"
#include "support/input_support.hpp"

namespace ratebatch::input_job_file_test {

using namespace input;
using namespace input_support;

namespace {

// "1:text:{}" for each line.
std::vector<std::string> lines_of(const std::string& path) {
  auto reader = JobFileReader::open(path);
  REQUIRE(reader.has_value());
  std::vector<std::string> out;
  for (;;) {
    auto line = reader->next();
    REQUIRE(line.has_value());
    if (!*line) break;
    constexpr const char* kinds[] = {"text", "too_long", "torn", "bad"};
    out.push_back(std::to_string((*line)->number) + ":" +
                  kinds[static_cast<std::size_t>((*line)->kind)] + ":" + (*line)->text);
  }
  const auto after_end = reader->next();
  CHECK((after_end.has_value() && !*after_end));
  return out;
}

struct Content {
  std::string text;
  std::vector<std::string> lines;
};

TEST_CASE("lines are numbered, blank ones counted and skipped") {
  const Content contents[] = {
      {"", {}},
      {"\n\n", {}},
      {" \t\r\n", {}},
      {"   ", {}},
      {"{}\n{}\n", {"1:text:{}", "2:text:{}"}},
      {"\n{}\n \n\r\n[]\n", {"2:text:{}", "5:text:[]"}},
      {"{}\r\n{}\r\n", {"1:text:{}", "2:text:{}"}},
      {"\xEF\xBB\xBF{}\n", {"1:text:{}"}},
      {"\xEF\xBB\xBF\n{}\n", {"2:text:{}"}},
      {"bad\n{}\n", {"1:text:bad", "2:text:{}"}},
      {std::string("a\0b\n", 4), {"1:text:" + std::string("a\0b", 3)}},
  };
  const TemporaryFolder folder;
  for (const Content& content : contents) {
    CAPTURE(content.text);
    CHECK(lines_of(folder.write("jobs.jsonl", content.text)) == content.lines);
  }
}

TEST_CASE("a last line without newline is torn only where it is no JSON") {
  const Content contents[] = {
      {"{}\n{\"id\":1}", {"1:text:{}", "2:text:{\"id\":1}"}},
      {"{}\n{\"id\":1", {"1:text:{}", "2:torn:{\"id\":1"}},
      {"{\"id\":\"\xC3", {"1:torn:{\"id\":\"\xC3"}},
      {"{\"id\":1}\r", {"1:text:{\"id\":1}\r"}},
      {"{\"id\":1,\"id\":2}", {"1:text:{\"id\":1,\"id\":2}"}},
      {"{\"id\":1\n", {"1:text:{\"id\":1"}},
      {std::string("{}\n\0\0\0", 6), {"1:text:{}", "2:torn:" + std::string(3, '\0')}},
  };
  const TemporaryFolder folder;
  for (const Content& content : contents) {
    CAPTURE(content.text);
    CHECK(lines_of(folder.write("jobs.jsonl", content.text)) == content.lines);
  }
}

TEST_CASE("an overlong line is skipped, and the next one has its right number") {
  const TemporaryFolder folder;
  const auto kinds = [&](std::size_t bytes, const std::string& line_end) {
    const std::string text = std::string(bytes, 'x') + line_end + "{}\n";
    auto reader = JobFileReader::open(folder.write("jobs.jsonl", text));
    REQUIRE(reader.has_value());
    auto first = reader->next();
    REQUIRE((first.has_value() && first->has_value()));
    CHECK((*first)->number == 1);
    auto second = reader->next();
    REQUIRE((second.has_value() && second->has_value()));
    CHECK((*second)->number == 2);
    CHECK((*second)->text == "{}");
    return std::pair{(*first)->kind, (*first)->text.size()};
  };
  using Kinds = std::pair<LineKind, std::size_t>;
  CHECK(kinds(job_line_bytes_max - 1, "\n") == Kinds{LineKind::text, job_line_bytes_max - 1});
  CHECK(kinds(job_line_bytes_max, "\n") == Kinds{LineKind::text, job_line_bytes_max});
  CHECK(kinds(job_line_bytes_max, "\r\n") == Kinds{LineKind::text, job_line_bytes_max});
  CHECK(kinds(job_line_bytes_max + 1, "\n") == Kinds{LineKind::too_long, 0});
  CHECK(kinds(job_line_bytes_max + 1, "\r\n") == Kinds{LineKind::too_long, 0});
  CHECK(kinds(9 << 20, "\n") == Kinds{LineKind::too_long, 0});
}

TEST_CASE("an overlong last line without newline is too long, not torn") {
  const TemporaryFolder folder;
  const auto path = folder.write("jobs.jsonl", "{}\n" + std::string(9 << 20, '['));
  CHECK(lines_of(path) == std::vector<std::string>{"1:text:{}", "2:too_long:"});
}

TEST_CASE("a line across the edge of the read buffer stays whole") {
  const TemporaryFolder folder;
  for (const std::size_t length : {65'534U, 65'535U, 65'536U, 65'537U, 131'072U}) {
    const std::string line(length, 'x');
    const auto path = folder.write("jobs.jsonl", line + "\r\n{}");
    CHECK(lines_of(path) == std::vector<std::string>{"1:text:" + line, "2:text:{}"});
  }
}

TEST_CASE("the stamp of a file names what tells it apart") {
  const TemporaryFolder folder;
  const auto path = folder.write("jobs.jsonl", "{}\n");
  const auto first = JobFileReader::open(folder.path() + "/./jobs.jsonl");
  REQUIRE(first.has_value());
  CHECK(first->stamp().path == path);
  CHECK(first->stamp().size == 3);
  CHECK(first->stamp().inode > 0);
  CHECK(first->stamp().mtime_ns > 0);
  folder.write("jobs.jsonl", "{}\n{}\n");
  const auto grown = JobFileReader::open(path);
  REQUIRE(grown.has_value());
  CHECK(grown->stamp() != first->stamp());
}

TEST_CASE("a pipe is read, and never counts as a file that is known") {
  int ends[2] = {};
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(::write(ends[1], "{}\n{", 4) == 4);
  ::close(ends[1]);
  const std::string path = "/dev/fd/" + std::to_string(ends[0]);
  auto reader = JobFileReader::open(path);
  REQUIRE(reader.has_value());
  CHECK(reader->stamp().path == "-");
  auto first = reader->next();
  REQUIRE((first.has_value() && first->has_value()));
  auto second = reader->next();
  REQUIRE((second.has_value() && second->has_value()));
  CHECK((*second)->kind == LineKind::torn);
  ::close(ends[0]);
}

TEST_CASE("a non-blocking standard input is read to its end, and stays open") {
  int ends[2] = {};
  REQUIRE(::pipe2(ends, O_NONBLOCK) == 0);
  REQUIRE(::write(ends[1], "{}\n", 3) == 3);
  ::close(ends[1]);
  const int saved = ::dup(STDIN_FILENO);
  REQUIRE(::dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
  ::close(ends[0]);
  CHECK(lines_of("-") == std::vector<std::string>{"1:text:{}"});
  CHECK(::fcntl(STDIN_FILENO, F_GETFD) >= 0);
  if (saved >= 0) {
    ::dup2(saved, STDIN_FILENO);
    ::close(saved);
  }
}

TEST_CASE("a file that cannot be read says why") {
  const TemporaryFolder folder;
  const auto absent = JobFileReader::open(folder.path("none.jsonl"));
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().code == ErrorCode::not_found);
  CHECK(absent.error().message ==
        folder.path("none.jsonl") + ": cannot open the job file: No such file or directory");
  const auto directory = JobFileReader::open(folder.path());
  REQUIRE_FALSE(directory.has_value());
  CHECK(directory.error().code == ErrorCode::invalid_input);
  CHECK(directory.error().message ==
        folder.path() + ": is a folder; expected a job file (JSON lines)");
}

TEST_CASE("the reader closes its file, once, and only where it owns it") {
  const TemporaryFolder folder;
  const auto path = folder.write("jobs.jsonl", "{}\n");
  const int before = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(before);
  {
    auto reader = JobFileReader::open(path);
    REQUIRE(reader.has_value());
    JobFileReader moved = std::move(*reader);
    CHECK((::fcntl(before, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(moved.next().has_value());
  }
  CHECK(::fcntl(before, F_GETFD) == -1);
}

TEST_CASE("a complaint reads FILE:LINE: message") {
  CHECK(to_text({"jobs/a.jsonl", 17, "missing field 'id'"}) ==
        "jobs/a.jsonl:17: missing field 'id'");
  CHECK(to_text({"a\nb", 1, "x"}) == "a\\x0ab:1: x");
}

}  // namespace
}  // namespace ratebatch::input_job_file_test
