// What may not leave, does not: the transfer fails unsent, and no server sees a connection.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "net/curl_library.hpp"
#include "net/net_support.hpp"
#include "net/request_rules.hpp"
#include "support/script_server.hpp"

namespace ratebatch::curl_rules_test {

using namespace net;

namespace {

using std::literals::string_literals::operator""s;

Script ok() { return {read_request(), send_bytes(http_reply(200, "ok")), repeat()}; }

KeyHeader key_for(const std::string& origin) {
  return {.name = "Authorization", .prefix = "Bearer ", .key = Secret("sk-1"), .origin = origin};
}

// The origin, or nothing, as a new reader sees it.
std::optional<Origin> parse_origin(const std::string& url) {
  const auto library = CurlLibrary::open();
  REQUIRE(library);
  return OriginReader((*library)->functions()).read(url);
}

// The origin, which must be there.
Origin origin_at(const std::string& url) {
  const std::optional<Origin> origin = parse_origin(url);
  if (!origin) FAIL(url);
  return origin.value_or(Origin{});
}

void expect_refused(Transport& transport, const HttpRequest& request, const char* reason) {
  const TransferFailure failure = failure_of(transport, request);
  CHECK(failure.fault == TransferFault::not_allowed);
  CHECK_FALSE(failure.request_sent);
  CHECK(failure.status == 0);
  CAPTURE(failure.message);
  CHECK(failure.message.find(reason) != std::string::npos);
  CHECK(failure.message.find("sk-1") == std::string::npos);
}

TEST_CASE("an origin is scheme, host and port, with the defaults filled in") {
  struct Row {
    std::string url;
    std::string scheme;
    std::string host;
    std::uint16_t port;
  };
  for (const Row& row : std::vector<Row>{
           {"https://api.example.com/v1", "https", "api.example.com", 443},
           {"HTTPS://API.Example.com", "https", "api.example.com", 443},
           {"https://api.example.com:443/", "https", "api.example.com", 443},
           {"https://api.example.com:8443/", "https", "api.example.com", 8443},
           {"http://127.1/", "http", "127.0.0.1", 80},
           {"http://[::1]:8080/x", "http", "[::1]", 8080},
       }) {
    CAPTURE(row.url);
    CHECK(origin_at(row.url) == Origin{row.scheme, row.host, row.port});
  }
}

TEST_CASE("what is no plain http or https URL has no origin") {
  for (const std::string& url :
       {""s, "api.example.com"s, "/v1/chat"s, "ftp://h/"s, "file:///etc/passwd"s, "https://"s,
        "https://user@h/"s, "https://user:pass@h/"s, "https://h/\n"s, "https://h/a b\r\nX: y"s,
        "https://h:99999/"s}) {
    CAPTURE(url);
    CHECK_FALSE(parse_origin(url));
  }
}

TEST_CASE("loopback is localhost, 127.0.0.0/8 and ::1, and nothing that looks like it") {
  for (const std::string url :
       {"http://localhost/", "http://LOCALHOST:1/", "http://127.0.0.1/", "http://127.255.255.254/",
        "http://127.1/", "http://[::1]/", "http://[0:0:0:0:0:0:0:1]/"}) {
    CAPTURE(url);
    CHECK(is_loopback_host(origin_at(url).host));
  }
  for (const std::string url :
       {"http://localhost.example.com/", "http://128.0.0.1/", "http://126.0.0.1/",
        "http://127.0.0.1.example.com/", "http://[::2]/", "http://0.0.0.0/", "http://10.0.0.1/"}) {
    CAPTURE(url);
    CHECK_FALSE(is_loopback_host(origin_at(url).host));
  }
}

TEST_CASE("a key goes to its origin only") {
  ScriptServer server({ok()});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/v1/chat"));
  const std::string port = std::to_string(server.port());
  for (const std::string& origin :
       {"http://127.0.0.1:1"s, "http://127.0.0.2:" + port, "http://localhost:" + port,
        "https://127.0.0.1:" + port, "https://api.example.com"s}) {
    CAPTURE(origin);
    request.key_header = key_for(origin);
    expect_refused(*transport, request, "goes nowhere else");
  }
  request.key_header = key_for("");
  expect_refused(*transport, request, "is no http or https URL");
  CHECK(server.connections() == 0);
  request.key_header = key_for(server.url("/other/path"));
  CHECK(reply_to(*transport, request).status == 200);
}

TEST_CASE("a default port written out is the same origin") {
  HttpRequest request = post_to("https://api.example.com:443/v1/chat");
  request.key_header = key_for("https://API.example.com");
  const auto library = CurlLibrary::open();
  REQUIRE(library);
  OriginReader origins((*library)->functions());
  CHECK_FALSE(why_forbidden(request, origin_at(request.url), origins));
}

TEST_CASE("http leaves only to loopback, or where it is allowed") {
  const auto transport = open_transport();
  HttpRequest request = post_to("http://192.0.2.1/v1");  // TEST-NET-1 of RFC 5737.
  expect_refused(*transport, request, "http:// is for loopback only");
  request.allow_http = true;
  const auto library = CurlLibrary::open();
  REQUIRE(library);
  OriginReader origins((*library)->functions());
  CHECK_FALSE(why_forbidden(request, origin_at(request.url), origins));
}

TEST_CASE("no control byte leaves in a header, the key or the URL") {
  ScriptServer server({ok()});
  const auto transport = open_transport();
  const HttpRequest good = post_to(server.url("/"));
  for (const std::string& bad : {"a\r\nX-Evil: 1"s, "a\n"s, "a\0b"s, "\x7f"s, "a\tb"s}) {
    CAPTURE(bad);
    HttpRequest request = good;
    request.headers = {{"x-name", bad}};
    expect_refused(*transport, request, "control byte");
    request.headers = {{bad, "value"}};
    expect_refused(*transport, request, "name may not be");
    request = good;
    request.key_header = key_for(server.url(""));
    request.key_header->key = Secret(bad);
    expect_refused(*transport, request, "control byte");
    request = good;
    request.url = server.url("/" + bad);
    expect_refused(*transport, request, "control bytes");
  }
  for (const std::string& name : {""s, "a b"s, "a:b"s, "\xC3\xA4"s}) {
    HttpRequest request = good;
    request.headers = {{name, "value"}};
    expect_refused(*transport, request, "name may not be");
  }
  CHECK(server.connections() == 0);
}

TEST_CASE("methods are GET and POST") {
  ScriptServer server({ok()});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/"));
  for (const char* method : {"DELETE", "get", "", "POST / HTTP/1.1\r\nX: y"}) {
    request.method = method;
    expect_refused(*transport, request, "neither GET nor POST");
  }
  CHECK(server.connections() == 0);
  request.method = "GET";
  request.body.clear();
  CHECK(reply_to(*transport, request).status == 200);
  CHECK(server.requests()[0].starts_with("GET / HTTP/1.1\r\n"));
}

TEST_CASE("a refused request is unsent also on a handle that sent one before") {
  ScriptServer server({ok()});
  const auto transport = open_transport();
  CHECK(reply_to(*transport, post_to(server.url("/"))).status == 200);
  HttpRequest request = post_to(server.url("/"));
  request.key_header = key_for("https://elsewhere.example.com");
  expect_refused(*transport, request, "goes nowhere else");
}

TEST_CASE("what goes to this machine passes no proxy") {
  ScriptServer proxy({ok()});
  ScriptServer server({ok()});
  REQUIRE(setenv("http_proxy", proxy.url("").c_str(), 1) == 0);
  {
    const auto transport = open_transport();
    CHECK(reply_to(*transport, post_to(server.url("/"))).status == 200);
    CHECK(proxy.connections() == 0);
    // Elsewhere the environment holds.
    HttpRequest request = post_to("http://192.0.2.1/v1");
    request.allow_http = true;
    CHECK(reply_to(*transport, request).status == 200);
    CHECK(proxy.bill() == 1);
  }
  unsetenv("http_proxy");
}

TEST_CASE("a proxy that refuses the tunnel leaves the request unsent") {
  ScriptServer proxy({{read_request(), send_bytes(http_reply(407, "no"))}});
  REQUIRE(setenv("https_proxy", proxy.url("").c_str(), 1) == 0);
  const auto transport = open_transport();
  const TransferFailure failure = failure_of(*transport, post_to("https://api.example.com/v1"));
  unsetenv("https_proxy");
  CHECK(failure.fault == TransferFault::connect);
  CHECK_FALSE(failure.request_sent);
  CHECK(failure.status == 0);
}

}  // namespace
}  // namespace ratebatch::curl_rules_test
