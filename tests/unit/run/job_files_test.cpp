#include "ratebatch/run/job_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_folder.hpp"

namespace ratebatch::job_files_test {

using namespace run;

namespace {

void write(const std::string& path, const std::string& bytes) {
  std::ofstream stream(path, std::ios::binary);
  stream << bytes;
  REQUIRE(stream.good());
}

// A folder of jobs inside one with a secret.
struct Folders {
  Folders() {
    std::filesystem::create_directories(outer.path("jobs/audio/deep"));
    write(outer.path("secret"), "secret");
    write(outer.path("jobs/audio/deep/a b.mp3"), std::string("one\0two", 7));
  }
  TemporaryFolder outer;
  std::string jobs = outer.path("jobs");
};

std::string message_of(const Result<std::string>& result) {
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().code == ErrorCode::invalid_input);
  return result.error().message;
}

TEST_CASE("the files of a job lie below the folder of its job file") {
  CHECK(job_folder("/home/me/jobs.jsonl") == "/home/me");
  CHECK(job_folder("/jobs.jsonl") == "/");
  CHECK(job_folder("-") == ".");
  const Folders folders;
  const auto bytes = read_job_file(folders.jobs, "audio/deep/a b.mp3");
  REQUIRE(bytes.has_value());
  CHECK(*bytes == std::string("one\0two", 7));
  CHECK(check_job_file(folders.jobs, "audio/deep/a b.mp3").has_value());
}

TEST_CASE("nothing outside that folder is read") {
  const Folders folders;
  REQUIRE(::symlink("../secret", (folders.jobs + "/link").c_str()) == 0);
  REQUIRE(::symlink("..", (folders.jobs + "/up").c_str()) == 0);
  for (const std::string& path :
       {std::string{"../secret"}, std::string{"audio/../../secret"}, folders.outer.path("secret"),
        std::string{"link"}, std::string{"up/secret"}, std::string{"./../secret"},
        std::string{"audio//../../secret"}, std::string{""}, std::string{"."},
        std::string{"audio/deep/"}, std::string{"audio/deep/."}}) {
    CAPTURE(path);
    message_of(read_job_file(folders.jobs, path));
    CHECK_FALSE(check_job_file(folders.jobs, path).has_value());
  }
}

TEST_CASE("a path may be written with '.' and empty parts") {
  const Folders folders;
  for (const char* path :
       {"./audio/deep/a b.mp3", "audio//deep/a b.mp3", "././audio/./deep/a b.mp3",
        "audio/deep/./a b.mp3", "audio///deep//a b.mp3"}) {
    CAPTURE(path);
    const auto bytes = read_job_file(folders.jobs, path);
    REQUIRE_MESSAGE(bytes.has_value(), message_of(bytes));
    CHECK(bytes->size() == 7);
    CHECK(check_job_file(folders.jobs, path).has_value());
  }
}

TEST_CASE("what cannot be sent is named, with the reason") {
  const Folders folders;
  CHECK(message_of(read_job_file(folders.jobs, "audio/none.mp3")) ==
        "cannot send the file audio/none.mp3 of " + folders.jobs + ": No such file or directory");
  CHECK(message_of(read_job_file(folders.jobs, "audio")).find("no ordinary file") !=
        std::string::npos);
  REQUIRE(::mkfifo((folders.jobs + "/pipe").c_str(), 0600) == 0);
  CHECK(message_of(read_job_file(folders.jobs, "pipe")).find("no ordinary file") !=
        std::string::npos);
  CHECK(message_of(read_job_file(folders.jobs + "/nowhere", "x")).find("No such file") !=
        std::string::npos);
}

TEST_CASE("the files of a job have a common limit") {
  const Folders folders;
  CHECK(read_job_file(folders.jobs, "audio/deep/a b.mp3", 7).has_value());
  CHECK(message_of(read_job_file(folders.jobs, "audio/deep/a b.mp3", 6)).find("it has 7 bytes") !=
        std::string::npos);
  write(folders.jobs + "/half", "");
  std::filesystem::resize_file(folders.jobs + "/half", job_files_bytes_max / 2);
  std::vector<JobFile> files = {{"half", ""}, {"half", ""}};
  REQUIRE(read_job_files(folders.jobs, files).has_value());
  CHECK(files[1].bytes.size() == job_files_bytes_max / 2);
  files.push_back({"audio/deep/a b.mp3", ""});
  const auto more = read_job_files(folders.jobs, files);
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().message.find("a b.mp3") != std::string::npos);
}

}  // namespace
}  // namespace ratebatch::job_files_test
