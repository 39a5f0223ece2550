#include "ratebatch/run/answer_files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "ratebatch/run/output_file.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::assets_test {

using namespace run;

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
  const auto names = write_assets(assets, "img-1", {{"first", "", "png"}, {"second", "", "png"}});
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
  REQUIRE(write_assets(folder.path("assets"), "a", {{"new", "", "png"}}).has_value());
  CHECK(folder.read("assets/a.png") == "new");
  CHECK(files_in(folder.path("assets")) == 1);
}

TEST_CASE("a planted symbolic link is replaced, not followed") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("assets"));
  folder.write("victim", "precious");
  std::filesystem::create_symlink(folder.path("victim"), folder.path("assets/a.png"));
  std::filesystem::create_symlink(folder.path("victim"), folder.path("assets/a.png.part"));
  REQUIRE(write_assets(folder.path("assets"), "a", {{"new", "", "png"}}).has_value());
  CHECK(folder.read("victim") == "precious");
  CHECK_FALSE(std::filesystem::is_symlink(folder.path("assets/a.png")));
}

TEST_CASE("a folder that cannot be made is an error that names it") {
  const TemporaryFolder folder;
  folder.write("file", "");
  const auto names = write_assets(folder.path("file/assets"), "a", {{"x", "", "png"}});
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

TEST_CASE("an asset that is a file already is moved to its name, beside those in memory") {
  const TemporaryFolder folder;
  const std::string assets = folder.path("assets");
  const std::string arrived = folder.write("assets/.incoming-x/7-0", "first");
  const auto names = write_assets(assets, "a", {{"", arrived, "png"}, {"second", "", "jpg"}});
  REQUIRE(names.has_value());
  CHECK(*names == std::vector<std::string>{"a.png", "a~2.jpg"});
  CHECK(folder.read("assets/a.png") == "first");
  CHECK(folder.read("assets/a~2.jpg") == "second");
  CHECK(files_in(assets + "/.incoming-x") == 0);
}

TEST_CASE("where one asset cannot be written, all are where they were, for another try") {
  const TemporaryFolder folder;
  const std::string assets = folder.path("assets");
  const std::string first = folder.write("assets/.incoming-x/7-0", "first");
  const std::string second = folder.path("assets/.incoming-x/7-1");
  const std::vector<Asset> both = {{"", first, "png"}, {"", second, "png"}};
  const auto refused = write_assets(assets, "a", both);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::io);
  CHECK(refused.error().message ==
        "cannot write " + assets + "/a~2.png of job 'a': No such file or directory");
  CHECK(folder.read("assets/.incoming-x/7-0") == "first");
  CHECK(files_in(assets) == 1);
  folder.write("assets/.incoming-x/7-1", "second");
  REQUIRE(write_assets(assets, "a", both).has_value());
  CHECK(folder.read("assets/a~2.png") == "second");
}

TEST_CASE("a file whose name a folder has gets a name that no other job's file can have") {
  const TemporaryFolder folder;
  const std::string assets = folder.path("assets");
  std::filesystem::create_directories(assets + "/a.png");
  const auto names = write_assets(assets, "a", {{"bytes", "", "png"}});
  REQUIRE(names.has_value());
  CHECK(*names == std::vector<std::string>{"a~.png"});
  CHECK(folder.read("assets/a~.png") == "bytes");
  CHECK(asset_name("a~", 0, 1, "png") != "a~.png");
}

TEST_CASE("where a redo fails half way, the older files are back, in memory or not") {
  const TemporaryFolder folder;
  const std::string assets = folder.path("assets");
  folder.write("assets/a.png", "old 1");
  for (const char* name : {"/a~2.png", "/a~2~.png"}) {
    std::filesystem::create_directory(assets + name);
  }
  std::vector<Asset> both = {{"new 1", "", "png"}, {"new 2", "", "png"}};
  std::string arrived;
  SUBCASE("in memory") {}
  SUBCASE("arrived") {
    arrived = folder.write("assets/.incoming-x/7-0", "new 1");
    both[0] = {"", arrived, "png"};
  }
  const std::ptrdiff_t before = files_in(assets);
  const auto refused = write_assets(assets, "a", both);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::io);
  CHECK(refused.error().message ==
        "cannot write " + assets + "/a~2~.png of job 'a': Is a directory");
  CHECK(folder.read("assets/a.png") == "old 1");
  CHECK(files_in(assets) == before);
  if (!arrived.empty()) CHECK(folder.read("assets/.incoming-x/7-0") == "new 1");
  std::filesystem::remove(assets + "/a~2.png");
  REQUIRE(write_assets(assets, "a", both).has_value());
  CHECK(folder.read("assets/a.png") == "new 1");
  CHECK(folder.read("assets/a~2.png") == "new 2");
  if (!arrived.empty()) CHECK(files_in(assets + "/.incoming-x") == 0);
  CHECK(files_in(assets) == before);
}

TEST_CASE("an incoming folder is made for its owner only, emptied, and removed when empty") {
  const TemporaryFolder folder;
  const std::string checkpoint = folder.write("jobs.db", "");
  const auto made = open_incoming_folder(folder.path(), checkpoint);
  REQUIRE(made.has_value());
  CHECK(std::filesystem::path(*made).parent_path() == folder.path());
  CHECK(std::filesystem::path(*made).filename().string().starts_with(".incoming-"));
  CHECK(mode_of(*made) == 0700);
  std::ofstream{*made + "/7-0"} << "left by a killed run";
  close_incoming_folder(*made);
  CHECK(files_in(*made) == 1);
  ::chmod(made->c_str(), 0755);
  CHECK(open_incoming_folder(folder.path(), checkpoint) == made);
  CHECK(files_in(*made) == 0);
  CHECK(mode_of(*made) == 0700);
  close_incoming_folder(*made);
  CHECK_FALSE(std::filesystem::exists(*made));
}

TEST_CASE("each checkpoint has an incoming folder of its own, however it is named") {
  const TemporaryFolder folder;
  const std::string a = folder.write("a.db", "");
  const std::string b = folder.write("b.db", "");
  std::filesystem::create_symlink(a, folder.path("link.db"));
  const auto of_a = open_incoming_folder(folder.path(), a);
  REQUIRE(of_a.has_value());
  CHECK(open_incoming_folder(folder.path(), folder.path("./link.db")) == of_a);
  CHECK(open_incoming_folder(folder.path(), b) != of_a);
}

TEST_CASE("a link or a file in the place of an incoming folder is refused, and not followed") {
  const TemporaryFolder folder;
  const std::string checkpoint = folder.write("jobs.db", "");
  folder.write("elsewhere/precious", "kept");
  const auto made = open_incoming_folder(folder.path(), checkpoint);
  REQUIRE(made.has_value());
  close_incoming_folder(*made);
  SUBCASE("a link to a folder") {
    std::filesystem::create_directory_symlink(folder.path("elsewhere"), *made);
  }
  SUBCASE("a link to nowhere") { std::filesystem::create_symlink(folder.path("none"), *made); }
  SUBCASE("a file") { std::ofstream{*made} << "x"; }
  const auto refused = open_incoming_folder(folder.path(), checkpoint);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::invalid_input);
  CHECK(refused.error().message ==
        "cannot keep arriving files in " + *made + ": it is a link or a file; remove it");
  CHECK(folder.read("elsewhere/precious") == "kept");
  CHECK_FALSE(std::filesystem::exists(folder.path("none")));
}

TEST_CASE("an incoming folder of another user is refused") {
  const TemporaryFolder folder;
  const std::string checkpoint = folder.write("jobs.db", "");
  const auto made = open_incoming_folder(folder.path(), checkpoint);
  REQUIRE(made.has_value());
  if (::chown(made->c_str(), 1, 1) != 0) {
    MESSAGE("only root can give a folder away: not tested");
    return;
  }
  const auto refused = open_incoming_folder(folder.path(), checkpoint);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message ==
        "cannot keep arriving files in " + *made + ": it belongs to another user; remove it");
}

TEST_CASE("what cannot be removed from an incoming folder is an error that names it") {
  const TemporaryFolder folder;
  const std::string checkpoint = folder.write("jobs.db", "");
  const auto made = open_incoming_folder(folder.path(), checkpoint);
  REQUIRE(made.has_value());
  std::filesystem::create_directory(*made + "/deep");
  const auto refused = open_incoming_folder(folder.path(), checkpoint);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message == "cannot remove " + *made + "/deep: Is a directory");
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
}  // namespace ratebatch::assets_test
