// Loading what is not our own form: CSV, OpenAI Batch lines, bare request bodies.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "ratebatch/input/config_file.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/run/load.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::load_forms_test {

using namespace input;
using namespace run;
using namespace store;

namespace {

struct Desk {
  TemporaryFolder folder;
  std::unique_ptr<SqliteCheckpoint> checkpoint;
  Config config;

  Desk() {
    auto opened = SqliteCheckpoint::open(folder.path("test.db"), OpenMode::create_or_open, {});
    REQUIRE(opened.has_value());
    checkpoint = std::move(*opened);
    auto read = parse_config(
        "models: {m: {}, numbers: {kind: embedding}}\n"
        "types: {email: {model: m, prompt: '{{name}} {{city|here}}'}}\n",
        "r.yaml");
    REQUIRE(read.has_value());
    config = std::move(*read);
  }

  Result<LoadReport> load(const std::string& file, LoadOptions options = {}) {
    auto loader = checkpoint->begin_load(same_job_content);
    REQUIRE(loader.has_value());
    options.csv = {"email", "id"};
    return load_files(**loader, config, {file}, options);
  }

  std::string stored(std::int64_t seq) { return checkpoint->job(JobSeq{seq})->line_json; }
};

std::int64_t count(const LoadReport& report, JobForm form) {
  return report.forms[static_cast<std::size_t>(form)];
}

TEST_CASE("rows of a CSV file are jobs, and its second run adds only what is new") {
  Desk desk;
  const auto file = desk.folder.write("leads.csv", "id,name\n1,Ann\n2,Bob\n");
  const auto report = desk.load(file);
  REQUIRE(report.has_value());
  CHECK(report->added == 2);
  CHECK(count(*report, JobForm::csv) == 2);
  CHECK(desk.stored(2) == R"({"id":"2","type":"email","vars":{"id":"2","name":"Bob"}})");
  desk.folder.write("leads.csv", "id,name\n1,Ann\n2,Bob\n3,Cid\n");
  const auto again = desk.load(file);
  REQUIRE(again.has_value());
  CHECK(again->same == 2);
  CHECK(again->added == 1);
}

TEST_CASE("an unchanged CSV file is read again: with another type its rows are other jobs") {
  Desk desk;
  const auto file = desk.folder.write("leads.csv", "id,name\n1,Ann\n");
  REQUIRE(desk.load(file).has_value());
  desk.config.types["second"] = desk.config.types["email"];
  auto loader = desk.checkpoint->begin_load(same_job_content);
  REQUIRE(loader.has_value());
  const auto report = load_files(**loader, desk.config, {file}, {.csv = {"second", "name"}});
  REQUIRE(report.has_value());
  CHECK(report->files_unchanged == 0);
  CHECK(report->added == 1);
}

TEST_CASE("bad rows are named by line, and put aside as a CSV file of their own") {
  Desk desk;
  const auto file = desk.folder.write("leads.csv", "id,name\n1,Ann\n2\n3,\n4,\"a\nb\"\n");
  const auto refused = desk.load(file);
  REQUIRE_FALSE(refused.has_value());
  const std::string& message = refused.error().message;
  CHECK(message.find(file + ":3: the row has 1 cell, and the header has 2 columns\n") == 0);
  CHECK(message.find(file + ":4: missing variable 'name' in the prompt of type 'email'") !=
        std::string::npos);
  CHECK(message.find("2 bad lines: nothing was loaded") != std::string::npos);
  const auto report = desk.load(file, {.skip_invalid = true});
  REQUIRE(report.has_value());
  CHECK(report->added == 2);
  CHECK(report->rejected == 2);
  CHECK(desk.folder.read("leads.csv.rejects.csv") == "id,name\n2\n3,\n");
}

TEST_CASE("a CSV file that cannot be read as one loads nothing") {
  Desk desk;
  const auto report = desk.load(desk.folder.write("leads.csv", "name\nAnn\n"));
  REQUIRE_FALSE(report.has_value());
  CHECK(report.error().message.find("no column is called 'id', as --id-column says") !=
        std::string::npos);
}

TEST_CASE("bare request bodies are stored as Batch lines, and known again in a second run") {
  Desk desk;
  const std::string text =
      "{\"model\":\"m\",\"messages\":[],\"metadata\":{\"row\":1}}\n"
      "{\"model\":\"numbers\",\"input\":\"a\"}\n"
      "{\"id\":1,\"model\":\"m\",\"prompt\":\"p\"}\n"
      "{\"custom_id\":\"c\",\"method\":\"POST\",\"url\":\"/v1/moderations\","
      "\"body\":{\"model\":\"m\"}}\n";
  const auto file = desk.folder.write("requests.jsonl", text);
  const auto report = desk.load(file);
  REQUIRE_MESSAGE(report.has_value(), report.error().message);
  CHECK(report->added == 4);
  CHECK(count(*report, JobForm::script) == 2);
  CHECK(count(*report, JobForm::batch) == 1);
  CHECK(count(*report, JobForm::native) == 1);
  CHECK(desk.stored(1) ==
        R"({"custom_id":"requests-1","method":"POST","url":"/v1/chat/completions","body":)"
        R"({"model":"m","messages":[]},"metadata":{"row":1}})");
  CHECK(desk.stored(2) ==
        R"({"custom_id":"requests-2","method":"POST","url":"/v1/embeddings","body":)"
        R"({"model":"numbers","input":"a"}})");
  desk.folder.write("requests.jsonl", text + "{\"model\":\"m\",\"messages\":[]}\n");
  const auto again = desk.load(file);
  REQUIRE(again.has_value());
  CHECK(again->same == 4);
  CHECK(again->added == 1);
}

}  // namespace
}  // namespace ratebatch::load_forms_test
