#include "ratebatch/run/assets.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "ratebatch/run/output_file.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777U;
}

std::ptrdiff_t files_in(const std::string& folder) {
  return std::distance(std::filesystem::directory_iterator{folder}, {});
}

TEST_CASE("a plain id is its own file name") {
  CHECK(asset_name("img-7", 0, 1, "png") == "img-7.png");
  CHECK(asset_name("img-7", 0, 3, "png") == "img-7.png");
  CHECK(asset_name("img-7", 2, 3, "webp") == "img-7~3.webp");
}

TEST_CASE("no id leads out of the folder, hides a file or collides with another") {
  for (const std::string id : {"../../etc/passwd", "/etc/passwd", ".hidden", "-rf", "a b", "a/b",
                               "na\xC3\xAFve", "", ".."}) {
    CAPTURE(id);
    const std::string name = asset_name(id, 0, 1, "png");
    CHECK(name.find('/') == std::string::npos);
    CHECK(name.front() != '.');
    CHECK(name.front() != '-');
    CHECK(name != asset_name("a_b", 0, 1, "png"));
  }
  CHECK(asset_name("a b", 0, 1, "png") != asset_name("a/b", 0, 1, "png"));
}

TEST_CASE("the second file of one job is never the first file of another") {
  CHECK(asset_name("a", 1, 2, "png") != asset_name("a-2", 0, 1, "png"));
  CHECK(asset_name("a", 1, 2, "png") != asset_name("a~2", 0, 1, "png"));
  CHECK(asset_name("a", 1, 2, "png") != asset_name("a_2", 0, 1, "png"));
}

TEST_CASE("the longest id still gives a file name that every file system takes") {
  const std::string a(256, 'x');
  const std::string b = std::string(255, 'x') + "y";
  CHECK(asset_name(a, 9, 10, "jpeg").size() <= 150);
  CHECK(asset_name(a, 0, 1, "png") != asset_name(b, 0, 1, "png"));
}

TEST_CASE("files are written complete, owner-only, and nothing else is left behind") {
  const TemporaryFolder folder;
  const std::string assets = folder.path("assets");
  const auto names = write_assets(assets, "img-1", {{"first", "png"}, {"second", "png"}});
  REQUIRE(names.has_value());
  CHECK(*names == std::vector<std::string>{"img-1.png", "img-1~2.png"});
  CHECK(folder.read("assets/img-1~2.png") == "second");
  CHECK(mode_of(assets + "/img-1.png") == 0600);
  CHECK(mode_of(assets) == 0700);
  CHECK(files_in(assets) == 2);
}

TEST_CASE("the same job's file is replaced, and a part file of a killed run is no obstacle") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("assets"));
  folder.write("assets/a.png", "old");
  folder.write("assets/a.png.part", "torn");
  REQUIRE(write_assets(folder.path("assets"), "a", {{"new", "png"}}).has_value());
  CHECK(folder.read("assets/a.png") == "new");
  CHECK(files_in(folder.path("assets")) == 1);
}

TEST_CASE("a planted symbolic link is replaced, not followed") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("assets"));
  folder.write("victim", "precious");
  std::filesystem::create_symlink(folder.path("victim"), folder.path("assets/a.png"));
  std::filesystem::create_symlink(folder.path("victim"), folder.path("assets/a.png.part"));
  REQUIRE(write_assets(folder.path("assets"), "a", {{"new", "png"}}).has_value());
  CHECK(folder.read("victim") == "precious");
  CHECK_FALSE(std::filesystem::is_symlink(folder.path("assets/a.png")));
}

TEST_CASE("a folder that cannot be made is an error that names it") {
  const TemporaryFolder folder;
  folder.write("file", "");
  const auto names = write_assets(folder.path("file/assets"), "a", {{"x", "png"}});
  REQUIRE_FALSE(names.has_value());
  CHECK(names.error().code == ErrorCode::io);
  CHECK(names.error().message.find(folder.path("file/assets")) != std::string::npos);
}

TEST_CASE("a folder for files is made and tried before anything is paid for") {
  const TemporaryFolder folder;
  CHECK(prepare_assets_folder(folder.path("assets")).has_value());
  CHECK(prepare_assets_folder(folder.path("assets")).has_value());
  folder.write("file", "");
  const auto refused = prepare_assets_folder(folder.path("file"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::invalid_input);
  CHECK(refused.error().message.find(folder.path("file")) != std::string::npos);
}

TEST_CASE("an output file appears when it is committed, and not before") {
  const TemporaryFolder folder;
  const std::string path = folder.write("out.jsonl", "old\n");
  {
    auto file = OutputFile::create(path);
    REQUIRE(file.has_value());
    REQUIRE(file->write("new\n").has_value());
    CHECK(folder.read("out.jsonl") == "old\n");
  }
  CHECK(folder.read("out.jsonl") == "old\n");
  CHECK(files_in(folder.path()) == 1);
  auto file = OutputFile::create(path);
  REQUIRE(file.has_value());
  REQUIRE(file->write(std::string(200'000, 'x')).has_value());
  REQUIRE(file->commit().has_value());
  CHECK(folder.read("out.jsonl").size() == 200'000);
  CHECK(mode_of(path) == 0600);
}

TEST_CASE("an output file in a folder that is not there is an error") {
  const TemporaryFolder folder;
  const auto file = OutputFile::create(folder.path("none/out.jsonl"));
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().message ==
        "cannot create " + folder.path("none/out.jsonl") + ": No such file or directory");
}

}  // namespace
}  // namespace ratebatch
