// Replies that go to a file: there exactly where the transfer brought a 2xx.
#include "net/body_file.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <utility>

#include "net/net_support.hpp"
#include "net/reply_sink.hpp"
#include "support/script_server.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch {
namespace {

HttpRequest download(const ScriptServer& server, const std::string& path) {
  HttpRequest request = post_to(server.url("/"));
  request.body_file = path;
  return request;
}

Script answer(const std::string& bytes) { return {read_request(), send_bytes(bytes)}; }

TEST_CASE("a 2xx body is written to its file, for the owner only") {
  const std::string bytes(200'000, '\xE9');
  ScriptServer server({{read_request(), send_bytes(http_reply(200, bytes)), read_request(),
                        send_bytes(http_reply(204, ""))}});
  const auto transport = open_transport();
  TemporaryFolder folder;
  const std::string path = folder.path("image.png");
  const HttpReply reply = reply_to(*transport, download(server, path));
  CHECK(reply.status == 200);
  CHECK(reply.body.empty());
  CHECK(folder.read("image.png") == bytes);
  struct stat info{};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600);
  CHECK(reply_to(*transport, download(server, folder.path("empty"))).status == 204);
  CHECK(std::filesystem::file_size(folder.path("empty")) == 0);
}

TEST_CASE("a body that is no 2xx stays out of the file") {
  ScriptServer server({answer(http_reply(404, "no such image"))});
  const auto transport = open_transport();
  TemporaryFolder folder;
  const HttpReply reply = reply_to(*transport, download(server, folder.path("image")));
  CHECK(reply.status == 404);
  CHECK(reply.body == "no such image");
  CHECK_FALSE(std::filesystem::exists(folder.path("image")));
}

TEST_CASE("a transfer that fails leaves no file") {
  const std::string half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
  const auto transport = open_transport();
  TemporaryFolder folder;
  SUBCASE("broken") {
    ScriptServer server({answer(half)});
    CHECK(failure_of(*transport, download(server, folder.path("a"))).fault ==
          TransferFault::broken);
  }
  SUBCASE("over the cap") {
    ScriptServer server({answer(http_reply(200, "too long"))});
    HttpRequest request = download(server, folder.path("a"));
    request.body_bytes_max = 3;
    CHECK(failure_of(*transport, request).fault == TransferFault::too_large);
  }
  SUBCASE("cancelled") {
    ScriptServer server({{read_request(), send_bytes(half), stall()}});
    transport->send(TransferId{1}, download(server, folder.path("a")));
    while (server.bill() == 0) {
      CHECK(transport->finished().empty());
      transport->wait(std::chrono::milliseconds{10});
    }
    transport->cancel(TransferId{1});
  }
  CHECK_FALSE(std::filesystem::exists(folder.path("a")));
}

TEST_CASE("a file that cannot be created fails the transfer before anything is sent") {
  ScriptServer server({answer(http_reply(200, "new"))});
  const auto transport = open_transport();
  TemporaryFolder folder;
  const std::string path = folder.path("taken");
  std::string expected = "old";
  SUBCASE("it exists") { folder.write("taken", "old"); }
  SUBCASE("it is a link") {
    folder.write("target", "old");
    REQUIRE(symlink(folder.path("target").c_str(), path.c_str()) == 0);
  }
  SUBCASE("it is a link to nowhere") {
    REQUIRE(symlink(folder.path("nowhere").c_str(), path.c_str()) == 0);
    expected = "";
  }
  const TransferFailure failure = failure_of(*transport, download(server, path));
  CHECK(failure.fault == TransferFault::local);
  CHECK_FALSE(failure.request_sent);
  CHECK(failure.message.find(path) != std::string::npos);
  CHECK(folder.read("taken") == expected);
  CHECK_FALSE(std::filesystem::exists(folder.path("nowhere")));
  CHECK(server.connections() == 0);
}

TEST_CASE("a file that cannot be written to refuses the reply as our own fault") {
  TemporaryFolder folder;
  Result<BodyFile> file = BodyFile::create(folder.path("a"));
  REQUIRE(file);
  ReplySink sink(100, std::move(*file));
  REQUIRE(sink.take_header_line("HTTP/1.1 200 OK\r\n"));
  REQUIRE(sink.take_header_line("\r\n"));
  REQUIRE(sink.take_body("x"));
  // A limit of the process stands in for a full disk: both fail the write.
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit one_byte{.rlim_cur = 1, .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &one_byte) == 0);
  const bool taken = sink.take_body("y");
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK_FALSE(taken);
  REQUIRE(sink.refusal());
  CHECK(sink.refusal()->fault == TransferFault::local);
  CHECK(sink.refusal()->message.find(folder.path("a")) != std::string::npos);
}

}  // namespace
}  // namespace ratebatch
