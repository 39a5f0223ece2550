// TLS: certificates are checked always, one's own CA is believed where it is named, and HTTP/2 is
// spoken where the server offers it.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "net/net_support.hpp"
#include "net/tls_servers.hpp"
#include "support/script_server.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::curl_tls_test {

using namespace net;

namespace {

HttpRequest get_from(const std::string& url) {
  HttpRequest request = post_to(url);
  request.method = "GET";
  request.body.clear();
  return request;
}

std::size_t lines_in(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) count += c == '\n' ? 1 : 0;
  return count;
}

TEST_CASE("a self-signed certificate is refused unsent, and accepted where it is the CA") {
  TemporaryFolder folder;
  REQUIRE(make_certificate(folder.path(), "IP:127.0.0.1"));
  OpensslServer server(folder.path());
  const auto transport = open_transport();
  HttpRequest request = get_from(server.url());
  const TransferFailure failure = failure_of(*transport, request);
  CHECK(failure.fault == TransferFault::tls);
  CHECK_FALSE(failure.request_sent);
  request.ca_file = folder.path("certificate.pem");
  CHECK(reply_to(*transport, request).status == 200);
  request.ca_file.clear();
  CHECK(failure_of(*transport, request).fault == TransferFault::tls);
}

TEST_CASE("a certificate for another host is refused unsent, whoever signed it") {
  TemporaryFolder folder;
  REQUIRE(make_certificate(folder.path(), "DNS:elsewhere.example.com"));
  OpensslServer server(folder.path());
  const auto transport = open_transport();
  HttpRequest request = get_from(server.url());
  request.ca_file = folder.path("certificate.pem");
  const TransferFailure failure = failure_of(*transport, request);
  CHECK(failure.fault == TransferFault::tls);
  CHECK_FALSE(failure.request_sent);
}

TEST_CASE("a CA file that is missing fails as tls, unsent") {
  TemporaryFolder folder;
  REQUIRE(make_certificate(folder.path(), "IP:127.0.0.1"));
  OpensslServer server(folder.path());
  const auto transport = open_transport();
  HttpRequest request = get_from(server.url());
  request.ca_file = folder.path("missing.pem");
  const TransferFailure failure = failure_of(*transport, request);
  CHECK(failure.fault == TransferFault::tls);
  CHECK_FALSE(failure.request_sent);
  CHECK(failure.message.find("missing.pem") != std::string::npos);
}

TEST_CASE("a server that speaks no TLS is a tls fault, unsent") {
  ScriptServer server({{send_bytes("220 plain text here\r\n"), stall()}});
  const auto transport = open_transport();
  const std::string url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  const TransferFailure failure = failure_of(*transport, post_to(url));
  CHECK(failure.fault == TransferFault::tls);
  CHECK_FALSE(failure.request_sent);
}

// Sends `count` requests at once, `rounds` times; all must be answered with this status and body.
void expect_replies(const HttpRequest& request, std::int32_t status, const std::string& body,
                    std::size_t count, std::size_t rounds) {
  const auto transport = open_transport({.connections_max = static_cast<std::int32_t>(count)});
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < count; ++i) transport->send(TransferId{i}, request);
    for (const FinishedTransfer& one : await_finished(*transport, count)) {
      const auto* failure = std::get_if<TransferFailure>(&one.result);
      if (failure != nullptr) FAIL(failure->message);
      CHECK(std::get<HttpReply>(one.result).status == status);
      CHECK(std::get<HttpReply>(one.result).body == body);
    }
  }
}

TEST_CASE("HTTP/2 is negotiated over TLS, and no request is lost as connections are retired") {
  if (!is_nginx_installed()) {
    MESSAGE("skipped: HTTP/2 needs nginx");
    return;
  }
  TemporaryFolder folder;
  REQUIRE(make_certificate(folder.path(), "IP:127.0.0.1"));
  {
    NginxServer server(folder.path());
    HttpRequest request = post_to(server.url());
    request.ca_file = folder.path("certificate.pem");
    request.body = std::string(5000, 'x');
    expect_replies(request, 200, "HTTP/2.0", 64, 20);
  }
  const std::string log = folder.read("access.log");
  CHECK(lines_in(log) == 64 * 20);
  CHECK(log.find("POST HTTP/1") == std::string::npos);
}

TEST_CASE("an answer that comes before a large body is read is not lost") {
  if (!is_nginx_installed()) {
    MESSAGE("skipped: needs nginx");
    return;
  }
  TemporaryFolder folder;
  REQUIRE(make_certificate(folder.path(), "IP:127.0.0.1"));
  NginxServer server(folder.path());
  HttpRequest request = post_to(server.url() + "early");
  request.ca_file = folder.path("certificate.pem");
  request.body = std::string(300'000, 'x');
  expect_replies(request, 429, "HTTP/2.0", 64, 5);
}

}  // namespace
}  // namespace ratebatch::curl_tls_test
