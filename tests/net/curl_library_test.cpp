// libcurl is opened when a transport is; what keeps it from that is said in words.
#include "net/curl_library.hpp"

#include <doctest/doctest.h>

#include <string>

#include "net/net_support.hpp"
#include "ratebatch/net/curl_transport.hpp"

namespace ratebatch::curl_library_test {

using namespace net;

namespace {

TEST_CASE("a libcurl that is not there is an error that names it and its package") {
  const auto opened = CurlLibrary::open("libcurl-none.so.4");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::not_found);
  CAPTURE(opened.error().message);
  CHECK(opened.error().message.starts_with("cannot load libcurl-none.so.4"));
  CHECK(opened.error().message.find("No such file") != std::string::npos);
  CHECK(opened.error().message.find("apt-get install libcurl4") != std::string::npos);
}

TEST_CASE("a library that is no libcurl is an error that names what it lacks") {
  const auto opened = CurlLibrary::open("libc.so.6");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::not_found);
  CHECK(opened.error().message.find("it lacks curl_global_init") != std::string::npos);
}

TEST_CASE("libcurl has several owners at once, and goes with the last") {
  auto first = CurlLibrary::open();
  REQUIRE(first);
  {
    const auto second = CurlLibrary::open();
    REQUIRE(second);
    first->reset();
    const auto transport = open_transport();
    CHECK(transport->finished().empty());
  }
  CHECK(curl_library_version().starts_with(std::to_string((LIBCURL_VERSION_NUM >> 16U) & 0xffU) +
                                           "."));
}

}  // namespace
}  // namespace ratebatch::curl_library_test
