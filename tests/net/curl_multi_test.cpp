// Many transfers at once: cancelling, waiting, waking.
#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "net/net_support.hpp"
#include "support/script_server.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::curl_multi_test {

using namespace net;

namespace {

using Clock = std::chrono::steady_clock;

Script ok() { return {read_request(), send_bytes(http_reply(200, "ok")), repeat()}; }

TEST_CASE("64 transfers in flight at once all come back, over 64 connections that are kept") {
  constexpr std::size_t count = 64;
  // Each connection answers its first request only when all of them have arrived.
  ScriptServer server({{read_request(), stall(), send_bytes(http_reply(200, "ok")), repeat()}});
  const auto transport = open_transport({.connections_max = count});
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < count; ++i)
      transport->send(TransferId{i}, post_to(server.url("/")));
    if (round == 0) {
      while (server.bill() < count) {
        CHECK(transport->finished().empty());
        transport->wait(std::chrono::milliseconds{10});
      }
      server.release();
    }
    std::set<TransferId> seen;
    for (const FinishedTransfer& one : await_finished(*transport, count)) {
      REQUIRE(std::holds_alternative<HttpReply>(one.result));
      CHECK(std::get<HttpReply>(one.result).body == "ok");
      CHECK(one.took > Duration::zero());
      seen.insert(one.id);
    }
    CHECK(seen.size() == count);
  }
  CHECK(server.bill() == 3 * count);
  CHECK(server.connections() == count);
}

TEST_CASE("results come in the order of their end, each once") {
  ScriptServer slow({{read_request(), stall(), send_bytes(http_reply(200, "slow"))}});
  ScriptServer quick({ok()});
  const auto transport = open_transport();
  transport->send(TransferId{1}, post_to(slow.url("/")));
  transport->send(TransferId{2}, post_to(quick.url("/")));
  std::vector<FinishedTransfer> first = await_finished(*transport, 1);
  REQUIRE(first.size() == 1);
  CHECK(first[0].id == TransferId{2});
  slow.release();
  std::vector<FinishedTransfer> second = await_finished(*transport, 1);
  REQUIRE(second.size() == 1);
  CHECK(second[0].id == TransferId{1});
  CHECK(transport->finished().empty());
}

TEST_CASE("a cancelled transfer never arrives, and its id is free again") {
  ScriptServer server({{read_request(), stall()}, ok()});
  const auto transport = open_transport();
  transport->send(TransferId{7}, post_to(server.url("/")));
  while (server.bill() == 0) {
    CHECK(transport->finished().empty());
    transport->wait(std::chrono::milliseconds{10});
  }
  transport->cancel(TransferId{7});
  transport->cancel(TransferId{7});
  transport->cancel(TransferId{99});
  transport->send(TransferId{7}, post_to(server.url("/")));
  const std::vector<FinishedTransfer> ended = await_finished(*transport, 1);
  REQUIRE(ended.size() == 1);
  CHECK(std::holds_alternative<HttpReply>(ended[0].result));
  CHECK(server.connections() == 2);
}

TEST_CASE("a transfer that ended before it was cancelled still arrives") {
  const auto transport = open_transport();
  transport->send(TransferId{1}, post_to("not a url"));
  transport->cancel(TransferId{1});
  const std::vector<FinishedTransfer> ended = transport->finished();
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].took == Duration::zero());
}

TEST_CASE("the transport may go while transfers are in flight") {
  ScriptServer server({{read_request(), stall()}});
  TemporaryFolder folder;
  {
    const auto transport = open_transport();
    HttpRequest request = post_to(server.url("/"));
    request.reply_files.binary_body = true;
    request.reply_files.folder = folder.path("");
    request.reply_files.stem = "asset";
    transport->send(TransferId{1}, request);
    while (server.bill() == 0) {
      CHECK(transport->finished().empty());
      transport->wait(std::chrono::milliseconds{10});
    }
  }
  CHECK_FALSE(std::filesystem::exists(folder.path("asset-0")));
}

TEST_CASE("the wake descriptor ends a wait") {
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  REQUIRE(wake >= 0);
  ScriptServer server({{read_request(), stall()}});
  const auto transport = open_transport({.connections_max = 1, .wake_descriptor = wake});
  transport->send(TransferId{1}, post_to(server.url("/")));
  while (server.bill() == 0) {
    CHECK(transport->finished().empty());
    transport->wait(std::chrono::milliseconds{10});
  }
  const auto before = Clock::now();
  std::thread other([&] { CHECK(eventfd_write(wake, 1) == 0); });
  eventfd_t value = 0;
  while (eventfd_read(wake, &value) != 0) {
    static_cast<void>(transport->finished());
    transport->wait(std::chrono::seconds{20});
  }
  other.join();
  CHECK(Clock::now() - before < std::chrono::seconds{10});
  close(wake);
}

TEST_CASE("a wait without transfers lasts as long as asked, and none at all for zero or less") {
  const auto transport = open_transport();
  auto before = Clock::now();
  transport->wait(std::chrono::milliseconds{30});
  CHECK(Clock::now() - before >= std::chrono::milliseconds{30});
  before = Clock::now();
  transport->wait(Duration::zero());
  transport->wait(std::chrono::seconds{-5});
  CHECK(Clock::now() - before < std::chrono::seconds{5});
}

TEST_CASE("a wait ends at once where a result is ready") {
  const auto transport = open_transport();
  transport->send(TransferId{1}, post_to("not a url"));
  const auto before = Clock::now();
  transport->wait(std::chrono::seconds{20});
  CHECK(Clock::now() - before < std::chrono::seconds{10});
  CHECK(transport->finished().size() == 1);
}

TEST_CASE("a wait ends early when a transfer's own time is over") {
  ScriptServer server({{read_request(), stall()}});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/"));
  request.total_timeout = std::chrono::milliseconds{50};
  transport->send(TransferId{1}, request);
  const auto before = Clock::now();
  while (transport->finished().empty()) transport->wait(std::chrono::seconds{20});
  CHECK(Clock::now() - before < std::chrono::seconds{10});
}

}  // namespace
}  // namespace ratebatch::curl_multi_test
