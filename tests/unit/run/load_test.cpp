#include "ratebatch/run/load.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "ratebatch/input/job_line.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::load_test {

using namespace input;
using namespace run;
using namespace store;

namespace {

Config one_model() {
  Config config;
  ProviderSettings provider;
  provider.name = "openai";
  provider.base_url = "https://api.openai.com/v1";
  config.providers["openai"] = provider;
  ModelSettings model;
  model.name = model.id = "m";
  model.provider = "openai";
  config.models["m"] = model;
  return config;
}

// A checkpoint in a folder of its own, and the loading of files into it.
struct Desk {
  TemporaryFolder folder;
  std::unique_ptr<SqliteCheckpoint> checkpoint;
  Config config = one_model();

  Desk() {
    auto opened = SqliteCheckpoint::open(folder.path("test.db"), OpenMode::create_or_open, {});
    REQUIRE(opened.has_value());
    checkpoint = std::move(*opened);
  }

  Result<LoadReport> load(const std::vector<std::string>& files, const LoadOptions& options = {}) {
    auto loader = checkpoint->begin_load(same_job_content);
    REQUIRE(loader.has_value());
    return load_files(**loader, config, files, options);
  }

  [[nodiscard]] std::int64_t pending() const {
    return checkpoint->counts().jobs().of(JobState::pending);
  }
};

std::string line(const std::string& id, const std::string& prompt = "write") {
  return R"({"id":")" + id + R"(","model":"m","prompt":")" + prompt + "\"}\n";
}

TEST_CASE("all lines of all files are loaded in one go") {
  Desk desk;
  const auto a = desk.folder.write("a.jsonl", line("1") + "\n" + line("2"));
  const auto b = desk.folder.write("b.jsonl", line("3"));
  const auto report = desk.load({a, b});
  REQUIRE(report.has_value());
  CHECK(report->added == 3);
  CHECK(desk.pending() == 3);
}

TEST_CASE("an unchanged file is not read again, a changed one adds what is new") {
  Desk desk;
  const auto file = desk.folder.write("a.jsonl", line("1"));
  REQUIRE(desk.load({file}).has_value());
  const auto again = desk.load({file});
  REQUIRE(again.has_value());
  CHECK(again->files_unchanged == 1);
  desk.folder.write("a.jsonl", line("1") + line("2"));
  const auto grown = desk.load({file});
  REQUIRE(grown.has_value());
  CHECK(grown->same == 1);
  CHECK(grown->added == 1);
}

TEST_CASE("a byte order mark within a file, where two were put together, is no part of a line") {
  Desk desk;
  const auto file = desk.folder.write("a.jsonl", line("1") + "\xEF\xBB\xBF" + line("2"));
  REQUIRE(desk.load({file}).has_value());
  CHECK(desk.checkpoint->job(JobSeq{2})->line_json + "\n" == line("2"));
}

TEST_CASE("one bad line and nothing is loaded, and every bad line is named") {
  Desk desk;
  const auto file = desk.folder.write("a.jsonl", line("1") + "{oops\n" + line("2") + "[]\n");
  const auto report = desk.load({file});
  REQUIRE_FALSE(report.has_value());
  CHECK(report.error().code == ErrorCode::invalid_input);
  const std::string& message = report.error().message;
  CHECK(message.find(file + ":2: ") != std::string::npos);
  CHECK(message.find(file + ":4: ") != std::string::npos);
  CHECK(message.find("2 bad lines: nothing was loaded; mend them, or load the rest with "
                     "run --skip-invalid") != std::string::npos);
  CHECK(desk.pending() == 0);
}

TEST_CASE("of many bad lines twenty are shown and all are counted") {
  Desk desk;
  std::string text;
  for (int i = 0; i < 25; ++i) text += "{\n";
  text += line("1");
  const auto report = desk.load({desk.folder.write("a.jsonl", text)});
  REQUIRE_FALSE(report.has_value());
  const std::string& message = report.error().message;
  CHECK(message.find("a.jsonl:20: ") != std::string::npos);
  CHECK(message.find("a.jsonl:21: ") == std::string::npos);
  CHECK(message.find("and 5 bad lines more\n") != std::string::npos);
}

TEST_CASE("with skip_invalid bad lines are put aside as they are, and the rest is loaded") {
  Desk desk;
  const auto file = desk.folder.write("a.jsonl", line("1") + "{oops\n" + line("2"));
  const auto report = desk.load({file}, {.skip_invalid = true});
  REQUIRE(report.has_value());
  CHECK(report->added == 2);
  CHECK(report->rejected == 1);
  CHECK(desk.folder.read("a.jsonl.rejects.jsonl") == "{oops\n");
  REQUIRE(report->notes.size() == 2);
  CHECK(report->notes[0].find(file + ":2: invalid JSON") == 0);
  CHECK(report->notes[1] == "1 bad line was not loaded; see " + file + ".rejects.jsonl");
}

TEST_CASE("a line that is too long to be put aside is named") {
  Desk desk;
  const auto file = desk.folder.write("a.jsonl", line("1") + std::string(8'388'609, 'x') + "\n");
  const auto report = desk.load({file}, {.skip_invalid = true});
  REQUIRE(report.has_value());
  CHECK(report->added == 1);
  CHECK(report->rejected == 1);
  REQUIRE(report->notes.size() == 1);
  CHECK(report->notes[0] == file + ":2: the line is longer than 8,388,608 bytes");
  CHECK_FALSE(std::filesystem::exists(file + ".rejects.jsonl"));
}

TEST_CASE("a file with a torn last line is read again, and says so again") {
  Desk desk;
  const auto file = desk.folder.write("a.jsonl", line("1") + R"({"id":"2","mod)");
  REQUIRE(desk.load({file}).has_value());
  const auto again = desk.load({file});
  REQUIRE(again.has_value());
  CHECK(again->files_unchanged == 0);
  CHECK(again->same == 1);
  CHECK(again->notes.size() == 1);
}

TEST_CASE("a torn last line is left for the next run, with a note") {
  Desk desk;
  const auto file = desk.folder.write("a.jsonl", line("1") + R"({"id":"2","mod)");
  const auto report = desk.load({file});
  REQUIRE(report.has_value());
  CHECK(report->added == 1);
  REQUIRE(report->notes.size() == 1);
  CHECK(report->notes[0].find(":2: the last line is not complete yet") != std::string::npos);
  desk.folder.write("a.jsonl", line("1") + line("2"));
  REQUIRE(desk.load({file}).has_value());
  CHECK(desk.pending() == 2);
}

TEST_CASE("the same id with other content names where the first one came from") {
  Desk desk;
  const auto a = desk.folder.write("a.jsonl", line("0") + line("1"));
  const auto b = desk.folder.write("b.jsonl", line("1", "other"));
  REQUIRE(desk.load({a}).has_value());
  const auto report = desk.load({b});
  REQUIRE_FALSE(report.has_value());
  CHECK(report.error().message.find(b + ":1: id '1' was loaded from " + a +
                                    ":2 with other "
                                    "content") != std::string::npos);
  const auto updated = desk.load({b}, {.update = true});
  REQUIRE(updated.has_value());
  CHECK(updated->updated == 1);
  CHECK(desk.checkpoint->job(JobSeq{2})->line_json.find("other") != std::string::npos);
}

TEST_CASE("a file that is not there is named, and nothing of the others is loaded") {
  Desk desk;
  const auto a = desk.folder.write("a.jsonl", line("1"));
  const auto report = desk.load({a, desk.folder.path("none.jsonl")});
  REQUIRE_FALSE(report.has_value());
  CHECK(report.error().message.find("none.jsonl") != std::string::npos);
  CHECK(desk.pending() == 0);
}

}  // namespace
}  // namespace ratebatch::load_test
