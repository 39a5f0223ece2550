// What arrives, arrives as it was sent: status, headers, body, within the caps.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "net/net_support.hpp"
#include "net/reply_sink.hpp"
#include "support/script_server.hpp"

namespace ratebatch::curl_reply_test {

using namespace net;

namespace {

Script answer(const std::string& bytes) { return {read_request(), send_bytes(bytes), repeat()}; }

std::string as_text(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

// A gzip stream that inflates to 1 + 258 * matches zeros: one literal, then matches at distance 1
// with the fixed codes of RFC 1951. It ends without a checksum; nobody should read so far.
std::string gzip_of_zeros(std::size_t matches) {
  std::string bytes = as_text({0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3});
  unsigned bit = 0;
  const auto put = [&](std::string_view code) {
    for (const char c : code) {
      if (bit == 0) bytes += '\0';
      if (c == '1') bytes.back() = static_cast<char>(bytes.back() | static_cast<char>(1U << bit));
      bit = (bit + 1) % 8;
    }
  };
  put("1");         // The last block,
  put("10");        // with fixed codes; two bits, the lower first.
  put("00110000");  // A zero byte.
  for (std::size_t i = 0; i < matches; ++i) put("1100010100000");  // 258 bytes from 1 byte back.
  put("0000000");
  return bytes;
}

TEST_CASE("a reply comes back with its status, lower-case headers in order, and body") {
  ScriptServer server({answer(http_reply(200, "hello", "X-Request-ID:  req_1 \r\nEmpty:\r\n"))});
  const auto transport = open_transport();
  const HttpReply reply = reply_to(*transport, post_to(server.url("/v1/x")));
  CHECK(reply.status == 200);
  CHECK(reply.body == "hello");
  REQUIRE(reply.headers.size() == 3);
  CHECK(reply.headers[0].name == "x-request-id");
  CHECK(reply.headers[0].value == "req_1");
  CHECK(reply.headers[1].name == "empty");
  CHECK(reply.headers[1].value.empty());
  CHECK(reply.header("content-length") == "5");
}

TEST_CASE("the request arrives as it was given, without Expect") {
  ScriptServer server({answer(http_reply(200, "{}"))});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/v1/chat?a=b"));
  request.headers = {{"content-type", "application/json"}, {"x-empty", ""}};
  request.body = std::string(3 << 20U, 'x');  // Larger than any socket buffer.
  request.key_header = KeyHeader{.name = "Authorization",
                                 .prefix = "Bearer ",
                                 .key = Secret("sk-1"),
                                 .origin = server.url("/v1")};
  const std::string body = request.body;
  CHECK(reply_to(*transport, std::move(request)).status == 200);
  REQUIRE(server.bill() == 1);
  const std::string seen = server.requests()[0];
  CHECK(seen.starts_with("POST /v1/chat?a=b HTTP/1.1\r\n"));
  CHECK(seen.find("content-type: application/json\r\n") != std::string::npos);
  CHECK(seen.find("x-empty:\r\n") != std::string::npos);
  CHECK(seen.find("Authorization: Bearer sk-1\r\n") != std::string::npos);
  CHECK(seen.find("Content-Length: 3145728\r\n") != std::string::npos);
  CHECK(seen.find("Expect") == std::string::npos);
  CHECK(seen.ends_with("\r\n\r\n" + body));
}

TEST_CASE("a request names the program and asks for packed answers, unless it says otherwise") {
  const auto transport = open_transport();
  for (const bool says_otherwise : {false, true}) {
    ScriptServer server({answer(http_reply(200, "{}"))});
    HttpRequest request = post_to(server.url("/"));
    if (says_otherwise) request.headers = {{"user-agent", "mine"}, {"ACCEPT-Encoding", "br"}};
    CHECK(reply_to(*transport, std::move(request)).status == 200);
    const std::string seen = server.requests()[0];
    CHECK((seen.find("User-Agent: ratebatch\r\n") != std::string::npos) != says_otherwise);
    CHECK((seen.find("Accept-Encoding: gzip, deflate\r\n") != std::string::npos) != says_otherwise);
    CHECK((seen.find("user-agent: mine\r\n") != std::string::npos) == says_otherwise);
    CHECK((seen.find("ACCEPT-Encoding: br\r\n") != std::string::npos) == says_otherwise);
  }
}

TEST_CASE("every final status is a reply, and a redirect is not followed") {
  for (const int status : {200, 201, 302, 307, 400, 401, 429, 500, 503, 529}) {
    CAPTURE(status);
    ScriptServer other({answer(http_reply(200, "other"))});
    ScriptServer server(
        {answer(http_reply(status, "body", "Location: " + other.url("/") + "\r\n"))});
    const auto transport = open_transport();
    const HttpReply reply = reply_to(*transport, post_to(server.url("/")));
    CHECK(reply.status == status);
    CHECK(reply.body == "body");
    CHECK(server.bill() == 1);
    CHECK(other.connections() == 0);
  }
}

TEST_CASE("interim replies leave no trace") {
  ScriptServer server(
      {answer("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
              "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
              http_reply(200, "final"))});
  const auto transport = open_transport();
  const HttpReply reply = reply_to(*transport, post_to(server.url("/")));
  CHECK(reply.status == 200);
  CHECK(reply.body == "final");
  CHECK(reply.headers.size() == 1);
}

TEST_CASE("a chunked body is joined, and its trailers are left out") {
  ScriptServer server(
      {answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n")});
  const auto transport = open_transport();
  const HttpReply reply = reply_to(*transport, post_to(server.url("/")));
  CHECK(reply.body == "abcde");
  CHECK(reply.header("x-trailer").empty());
}

TEST_CASE("a gzip body is decoded") {
  const std::string packed =
      as_text({0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x01, 0x05, 0x00, 0xfa, 0xff}) + "hello" +
      as_text({0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0});
  ScriptServer server({answer(http_reply(200, packed, "Content-Encoding: gzip\r\n"))});
  const auto transport = open_transport();
  CHECK(reply_to(*transport, post_to(server.url("/"))).body == "hello");
}

TEST_CASE("a body up to the cap comes back, one over it is too large") {
  ScriptServer server({answer(http_reply(200, std::string(1000, 'x')))});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/"));
  for (const std::int64_t cap : {1000, 1001}) {
    request.body_bytes_max = cap;
    CHECK(reply_to(*transport, request).body.size() == 1000);
  }
  for (const std::int64_t cap : {0, 999}) {
    request.body_bytes_max = cap;
    const TransferFailure failure = failure_of(*transport, request);
    CHECK(failure.fault == TransferFault::too_large);
    CHECK(failure.request_sent);
    CHECK(failure.status == 200);
    CHECK(failure.message.find("over " + std::to_string(cap) + " bytes") != std::string::npos);
  }
}

TEST_CASE("the cap counts decoded bytes: a small body that inflates is too large") {
  const std::string bomb = gzip_of_zeros(10'000);  // 2.6 MB of zeros.
  REQUIRE(bomb.size() < 20'000);
  ScriptServer server({answer(http_reply(200, bomb, "Content-Encoding: gzip\r\n"))});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/"));
  request.body_bytes_max = 1 << 20U;
  const TransferFailure failure = failure_of(*transport, request);
  CHECK(failure.fault == TransferFault::too_large);
  CHECK(failure.request_sent);
}

TEST_CASE("an endless body ends at the cap") {
  ScriptServer server({{read_request(), send_bytes("HTTP/1.1 200 OK\r\n\r\n"),
                        send_until_closed(std::string(16384, 'x'))}});
  const auto transport = open_transport();
  HttpRequest request = post_to(server.url("/"));
  request.body_bytes_max = 1 << 20U;
  CHECK(failure_of(*transport, request).fault == TransferFault::too_large);
}

TEST_CASE("headers over 64 KiB are too large, however they are spread") {
  const std::string status_line = "HTTP/1.1 200 OK\r\n";
  SUBCASE("many lines") {
    ScriptServer server(
        {{read_request(), send_bytes(status_line), send_until_closed("X-Flood: 0123456789\r\n")}});
    const auto transport = open_transport();
    CHECK(failure_of(*transport, post_to(server.url("/"))).fault == TransferFault::too_large);
  }
  SUBCASE("one endless line") {
    ScriptServer server(
        {{read_request(), send_bytes(status_line + "X-Flood: "), send_until_closed("0123456789")}});
    const auto transport = open_transport();
    const TransferFailure failure = failure_of(*transport, post_to(server.url("/")));
    CHECK(failure.fault == TransferFault::too_large);
    CHECK(failure.request_sent);
  }
  SUBCASE("endless interim replies") {
    ScriptServer server(
        {{read_request(), send_until_closed("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")}});
    const auto transport = open_transport();
    const TransferFailure failure = failure_of(*transport, post_to(server.url("/")));
    CHECK(failure.fault == TransferFault::too_large);
    CHECK(failure.status == 0);
  }
}

TEST_CASE("the sink takes 64 KiB of headers and not a byte more") {
  const std::string line = "x: " + std::string(1019, 'v') + "\r\n";  // 1,024 bytes.
  const ReplyFiles none;
  ReplySink sink(1, none);
  for (int i = 0; i < 63; ++i) REQUIRE(sink.take_header_line(line));
  REQUIRE(sink.take_header_line(std::string(1023, 'y')));
  SUBCASE("n") { CHECK(sink.take_header_line("z")); }
  SUBCASE("n + 1") {
    CHECK_FALSE(sink.take_header_line("zz"));
    CHECK(sink.refusal()->fault == TransferFault::too_large);
  }
}

}  // namespace
}  // namespace ratebatch::curl_reply_test
