// Replies that go to files: there, complete and closed to others, exactly where the transfer
// brought a 2xx.
#include "net/body_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "net/net_support.hpp"
#include "net/no_room.hpp"
#include "net/reply_sink.hpp"
#include "ratebatch/base/base64.hpp"
#include "support/script_server.hpp"
#include "support/temporary_folder.hpp"

namespace {

bool syncing_fails = false;  // As on a disk that breaks.

}  // namespace

// Stands before the C library's.
extern "C" int fsync(int descriptor) {
  if (syncing_fails) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

namespace ratebatch::body_file_test {

using namespace net;

namespace {

const std::string octets = "Content-Type: application/octet-stream\r\n";

HttpRequest download(const ScriptServer& server, const TemporaryFolder& folder) {
  HttpRequest request = post_to(server.url("/"));
  request.reply_files = {
      .members = {"b64_json"}, .binary_body = true, .folder = folder.path(), .stem = "7"};
  return request;
}

Script answer(const std::string& bytes) { return {read_request(), send_bytes(bytes)}; }

// What became of a 2xx with this Content-Type line and body.
HttpReply reply_with(const std::string& type, const std::string& body,
                     const TemporaryFolder& folder) {
  ScriptServer server({answer(http_reply(200, body, type))});
  const auto transport = open_transport();
  return reply_to(*transport, download(server, folder));
}

TEST_CASE("a binary body is written to its file, for the owner only") {
  const std::string bytes(200'000, '\xE9');
  const TemporaryFolder folder;
  const HttpReply reply = reply_with("Content-Type: image/png\r\n", bytes, folder);
  CHECK(reply.status == 200);
  CHECK(reply.body.empty());
  REQUIRE(reply.files.size() == 1);
  CHECK(reply.files[0].path == folder.path("7-0"));
  CHECK(reply.files[0].bytes == 200'000);
  CHECK(reply.files[0].head == bytes.substr(0, 32));
  CHECK((folder.read("7-0") == bytes));
  struct stat info{};
  REQUIRE(stat(folder.path("7-0").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600);
}

TEST_CASE("the type of a body decides where it goes, and its first byte where there is no type") {
  struct Row {
    std::string type;
    std::string body;
    bool is_file;
  };
  for (const Row& row : std::vector<Row>{
           {"Content-Type: audio/mpeg\r\n", "{sound", true},
           {"Content-Type: application/octet-stream\r\n", "x", true},
           {"Content-Type: application/jsonl\r\n", "x", true},
           {"Content-Type: application/json\r\n", "\xFFx", false},
           {"Content-Type: Application/JSON ; charset=utf-8\r\n", "x", false},
           {"Content-Type: application/problem+json\r\n", "x", false},
           {"Content-Type: text/html\r\n", "x", false},
           {"", "ID3x", true},
           {"", " \r\n\t{}", false},
           {"", "[1]", false},
           {"", "  \r\nx", true},
           {"", "  \r\n", false},
           {"Content-Type: image/png\r\n", "", false},
       }) {
    CAPTURE(row.type);
    CAPTURE(row.body);
    const TemporaryFolder folder;
    const HttpReply reply = reply_with(row.type, row.body, folder);
    CHECK(reply.files.size() == (row.is_file ? 1 : 0));
    CHECK(reply.body == (row.is_file ? "" : row.body));
    CHECK(folder.read("7-0") == (row.is_file ? row.body : ""));
  }
}

TEST_CASE("blanks before a body without a type go where it goes") {
  const TemporaryFolder folder;
  const ReplyFiles wanted{.binary_body = true, .folder = folder.path(), .stem = "7"};
  ReplySink sink(100, wanted);
  REQUIRE(sink.take_header_line("HTTP/1.1 200 OK\r\n"));
  REQUIRE(sink.take_header_line("\r\n"));
  for (const char* piece : {" ", "\n", "\tx", "y"}) REQUIRE(sink.take_body(piece));
  const auto reply = sink.finish();
  REQUIRE(reply);
  CHECK(reply->body.empty());
  CHECK(folder.read("7-0") == " \n\txy");
}

TEST_CASE("pictures inside JSON arrive as files") {
  const std::string bytes(300'000, '\x7F');
  const TemporaryFolder folder;
  const HttpReply reply =
      reply_with("Content-Type: application/json\r\n",
                 R"({"data":[{"b64_json":")" + encode_base64(bytes) + R"("}]})", folder);
  CHECK(reply.body == R"({"data":[{"b64_json":"file:0"}]})");
  REQUIRE(reply.files.size() == 1);
  CHECK((folder.read("7-0") == bytes));
}

// "VmRSS", "VmHWM" of this process, in KiB.
long memory_kib(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
  }
  return 0;
}

TEST_CASE("a picture of 40 MB arrives without being held in memory") {
  const TemporaryFolder folder;
  ScriptServer server({answer(http_reply(
      200, R"({"data":[{"b64_json":")" + encode_base64(std::string(40'000'000, 'x')) + R"("}]})",
      "Content-Type: application/json\r\n"))});
  const auto transport = open_transport();
  std::ofstream("/proc/self/clear_refs") << "5";  // The peak begins anew.
  const long before = memory_kib("VmRSS");
  const HttpReply reply = reply_to(*transport, download(server, folder));
  CHECK(reply.body == R"({"data":[{"b64_json":"file:0"}]})");
  REQUIRE(reply.files.size() == 1);
  CHECK(reply.files[0].bytes == 40'000'000);
  // Some 400 KiB; the text alone has 53 MB, and instruments of the build take some.
  CHECK(memory_kib("VmHWM") - before < 8 * 1024);
}

TEST_CASE("without a folder everything stays in the body") {
  const std::string text = R"({"b64_json":")" + encode_base64(std::string(9000, 'x')) + R"("})";
  ScriptServer server({answer(http_reply(200, text, octets))});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/"));
  request.reply_files = {.members = {"b64_json"}, .binary_body = true, .folder = "", .stem = ""};
  const HttpReply reply = reply_to(*transport, request);
  CHECK((reply.body == text));
  CHECK(reply.files.empty());
}

TEST_CASE("a body that is no 2xx stays out of files") {
  ScriptServer server({answer(http_reply(404, "no such image", octets))});
  const auto transport = open_transport();
  const TemporaryFolder folder;
  const HttpReply reply = reply_to(*transport, download(server, folder));
  CHECK(reply.status == 404);
  CHECK(reply.body == "no such image");
  CHECK(std::filesystem::is_empty(folder.path()));
}

// A reply that breaks off: in a binary body, or in the second value of a JSON text.
std::vector<std::string> broken_replies() {
  const std::string value = encode_base64(std::string(9000, 'x'));
  const std::string rest = "Content-Length: 99999\r\n\r\n";
  return {"HTTP/1.1 200 OK\r\n" + octets + rest + std::string(20'000, 'x'),
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + rest + R"([{"b64_json":")" +
              value + R"("},{"b64_json":")" + value};
}

TEST_CASE("a transfer that breaks leaves no file") {
  for (const std::string& reply : broken_replies()) {
    const TemporaryFolder folder;
    ScriptServer server({answer(reply)});
    const auto transport = open_transport();
    CHECK(failure_of(*transport, download(server, folder)).fault == TransferFault::broken);
    CHECK(std::filesystem::is_empty(folder.path()));
  }
}

TEST_CASE("a transfer over its cap leaves no file, and the cap counts what goes to files") {
  for (const std::string& reply : broken_replies()) {
    const TemporaryFolder folder;
    ScriptServer server({answer(reply)});
    const auto transport = open_transport();
    HttpRequest request = download(server, folder);
    request.body_bytes_max = 19'000;
    CHECK(failure_of(*transport, request).fault == TransferFault::too_large);
    CHECK(std::filesystem::is_empty(folder.path()));
  }
}

TEST_CASE("a transfer that is cancelled leaves no file") {
  for (const std::string& reply : broken_replies()) {
    const TemporaryFolder folder;
    ScriptServer server({{read_request(), send_bytes(reply), stall()}});
    const auto transport = open_transport();
    transport->send(TransferId{1}, download(server, folder));
    while (std::filesystem::is_empty(folder.path())) {
      CHECK(transport->finished().empty());
      transport->wait(std::chrono::milliseconds{10});
    }
    transport->cancel(TransferId{1});
    CHECK(std::filesystem::is_empty(folder.path()));
  }
}

TEST_CASE("what stands where a file should be made is left alone, and the reply stays in memory") {
  const TemporaryFolder folder;
  const std::string path = folder.path("7-0");
  std::string expected = "old";
  SUBCASE("a file") { folder.write("7-0", "old"); }
  SUBCASE("a link") {
    folder.write("target", "old");
    REQUIRE(symlink(folder.path("target").c_str(), path.c_str()) == 0);
  }
  SUBCASE("a link to nowhere") {
    REQUIRE(symlink(folder.path("nowhere").c_str(), path.c_str()) == 0);
    expected = "";
  }
  const HttpReply reply = reply_with(octets, "new", folder);
  CHECK(reply.body == "new");
  CHECK(reply.files.empty());
  CHECK(folder.read("7-0") == expected);
  CHECK_FALSE(std::filesystem::exists(folder.path("nowhere")));
}

TEST_CASE("a full disk keeps a binary body in memory, all of it") {
  const TemporaryFolder folder;
  const ReplyFiles wanted{.binary_body = true, .folder = folder.path(), .stem = "7"};
  ReplySink sink(1'000'000, wanted);
  REQUIRE(sink.take_header_line("HTTP/1.1 200 OK\r\n"));
  REQUIRE(sink.take_header_line(octets));
  REQUIRE(sink.take_header_line("\r\n"));
  const std::string first(100'000, 'a');
  const std::string second(10, 'b');
  REQUIRE(sink.take_body(first));
  {
    const NoRoom no_room(100'005);
    CHECK(sink.take_body(second));
  }
  CHECK(sink.take_body("c"));
  const auto reply = sink.finish();
  REQUIRE(reply);
  CHECK((reply->body == first + second + "c"));
  CHECK(reply->files.empty());
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a file that cannot be synced goes back into the body, all of it") {
  struct Row {
    std::string type;
    std::string body;
  };
  const std::string value = encode_base64(std::string(9001, 'x'));
  for (const Row& row :
       std::vector<Row>{{octets, std::string(100'000, '\xE9')},
                        {"Content-Type: application/json\r\n",
                         R"({"data":[{"b64_json":")" + value +
                             R"("},{"b64_json":"data:image/png;base64,)" + value + R"("}]})"}}) {
    const TemporaryFolder folder;
    const ReplyFiles wanted{
        .members = {"b64_json"}, .binary_body = true, .folder = folder.path(), .stem = "7"};
    ReplySink sink(1'000'000, wanted);
    REQUIRE(sink.take_header_line("HTTP/1.1 200 OK\r\n"));
    REQUIRE(sink.take_header_line(row.type));
    REQUIRE(sink.take_header_line("\r\n"));
    syncing_fails = true;
    const bool taken = sink.take_body(row.body);
    const auto reply = sink.finish();
    syncing_fails = false;
    CHECK(taken);
    REQUIRE(reply);
    CHECK((reply->body == row.body));
    CHECK(reply->files.empty());
    CHECK(std::filesystem::is_empty(folder.path()));
  }
}

TEST_CASE("a file that cannot be written to counts as it was before") {
  const TemporaryFolder folder;
  Result<BodyFile> file = BodyFile::create(folder.path("a"));
  REQUIRE(file);
  REQUIRE(file->write("x"));
  {
    const NoRoom no_room(2);
    const Result<void> written = file->write("yz");
    REQUIRE_FALSE(written);
    CHECK(written.error().message.find(folder.path("a")) != std::string::npos);
  }
  std::string read;
  REQUIRE(file->read([&](std::string_view piece) { read += piece; }));
  CHECK(read == "x");
}

TEST_CASE("a file is read back in pieces that base64 does not pad") {
  const TemporaryFolder folder;
  Result<BodyFile> file = BodyFile::create(folder.path("a"));
  REQUIRE(file);
  const std::string bytes(100'001, 'x');
  REQUIRE(file->write(bytes));
  std::vector<std::size_t> sizes;
  REQUIRE(file->read([&](std::string_view piece) { sizes.push_back(piece.size()); }));
  CHECK(sizes == std::vector<std::size_t>{49'152, 49'152, 1697});
}

}  // namespace
}  // namespace ratebatch::body_file_test
