// Which addresses count as public: each block at its first and last address, and their neighbours.
#include "net/public_address.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <string>
#include <vector>

namespace ratebatch::public_address_test {

using namespace net;

namespace {

sockaddr_storage storage_of(const std::string& text) {
  sockaddr_storage storage{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
  } else {
    REQUIRE(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1);
    v6.sin6_family = AF_INET6;
  }
  return storage;
}

void check_all(const std::vector<std::string>& addresses, bool expected) {
  for (const std::string& text : addresses) {
    CAPTURE(text);
    const sockaddr_storage storage = storage_of(text);
    const auto& address = reinterpret_cast<const sockaddr&>(storage);
    CHECK(is_public(address) == expected);
    CHECK(is_public(text) == expected);
    CHECK(text_of(address) == text);
  }
}

TEST_CASE("addresses of the public internet are public") {
  check_all(
      {"1.0.0.0",        "8.8.8.8",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
       "100.128.0.0",    "126.255.255.255", "128.0.0.0",       "169.253.255.255", "169.255.0.0",
       "172.15.255.255", "172.32.0.0",      "191.255.255.255", "192.0.1.0",       "192.0.3.0",
       "192.88.98.255",  "192.88.100.0",    "192.167.255.255", "192.169.0.0",     "198.17.255.255",
       "198.20.0.0",     "198.51.99.255",   "198.51.101.0",    "203.0.112.255",   "203.0.114.0",
       "223.255.255.255"},
      true);
  check_all({"2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2606:4700::6810:1",
             "2a00:1450:4001::1", "3ffe::1", "3fff:1000::"},
            true);
}

TEST_CASE("addresses that lead inside, nowhere or to many are not public") {
  check_all(
      {"0.0.0.0",         "0.255.255.255",   "10.0.0.0",       "10.255.255.255",  "100.64.0.0",
       "100.127.255.255", "127.0.0.0",       "127.0.0.1",      "127.255.255.255", "169.254.0.0",
       "169.254.169.254", "169.254.255.255", "172.16.0.0",     "172.31.255.255",  "192.0.0.0",
       "192.0.0.255",     "192.0.2.0",       "192.0.2.255",    "192.88.99.1",     "192.168.0.0",
       "192.168.255.255", "198.18.0.0",      "198.19.255.255", "198.51.100.0",    "198.51.100.255",
       "203.0.113.0",     "203.0.113.255",   "224.0.0.0",      "239.255.255.255", "240.0.0.0",
       "255.255.255.255"},
      false);
  check_all({"::",
             "::1",
             "::2",
             "::8.8.8.8",
             "64:ff9b:1::1",
             "100::1",
             "1fff:ffff::1",
             "2001::1",
             "2001:1ff:ffff::",
             "2001:db8::",
             "2001:db8:ffff::1",
             "3fff::1",
             "3fff:fff:ffff::",
             "4000::1",
             "5f00::1",
             "fc00::1",
             "fd12:3456::1",
             "fe80::1",
             "febf::1",
             "fec0::1",
             "ff02::1",
             "ffff::1"},
            false);
}

TEST_CASE("an IPv4 address counts the same in its IPv6 forms") {
  check_all({"::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}, true);
  check_all({"::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
             "64:ff9b::a00:1", "2002:7f00:1::1", "2002:c0a8:101::1"},
            false);
}

TEST_CASE("text may carry brackets or a zone, and what is no address is said to be none") {
  CHECK(is_public(std::string("[::1]")) == false);
  CHECK(is_public(std::string("[2606:4700::1]")) == true);
  CHECK(is_public(std::string("fe80::1%eth0")) == false);
  CHECK(is_public(std::string("[fe80::1%25eth0]")) == false);
  for (const std::string text :
       {"", "example.com", "8.8.8", "[8.8.8.8", "8.8.8.8.example.com", "[]", "%"}) {
    CAPTURE(text);
    CHECK_FALSE(is_public(text).has_value());
  }
}

TEST_CASE("a family without addresses is not public") {
  sockaddr address{};
  address.sa_family = AF_UNIX;
  CHECK_FALSE(is_public(address));
  CHECK(text_of(address) == "an address of family 1");
}

}  // namespace
}  // namespace ratebatch::public_address_test
