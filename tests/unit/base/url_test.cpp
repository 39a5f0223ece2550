#include "ratebatch/base/url.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace ratebatch::url_test {
namespace {

TEST_CASE("a URL is taken apart") {
  struct Row {
    const char* text;
    const char* origin;
    const char* path;
    std::optional<std::string> query;
  };
  const Row rows[] = {
      {"https://API.openai.com/v1", "https://api.openai.com:443", "/v1", {}},
      {"HTTP://localhost:8080", "http://localhost:8080", "", {}},
      {"http://[::1]:81/x", "http://[::1]:81", "/x", {}},
      {"http://[::1]/x", "http://[::1]:80", "/x", {}},
      {"https://h?x=/1?y", "https://h:443", "", "x=/1?y"},
      {"https://h/a?#b", "https://h:443", "/a", ""},
      {"https://h#/a@b", "https://h:443", "", {}},
      {"https://h/a@b:c", "https://h:443", "/a@b:c", {}},
      {"https://\xC3\xA9.example/", "https://\xC3\xA9.example:443", "/", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto url = read_url(row.text);
    REQUIRE(url.has_value());
    CHECK(origin_text(url->origin) == row.origin);
    CHECK(url->path == row.path);
    CHECK(url->query == row.query);
  }
}

TEST_CASE("what is no URL, or may lead to another host, says what is wrong") {
  struct Row {
    std::string text;
    UrlFault fault;
  };
  const Row rows[] = {
      {"https://h/\r\nX: y", UrlFault::bytes},
      {"", UrlFault::scheme},
      {"h/x", UrlFault::scheme},
      {"https:/h", UrlFault::scheme},
      {"ftp://h/", UrlFault::scheme},
      {"https://user:pw@h/", UrlFault::user},
      {"https://@h/", UrlFault::user},
      {"https://", UrlFault::host},
      {"https:///x", UrlFault::host},
      {"https://a b/", UrlFault::host},
      {"https://h\\evil.example/", UrlFault::host},
      {"https://h%2Fevil.example/", UrlFault::host},
      {"https://[::1/", UrlFault::host},
      {"https://[::1]x/", UrlFault::host},
      {"https://h:/", UrlFault::port},
      {"https://h:0/", UrlFault::port},
      {"https://h:65536/", UrlFault::port},
      {"https://h:8x/", UrlFault::port},
      {"https://::1/", UrlFault::host},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto url = read_url(row.text);
    REQUIRE_FALSE(url.has_value());
    CHECK(url.error() == row.fault);
  }
  CHECK(read_url("https://h:65535/")->origin.port == 65535);
}

TEST_CASE("loopback is one name, one IPv6 address and 127.0.0.0/8") {
  for (const char* host : {"localhost", "[::1]", "127.0.0.1", "127.255.0.9", "127.1"}) {
    CAPTURE(host);
    CHECK(is_loopback_host(host));
  }
  for (const char* host :
       {"", "127", "128.0.0.1", "127.0.0.1.evil.example", "127.0.0.256", "127.08", "127.0.0.1.1",
        "127.0.0.", "localhost.example", "[::2]", "0.0.0.0"}) {
    CAPTURE(host);
    CHECK_FALSE(is_loopback_host(host));
  }
}

}  // namespace
}  // namespace ratebatch::url_test
