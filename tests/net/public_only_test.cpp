// Requests to announced URLs: https, public addresses, no key; nothing else leaves.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "net/net_support.hpp"
#include "net/tls_servers.hpp"
#include "support/script_server.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::public_only_test {

using namespace net;

namespace {

Script ok() { return {read_request(), send_bytes(http_reply(200, "ok")), repeat()}; }

HttpRequest announced(const std::string& url) {
  HttpRequest request = post_to(url);
  request.method = "GET";
  request.body.clear();
  request.public_only = true;
  return request;
}

void expect_refused(Transport& transport, const HttpRequest& request, const char* reason) {
  const TransferFailure failure = failure_of(transport, request);
  CAPTURE(request.url);
  CAPTURE(failure.message);
  CHECK(failure.fault == TransferFault::not_allowed);
  CHECK_FALSE(failure.request_sent);
  CHECK(failure.message.find(reason) != std::string::npos);
}

// A variable of the environment, for one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

TEST_CASE("an announced URL must be https and lead to a public address") {
  ScriptServer server({ok()});
  const auto transport = open_transport();
  HttpRequest request = announced(server.url("/x.png"));
  request.allow_http = true;
  expect_refused(*transport, request, "must be https");
  expect_refused(*transport, announced("http://example.com/x.png"), "must be https");
  const std::string port = ":" + std::to_string(server.port()) + "/x.png";
  for (const std::string host :
       {"127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "017700000001", "0.0.0.0", "[::1]",
        "[::]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "10.0.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "[fd00::1]", "[fe80::1]", "localhost", "LOCALHOST"}) {
    expect_refused(*transport, announced("https://" + host + port),
                   "must lead to a public address");
  }
  CHECK(server.connections() == 0);
}

TEST_CASE("a name that leads inside is refused at connect, with its address") {
  ScriptServer server({ok()});
  const auto transport = open_transport();
  // libcurl itself knows all names below localhost, as RFC 6761 has it.
  expect_refused(
      *transport,
      announced("https://announced.localhost:" + std::to_string(server.port()) + "/x.png"),
      "must lead to a public address, not to ");
  CHECK(server.connections() == 0);
}

TEST_CASE("a kept connection to an address inside is no way for an announced URL") {
  if (!is_nginx_installed()) {
    MESSAGE("nginx is missing: not tested");
    return;
  }
  const TemporaryFolder folder;
  REQUIRE(make_certificate(folder.path(), "DNS:announced.localhost"));
  NginxServer server(folder.path());
  const auto transport = open_transport();
  HttpRequest request =
      announced("https://announced.localhost:" + std::to_string(server.port()) + "/");
  request.ca_file = folder.path("certificate.pem");
  request.public_only = false;
  CHECK(reply_to(*transport, request).status == 200);
  request.public_only = true;
  expect_refused(*transport, request, "must lead to a public address, not to ");
  request.public_only = false;
  CHECK(reply_to(*transport, request).status == 200);
}

TEST_CASE("a request to an announced URL carries no key") {
  const auto transport = open_transport();
  HttpRequest request = announced("https://example.com/x.png");
  request.key_header = KeyHeader{.name = "Authorization",
                                 .prefix = "Bearer ",
                                 .key = Secret("sk-1"),
                                 .origin = "https://example.com"};
  expect_refused(*transport, request, "carries no key");
}

TEST_CASE("the sandbox's own origin is an exception, and nothing beside it") {
  ScriptServer server({ok()});
  ScriptServer other({ok()});
  const auto transport = open_transport({.public_only_exception = server.url("")});
  const TemporaryFolder folder;
  HttpRequest request = announced(server.url("/x.png"));
  request.reply_files = {.members = {}, .binary_body = true, .folder = folder.path(), .stem = "7"};
  const HttpReply reply = reply_to(*transport, request);
  REQUIRE(reply.files.size() == 1);
  CHECK(folder.read("7-0") == "ok");
  expect_refused(*transport, announced(other.url("/x.png")), "must be https");
  expect_refused(*transport,
                 announced("http://localhost:" + std::to_string(server.port()) + "/x.png"),
                 "must be https");
  request.key_header = KeyHeader{
      .name = "Authorization", .prefix = "", .key = Secret("sk-1"), .origin = server.url("")};
  expect_refused(*transport, request, "carries no key");
  CHECK(server.bill() == 1);
  CHECK(other.connections() == 0);
}

TEST_CASE("a redirect comes back as a reply") {
  ScriptServer server(
      {{read_request(), send_bytes(http_reply(302, "", "Location: https://10.0.0.1/x\r\n"))}});
  const auto transport = open_transport({.public_only_exception = server.url("")});
  const HttpReply reply = reply_to(*transport, announced(server.url("/x.png")));
  CHECK(reply.status == 302);
  CHECK(reply.header("location") == "https://10.0.0.1/x");
}

TEST_CASE("through a proxy the proxy connects, for names only, whatever no_proxy says") {
  ScriptServer proxy({{read_request(), send_bytes(http_reply(403, "no"))}});
  const Variable https_proxy("https_proxy", proxy.url(""));
  const Variable no_proxy("no_proxy", "*");
  const auto transport = open_transport();
  const TransferFailure failure = failure_of(*transport, announced("https://example.com/x.png"));
  CHECK(failure.fault == TransferFault::connect);
  CHECK_FALSE(failure.request_sent);
  REQUIRE(proxy.bill() == 1);
  CHECK(proxy.requests()[0].starts_with("CONNECT example.com:443 HTTP/1.1\r\n"));
  for (const std::string url : {"https://10.0.0.1/", "https://localhost/", "https://[::1]/"}) {
    expect_refused(*transport, announced(url), "must lead to a public address");
  }
  CHECK(proxy.connections() == 1);
}

TEST_CASE("requests that are not announced go where they went before") {
  ScriptServer server({ok()});
  const auto transport = open_transport();
  CHECK(reply_to(*transport, post_to(server.url("/"))).status == 200);
  expect_refused(*transport, announced(server.url("/")), "must be https");
  CHECK(reply_to(*transport, post_to(server.url("/"))).status == 200);
  CHECK(server.bill() == 2);
}

}  // namespace
}  // namespace ratebatch::public_only_test
