// The bill of the server equals the attempts of the client: no request is sent twice unseen.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "net/net_support.hpp"
#include "support/script_server.hpp"

namespace ratebatch {
namespace {

constexpr int rounds = 50;

// Per round: one request is answered, the next on the same connection dies after it was read.
void expect_one_attempt_per_bill(const Script& dying, const std::string& body, const char* method) {
  ScriptServer server({dying});
  CurlTransport transport({});
  std::size_t attempts = 0;
  for (int round = 0; round < rounds; ++round) {
    HttpRequest request = post_to(server.url("/"));
    request.body = body;
    request.method = method;
    CHECK(reply_to(transport, request).status == 200);
    attempts += 1;
    const FinishedTransfer second = run_transfer(transport, request);
    attempts += 1;
    // A request without a body goes over a fresh connection, where it is answered.
    if (const auto* failure = std::get_if<TransferFailure>(&second.result)) {
      CHECK(failure->fault == TransferFault::broken);
      CHECK(failure->request_sent);
      CHECK(failure->status == 0);
    } else {
      CHECK(body.empty());
    }
    CHECK(server.bill() == attempts);
  }
}

TEST_CASE("a reused connection that is closed under a request costs one attempt") {
  const Script dying = {read_request(), send_bytes(http_reply(200, "ok")), read_request()};
  SUBCASE("POST") { expect_one_attempt_per_bill(dying, "paid work", "POST"); }
  SUBCASE("large POST") { expect_one_attempt_per_bill(dying, std::string(300'000, 'x'), "POST"); }
  SUBCASE("POST without body") { expect_one_attempt_per_bill(dying, "", "POST"); }
  SUBCASE("GET") { expect_one_attempt_per_bill(dying, "", "GET"); }
}

TEST_CASE("a reused connection that is reset under a request costs one attempt") {
  const Script dying = {read_request(), send_bytes(http_reply(200, "ok")), read_request(), reset()};
  SUBCASE("POST") { expect_one_attempt_per_bill(dying, "paid work", "POST"); }
  SUBCASE("large POST") { expect_one_attempt_per_bill(dying, std::string(300'000, 'x'), "POST"); }
  SUBCASE("POST without body") { expect_one_attempt_per_bill(dying, "", "POST"); }
  SUBCASE("GET") { expect_one_attempt_per_bill(dying, "", "GET"); }
}

TEST_CASE("a request whose second connection fails too is broken and counts as sent") {
  ScriptServer server(
      {{read_request(), send_bytes(http_reply(200, "ok")), read_request(), stop_listening()}});
  CurlTransport transport({});
  CHECK(reply_to(transport, post_to(server.url("/"))).status == 200);
  const TransferFailure failure = failure_of(transport, post_to(server.url("/")));
  CHECK(failure.fault == TransferFault::broken);
  CHECK(failure.request_sent);
  CHECK(server.bill() == 2);
}

TEST_CASE("a connection that the server closed while it was idle is replaced without a loss") {
  ScriptServer server({{read_request(), send_bytes(http_reply(200, "ok"))}});
  CurlTransport transport({});
  for (std::size_t i = 1; i <= rounds; ++i) {
    const FinishedTransfer ended = run_transfer(transport, post_to(server.url("/")));
    // The close may race with the next request; what must not happen is a second bill.
    const auto* failure = std::get_if<TransferFailure>(&ended.result);
    if (failure != nullptr) CHECK(failure->fault == TransferFault::broken);
    CHECK(server.bill() <= i);
  }
  CHECK(server.bill() > 0);
}

TEST_CASE("a connection that works is reused") {
  ScriptServer server({{read_request(), send_bytes(http_reply(200, "ok")), repeat()}});
  CurlTransport transport({});
  for (int i = 0; i < 10; ++i) CHECK(reply_to(transport, post_to(server.url("/"))).status == 200);
  CHECK(server.connections() == 1);
  CHECK(server.bill() == 10);
}

}  // namespace
}  // namespace ratebatch
