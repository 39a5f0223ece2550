// The bill of the server equals the attempts of the client: no request is sent twice unseen.
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "net/cut_relay.hpp"
#include "net/net_support.hpp"
#include "net/tls_servers.hpp"
#include "support/script_server.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::curl_resend_test {

using namespace net;

namespace {

constexpr int rounds = 50;

HttpRequest request_to(const std::string& url, const std::string& method, std::size_t body_bytes) {
  HttpRequest request = post_to(url);
  request.method = method;
  request.body = std::string(body_bytes, 'x');
  return request;
}

void expect_broken(const FinishedTransfer& ended) {
  const auto* failure = std::get_if<TransferFailure>(&ended.result);
  REQUIRE(failure != nullptr);
  CHECK(failure->fault == TransferFault::broken);
  CHECK(failure->request_sent);
  CHECK(failure->status == 0);
}

// Per round: one request is answered, the next on the same connection dies after it was read.
void expect_one_attempt_per_bill(const Script& dying, const std::string& method,
                                 std::size_t body_bytes) {
  ScriptServer server({dying});
  const auto transport = open_transport();
  const HttpRequest request = request_to(server.url("/"), method, body_bytes);
  for (std::size_t round = 1; round <= rounds; ++round) {
    CHECK(reply_to(*transport, request).status == 200);
    expect_broken(run_transfer(*transport, request));
    CHECK(server.bill() == 2 * round);
    CHECK(server.connections() == round);
  }
}

// libcurl sends a body below 64 KiB with the headers, a larger one after them.
void expect_one_attempt_for_all_kinds(const Script& dying) {
  SUBCASE("POST") { expect_one_attempt_per_bill(dying, "POST", 9); }
  SUBCASE("POST of 64 KiB less one") { expect_one_attempt_per_bill(dying, "POST", 65'535); }
  SUBCASE("POST of 64 KiB") { expect_one_attempt_per_bill(dying, "POST", 65'536); }
  SUBCASE("POST of 64 KiB and one") { expect_one_attempt_per_bill(dying, "POST", 65'537); }
  SUBCASE("large POST") { expect_one_attempt_per_bill(dying, "POST", 300'000); }
  SUBCASE("POST without body") { expect_one_attempt_per_bill(dying, "POST", 0); }
  SUBCASE("GET") { expect_one_attempt_per_bill(dying, "GET", 0); }
}

TEST_CASE("a reused connection that is closed under a request costs one attempt") {
  expect_one_attempt_for_all_kinds(
      {read_request(), send_bytes(http_reply(200, "ok")), read_request()});
}

TEST_CASE("a reused connection that is reset under a request costs one attempt") {
  expect_one_attempt_for_all_kinds(
      {read_request(), send_bytes(http_reply(200, "ok")), read_request(), reset()});
}

TEST_CASE("a request whose connection died does not go over another one that is idle") {
  constexpr std::size_t idle = 2;
  std::string method;
  SUBCASE("POST") { method = "POST"; }
  SUBCASE("GET") { method = "GET"; }
  // Both are open before the first is answered; each dies under its second request.
  ScriptServer server(
      {{read_request(), stall(), send_bytes(http_reply(200, "ok")), read_request(), reset()}});
  const auto transport = open_transport({.connections_max = idle});
  const HttpRequest request = request_to(server.url("/"), method, 0);
  for (std::size_t i = 0; i < idle; ++i) transport->send(TransferId{i}, request);
  while (server.bill() < idle) {
    CHECK(transport->finished().empty());
    transport->wait(std::chrono::milliseconds{10});
  }
  server.release();
  CHECK(await_finished(*transport, idle).size() == idle);
  expect_broken(run_transfer(*transport, request));
  CHECK(server.bill() == idle + 1);
}

// Over HTTP/2 and TLS: one request is answered, the next one's connection is cut while it waits.
void expect_one_attempt_over_http2(CutRelay::End end, const std::string& method,
                                   std::size_t body_bytes) {
  TemporaryFolder folder;
  REQUIRE(make_certificate(folder.path(), "IP:127.0.0.1"));
  ScriptServer behind(
      {{read_request(), send_bytes(http_reply(200, "ok"))}, {read_request(), stall()}});
  NginxServer server(folder.path(), behind.port());
  CutRelay relay(server.port());
  const auto transport = open_transport();
  HttpRequest request = request_to("https://127.0.0.1:" + std::to_string(relay.port()) + "/behind",
                                   method, body_bytes);
  request.ca_file = folder.path("certificate.pem");
  request.total_timeout = std::chrono::seconds{10};
  CHECK(reply_to(*transport, request).status == 200);
  transport->send(TransferId{1}, request);
  while (behind.bill() < 2) {
    CHECK(transport->finished().empty());
    transport->wait(std::chrono::milliseconds{10});
  }
  relay.cut(end);
  expect_broken(await_finished(*transport, 1)[0]);
  CHECK(behind.bill() == 2);
  CHECK(relay.connections() == 1);
}

TEST_CASE("an HTTP/2 connection that is cut under a request costs one attempt") {
  if (!is_nginx_installed()) {
    MESSAGE("skipped: HTTP/2 needs nginx");
    return;
  }
  using End = CutRelay::End;
  SUBCASE("POST, closed") { expect_one_attempt_over_http2(End::close, "POST", 9); }
  SUBCASE("POST, reset") { expect_one_attempt_over_http2(End::reset, "POST", 9); }
  SUBCASE("large POST, closed") { expect_one_attempt_over_http2(End::close, "POST", 300'000); }
  SUBCASE("large POST, reset") { expect_one_attempt_over_http2(End::reset, "POST", 300'000); }
  SUBCASE("GET, closed") { expect_one_attempt_over_http2(End::close, "GET", 0); }
  SUBCASE("GET, reset") { expect_one_attempt_over_http2(End::reset, "GET", 0); }
}

TEST_CASE("a request whose second connection fails too is broken and counts as sent") {
  ScriptServer server(
      {{read_request(), send_bytes(http_reply(200, "ok")), read_request(), stop_listening()}});
  const auto transport = open_transport();
  CHECK(reply_to(*transport, post_to(server.url("/"))).status == 200);
  const TransferFailure failure = failure_of(*transport, post_to(server.url("/")));
  CHECK(failure.fault == TransferFault::broken);
  CHECK(failure.request_sent);
  CHECK(failure.message.ends_with(": the connection was closed before a reply came"));
  CHECK(server.bill() == 2);
}

TEST_CASE("a connection that the server closed while it was idle is replaced without a loss") {
  ScriptServer server({{read_request(), send_bytes(http_reply(200, "ok"))}});
  const auto transport = open_transport();
  for (std::size_t i = 1; i <= rounds; ++i) {
    const FinishedTransfer ended = run_transfer(*transport, post_to(server.url("/")));
    // The close may race with the next request; what must not happen is a second bill.
    const auto* failure = std::get_if<TransferFailure>(&ended.result);
    if (failure != nullptr) CHECK(failure->fault == TransferFault::broken);
    CHECK(server.bill() <= i);
  }
  CHECK(server.bill() > 0);
}

TEST_CASE("a connection that works is reused") {
  ScriptServer server({{read_request(), send_bytes(http_reply(200, "ok")), repeat()}});
  const auto transport = open_transport();
  for (int i = 0; i < 10; ++i) CHECK(reply_to(*transport, post_to(server.url("/"))).status == 200);
  CHECK(server.connections() == 1);
  CHECK(server.bill() == 10);
}

}  // namespace
}  // namespace ratebatch::curl_resend_test
