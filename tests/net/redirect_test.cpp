// Where a Location header leads.
#include "ratebatch/net/redirect.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace ratebatch::redirect_test {

using namespace net;

namespace {

using std::literals::string_literals::operator""s;

void check_targets(const std::string& base,
                   const std::vector<std::pair<std::string, std::string>>& rows) {
  for (const auto& [location, target] : rows) {
    CAPTURE(location);
    const auto found = redirect_target(base, location);
    if (!found) FAIL(found.error().message);
    CHECK(*found == target);
  }
}

TEST_CASE("the examples of RFC 3986, sections 5.4.1 and 5.4.2, without fragments") {
  check_targets("http://a/b/c/d;p?q", {
                                          {"g", "http://a/b/c/g"},
                                          {"./g", "http://a/b/c/g"},
                                          {"g/", "http://a/b/c/g/"},
                                          {"/g", "http://a/g"},
                                          {"//g", "http://g/"},
                                          {"?y", "http://a/b/c/d;p?y"},
                                          {"g?y", "http://a/b/c/g?y"},
                                          {"#s", "http://a/b/c/d;p?q"},
                                          {"g#s", "http://a/b/c/g"},
                                          {"g?y#s", "http://a/b/c/g?y"},
                                          {";x", "http://a/b/c/;x"},
                                          {"g;x?y#s", "http://a/b/c/g;x?y"},
                                          {".", "http://a/b/c/"},
                                          {"./", "http://a/b/c/"},
                                          {"..", "http://a/b/"},
                                          {"../", "http://a/b/"},
                                          {"../g", "http://a/b/g"},
                                          {"../..", "http://a/"},
                                          {"../../", "http://a/"},
                                          {"../../g", "http://a/g"},
                                          {"../../../g", "http://a/g"},
                                          {"../../../../g", "http://a/g"},
                                          {"/./g", "http://a/g"},
                                          {"/../g", "http://a/g"},
                                          {"g.", "http://a/b/c/g."},
                                          {".g", "http://a/b/c/.g"},
                                          {"g..", "http://a/b/c/g.."},
                                          {"..g", "http://a/b/c/..g"},
                                          {"./../g", "http://a/b/g"},
                                          {"./g/.", "http://a/b/c/g/"},
                                          {"g/./h", "http://a/b/c/g/h"},
                                          {"g/../h", "http://a/b/c/h"},
                                          {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
                                          {"g;x=1/../y", "http://a/b/c/y"},
                                          {"g?y/./x", "http://a/b/c/g?y/./x"},
                                          {"g?y/../x", "http://a/b/c/g?y/../x"},
                                      });
}

TEST_CASE("other hosts, schemes and ports are those of the location") {
  check_targets("https://api.example.com:8443/v1/files/1?sig=a",
                {
                    {"https://cdn.example.net/x.png?sig=b", "https://cdn.example.net/x.png?sig=b"},
                    {"HTTP://cdn.example.net", "http://cdn.example.net/"},
                    {"//cdn.example.net:444/x", "https://cdn.example.net:444/x"},
                    {"/x:y", "https://api.example.com:8443/x:y"},
                    {"x/y:z", "https://api.example.com:8443/v1/files/x/y:z"},
                    {"?sig=b", "https://api.example.com:8443/v1/files/1?sig=b"},
                    {"https://cdn.example.net/a//b/../c", "https://cdn.example.net/a//c"},
                });
}

TEST_CASE("a base without a path gets one") {
  check_targets("https://h", {{"x", "https://h/x"}, {"?y", "https://h/?y"}, {"/", "https://h/"}});
}

TEST_CASE("blanks and bytes that are not ASCII are percent-encoded, what is encoded stays") {
  check_targets("https://h/", {{"/a b", "https://h/a%20b"},
                               {"/\xC3\xA9?\xC3\xA9", "https://h/%C3%A9?%C3%A9"},
                               {"/a%20b%2Fc", "https://h/a%20b%2Fc"},
                               {"/a?b c+d=%2f|e", "https://h/a?b%20c+d=%2f|e"}});
}

TEST_CASE("a location that names no place is an error that names where it came from") {
  for (const auto& [location, why] : std::vector<std::pair<std::string, std::string>>{
           {"", "is missing or empty"},
           {"/a\r\nX-Evil: 1", "holds a control byte"},
           {"/a\0b"s, "holds a control byte"},
           {"/" + std::string(8192, 'x'), "is over 8192 bytes"},
           {"javascript:alert(1)", "names no host"},
           {"data:text/html,x", "names no host"},
           {"https:x", "names no host"},
           {"//", "names no host"},
           {"https://h:99999/", "names no port"},
       }) {
    CAPTURE(location);
    const auto found = redirect_target("https://api.example.com/v1?sig=secret", location);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == ErrorCode::invalid_input);
    CHECK(found.error().message ==
          "a redirect cannot be followed: the Location from api.example.com " + why);
  }
  CHECK(redirect_target("https://h/", "/" + std::string(8191, 'x')).has_value());
}

TEST_CASE("a base that is no absolute URL is an error") {
  for (const std::string base : {"", "/x", "h/x", "https:x"}) {
    CAPTURE(base);
    CHECK_FALSE(redirect_target(base, "https://h/").has_value());
  }
}

}  // namespace
}  // namespace ratebatch::redirect_test
