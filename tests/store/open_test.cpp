// Opening, making, locking and refusing databases.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "ratebatch/store/checkpoint_reader.hpp"
#include "store/run_lock.hpp"
#include "store/sqlite_schema.hpp"
#include "store/store_fixture.hpp"

namespace ratebatch::store_test::open_test {

using namespace store;

namespace {

using Names = std::vector<std::string>;

Result<std::unique_ptr<SqliteCheckpoint>> open_at(const std::string& path,
                                                  OpenMode mode = OpenMode::create_or_open) {
  return SqliteCheckpoint::open(path, mode, {});
}

Error refused(const std::string& path, OpenMode mode = OpenMode::create_or_open) {
  const auto opened = open_at(path, mode);
  REQUIRE_FALSE(opened.has_value());
  return opened.error();
}

int mode_of(const std::string& file) {
  struct stat found{};
  REQUIRE(::stat(file.c_str(), &found) == 0);
  return static_cast<int>(found.st_mode & 07777U);
}

// A pipe of which the child keeps one end and the parent the other.
struct Pipe {
  Pipe() { REQUIRE(::pipe(ends) == 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void signal() const { REQUIRE(::write(ends[1], "x", 1) == 1); }
  // Returns also when the other side is gone.
  void wait() {
    ::close(ends[1]);
    char byte = 0;
    CHECK(::read(ends[0], &byte, 1) >= 0);
  }
  int ends[2] = {-1, -1};
};

// Holds the checkpoint in another process until destruction.
class OtherProcess {
 public:
  explicit OtherProcess(const std::string& path) {
    Pipe ready;
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      const auto held = open_at(path);
      if (held) ready.signal();
      while (true) ::pause();
    }
    ready.wait();
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;
  ~OtherProcess() { kill(); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

}  // namespace

TEST_CASE("a new database is stamped, private and ours") {
  const TempDir folder;
  const std::string path = folder.file("ratebatch.db");
  const mode_t before = ::umask(0777);
  {
    auto made = SqliteCheckpoint::open(path, OpenMode::create_or_open,
                                       {true, "day=60s", "/etc/ratebatch.yaml"});
    ::umask(before);
    const auto checkpoint = must(std::move(made));
    CHECK(checkpoint->created());
    CHECK(checkpoint->path() == path);
    CHECK(checkpoint->stamp() == CheckpointStamp{true, "day=60s", "/etc/ratebatch.yaml"});
    CHECK(folder.names() ==
          Names{"ratebatch.db", "ratebatch.db-shm", "ratebatch.db-wal", "ratebatch.db.lock"});
    for (const std::string& name : folder.names()) CHECK(mode_of(folder.file(name)) == 0600);
    auto& connection = SqliteCheckpointProbe::connection(*checkpoint);
    CHECK(query(connection, "PRAGMA application_id") == 0x52426174);
    CHECK(query(connection, "PRAGMA user_version") == 4);
    CHECK(query(connection, "PRAGMA synchronous") == 2);
  }
  const auto again = must(SqliteCheckpoint::open(path, OpenMode::must_exist, {false, "", "x"}));
  CHECK_FALSE(again->created());
  CHECK(again->stamp() == CheckpointStamp{true, "day=60s", "/etc/ratebatch.yaml"});
}

TEST_CASE("the configuration in the stamp can change") {
  SqliteStore store;
  {
    SqliteCheckpoint& checkpoint = store.open();
    CheckpointStamp stamp = checkpoint.stamp();
    stamp.config_path = "/new.yaml";
    must(checkpoint.set_stamp(stamp));
  }
  CHECK(store.open().stamp().config_path == "/new.yaml");
}

TEST_CASE("an empty file becomes a database") {
  const TempDir folder;
  write_file(folder.file("x.db"), "");
  CHECK(refused(folder.file("x.db"), OpenMode::must_exist).code == ErrorCode::not_found);
  CHECK(must(open_at(folder.file("x.db")))->created());
}

TEST_CASE("a database that must exist is not made") {
  const TempDir folder;
  const Error error = refused(folder.file("ratebatch.db"), OpenMode::must_exist);
  CHECK(error.code == ErrorCode::not_found);
  CHECK(error.message == "there is no checkpoint at " + folder.file("ratebatch.db") +
                             "; start one with: ratebatch run jobs.jsonl");
  CHECK(folder.names().empty());
}

TEST_CASE("a directory that does not exist is named") {
  const TempDir folder;
  const Error error = refused(folder.file("missing/ratebatch.db"));
  CHECK(error.code == ErrorCode::not_found);
  CHECK(error.message.find(folder.file("missing")) != std::string::npos);
}

TEST_CASE("what a failed first load leaves is discarded, and nothing else") {
  const TempDir folder;
  const std::string path = folder.file("ratebatch.db");
  must(open_at(path))->discard_if_created();
  CHECK(folder.names().empty());

  must(open_at(path));
  must(open_at(path))->discard_if_created();
  CHECK(folder.names() == Names{"ratebatch.db", "ratebatch.db.lock"});
}

TEST_CASE("files that are not ours stay as they are") {
  const TempDir folder;
  const std::string path = folder.file("x.db");
  ErrorCode code = ErrorCode::foreign;
  std::string words = path + " is not a ratebatch database";
  SUBCASE("text") { write_file(path, "id,name\n1,Nina Simone\n" + std::string(5000, 'x')); }
  SUBCASE("short text") { write_file(path, "hello"); }
  SUBCASE("another program's database") {
    write_file(path, "");
    auto connection = must(Connection::open(path, Connection::Access::read_write));
    must(connection.execute("make", "CREATE TABLE t (a); PRAGMA user_version = 1"));
  }
  SUBCASE("a database with another mark") {
    write_file(path, "");
    auto connection = must(Connection::open(path, Connection::Access::read_write));
    must(connection.execute("make", "PRAGMA journal_mode = WAL; PRAGMA application_id = 7"));
  }
  SUBCASE("a newer format") {
    must(open_at(path));
    std::filesystem::remove(path + ".lock");
    auto connection = must(Connection::open(path, Connection::Access::read_write));
    must(connection.execute("make", "PRAGMA user_version = 7"));
    words = path +
            " was made by a newer ratebatch (format 7, this one knows 4); install a newer version";
  }
  const std::string before = bytes_of(path);
  for (const OpenMode mode : {OpenMode::create_or_open, OpenMode::must_exist}) {
    const Error error = refused(path, mode);
    CHECK(error.code == code);
    CHECK(error.message == words);
  }
  const auto read = CheckpointReader::open(path);
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error() == Error{code, words});
  CHECK(bytes_of(path) == before);
  CHECK(folder.names() == Names{"x.db"});
}

TEST_CASE("a newer format that is still in the log is refused too") {
  const TempDir folder;
  const std::string path = folder.file("x.db");
  must(open_at(path));
  // Never checkpointed: the process that wrote it died.
  CHECK(in_child([&] {
          auto connection = must(Connection::open(path, Connection::Access::read_write));
          must(connection.execute("make", "PRAGMA user_version = 7"));
          ::_exit(5);
          return 0;
        }) == 5);
  CHECK(refused(path).code == ErrorCode::foreign);
}

TEST_CASE("symbolic links and directories are refused") {
  const TempDir folder;
  const std::string target = folder.file("target.db");
  const std::string link = folder.file("link.db");
  must(open_at(target));
  const std::string before = bytes_of(target);
  std::filesystem::create_symlink(target, link);
  CHECK(refused(link).code == ErrorCode::foreign);
  CHECK(refused(link).message.find("symbolic link") != std::string::npos);
  CHECK_FALSE(CheckpointReader::open(link).has_value());
  CHECK(bytes_of(target) == before);

  std::filesystem::remove(link);
  std::filesystem::create_symlink(folder.file("nowhere"), link);
  CHECK(refused(link).code == ErrorCode::foreign);
  CHECK(refused(folder.path()).message.find("directory") != std::string::npos);
  CHECK(refused(folder.path() + "/").code == ErrorCode::foreign);
  CHECK_FALSE(std::filesystem::exists(folder.file("nowhere")));

  std::filesystem::remove(target + ".lock");
  std::filesystem::create_symlink(folder.file("elsewhere"), target + ".lock");
  CHECK(refused(target).code == ErrorCode::io);
  CHECK_FALSE(std::filesystem::exists(folder.file("elsewhere")));
}

TEST_CASE("a directory may be reached by a symbolic link") {
  const TempDir folder;
  std::filesystem::create_directory(folder.file("real"));
  std::filesystem::create_directory_symlink(folder.file("real"), folder.file("link"));
  CHECK(must(open_at(folder.file("link/x.db")))->path() == folder.file("real/x.db"));
}

TEST_CASE("one process at a time has the checkpoint") {
  const TempDir folder;
  const std::string path = folder.file("ratebatch.db");
  OtherProcess other(path);
  const Error error = refused(path);
  CHECK(error.code == ErrorCode::locked);
  CHECK(error.message ==
        path + " is in use by process " + std::to_string(other.pid()) + "; wait for it or stop it");
  CHECK(RunLock::holder(path) == other.pid());
  // Asking took nothing, and the refusal neither.
  CHECK(refused(path).code == ErrorCode::locked);

  other.kill();
  CHECK_FALSE(RunLock::holder(path).has_value());
  const auto checkpoint = must(open_at(path));
  CHECK(RunLock::holder(path) == ::getpid());
}

TEST_CASE("a process is refused by itself, and keeps its lock") {
  const TempDir folder;
  const std::string path = folder.file("ratebatch.db");
  const auto checkpoint = must(open_at(path));
  CHECK(refused(path).code == ErrorCode::locked);
  CHECK(RunLock::holder(path) == ::getpid());
  // The descriptors that those two might have closed would have dropped the lock.
  CHECK(in_child([&] { return RunLock::holder(path) == ::getppid() ? 0 : 1; }) == 0);
}

TEST_CASE("no lock is taken where nothing was ever locked") {
  const TempDir folder;
  CHECK_FALSE(RunLock::holder(folder.file("x.db")).has_value());
  CHECK(folder.names().empty());
}

}  // namespace ratebatch::store_test::open_test
