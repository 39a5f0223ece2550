// Handles serve one request after another: nothing of a request, least of all its key, stays for
// the next one.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "net/curl_handles.hpp"
#include "net/net_support.hpp"
#include "net/request_rules.hpp"
#include "support/script_server.hpp"

namespace ratebatch::curl_reuse_test {

using namespace net;

namespace {

Script ok() { return {read_request(), send_bytes(http_reply(200, "ok")), repeat()}; }

HttpRequest with_key(const ScriptServer& server) {
  HttpRequest request = post_to(server.url("/paid"));
  request.headers = {{"x-name", "value"}, {"content-type", "application/json"}};
  request.key_header = KeyHeader{.name = "Authorization",
                                 .prefix = "Bearer ",
                                 .key = Secret("sk-secret"),
                                 .origin = server.url("")};
  return request;
}

TEST_CASE("a request carries nothing of the one before it on the same handle") {
  ScriptServer server({ok()});
  const auto transport = open_transport();
  HttpRequest get = post_to(server.url("/plain"));
  get.method = "GET";
  get.body.clear();
  HttpRequest post = post_to(server.url("/plain"));
  post.body = "12345";
  for (const HttpRequest& request : {with_key(server), get, with_key(server), post, get}) {
    CHECK(reply_to(*transport, request).status == 200);
  }
  const std::vector<std::string> seen = server.requests();
  REQUIRE(seen.size() == 5);
  CHECK(seen[0] == seen[2]);
  CHECK(seen[0].find("Authorization: Bearer sk-secret\r\n") != std::string::npos);
  for (const std::size_t plain : {1U, 3U, 4U}) {
    CAPTURE(seen[plain]);
    CHECK(seen[plain].find("Authorization") == std::string::npos);
    CHECK(seen[plain].find("x-name") == std::string::npos);
    CHECK(seen[plain].find("/plain HTTP/1.1\r\n") != std::string::npos);
  }
  CHECK(seen[1].starts_with("GET "));
  CHECK(seen[1].ends_with("\r\n\r\n"));
  CHECK(seen[1].find("Content-Length") == std::string::npos);
  CHECK(seen[3].ends_with("\r\n\r\n12345"));
  CHECK(seen[4] == seen[1]);
  CHECK(server.connections() == 1);
}

TEST_CASE("a request after one that failed or was cancelled starts clean") {
  ScriptServer server({{read_request()}, {read_request(), stall()}, ok()});
  const auto transport = open_transport();
  CHECK(failure_of(*transport, with_key(server)).fault == TransferFault::broken);
  transport->send(TransferId{1}, with_key(server));
  while (server.bill() < 2) {
    CHECK(transport->finished().empty());
    transport->wait(std::chrono::milliseconds{10});
  }
  transport->cancel(TransferId{1});
  CHECK(reply_to(*transport, post_to(server.url("/plain"))).status == 200);
  CHECK(server.requests()[2].find("Authorization") == std::string::npos);
}

TEST_CASE("each request keeps its own timeouts") {
  ScriptServer quick({ok()});
  ScriptServer silent({{read_request(), stall()}});
  const auto transport = open_transport();
  HttpRequest hurried = post_to(silent.url("/"));
  hurried.total_timeout = std::chrono::milliseconds{50};
  HttpRequest stalled = post_to(silent.url("/"));
  stalled.stall_timeout = std::chrono::seconds{1};
  CHECK(reply_to(*transport, post_to(quick.url("/"))).status == 200);
  CHECK(failure_of(*transport, hurried).fault == TransferFault::timeout);
  CHECK(reply_to(*transport, post_to(quick.url("/"))).status == 200);
  CHECK(failure_of(*transport, stalled).fault == TransferFault::stalled);
}

TEST_CASE("header lines are wiped where they stood") {
  HttpRequest request;
  request.headers = {{"x-empty", ""}, {"x-name", "value"}};
  request.key_header = KeyHeader{
      .name = "Authorization", .prefix = "Bearer ", .key = Secret("sk-secret"), .origin = ""};
  HeaderLines lines;
  std::vector<const char*> at;
  std::vector<std::string> written;
  for (const curl_slist* line = lines.write(request); line != nullptr; line = line->next) {
    at.push_back(line->data);
    written.emplace_back(line->data);
  }
  CHECK(written == std::vector<std::string>{
                       "x-empty;", "x-name: value", "Expect:", "User-Agent: ratebatch",
                       "Accept-Encoding: gzip, deflate", "Authorization: Bearer sk-secret"});
  lines.wipe();
  for (std::size_t i = 0; i < at.size(); ++i) {
    // The memory is still there, for the next request.
    CHECK(std::string(at[i], written[i].size()) == std::string(written[i].size(), '\0'));
  }
}

TEST_CASE("an origin stays right however many URLs were read before it") {
  const auto library = CurlLibrary::open();
  REQUIRE(library);
  OriginReader origins((*library)->functions());
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 600; ++i) {
      const std::string host = "h" + std::to_string(i) + ".example.com";
      const auto origin = origins.read("https://" + host + "/v1");
      REQUIRE(origin);
      CHECK(*origin == Origin{"https", host, 443});
    }
    CHECK_FALSE(origins.read("https://user:pass@h1.example.com/v1"));
  }
}

}  // namespace
}  // namespace ratebatch::curl_reuse_test
