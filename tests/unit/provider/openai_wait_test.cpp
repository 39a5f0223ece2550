// How long a server asks to wait.
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "provider/server_values.hpp"

namespace ratebatch::openai_wait_test {

using namespace provider;

namespace {

using std::literals::chrono_literals::operator""ns;
using std::literals::chrono_literals::operator""us;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""s;
using std::literals::chrono_literals::operator""min;
using std::literals::chrono_literals::operator""h;
using Wait = std::optional<Duration>;

TEST_CASE("waits in messages are read in every form seen") {
  struct Row {
    std::string message;
    Wait wait;
  };
  for (const Row& row : std::vector<Row>{
           {"Please try again in 84ms. Visit https://x", 84ms},
           {"Please try again in 1.146s.", 1146ms},
           {"Please try again in 20s.", 20s},
           {"Please try again in 20s", 20s},
           {"PLEASE TRY AGAIN IN 6m0s.", 6min},
           {"Please try again in 1h0m0s.", 1h},
           {"Please try again in 2m59.56s.", 179560ms},
           {"Please try again in 500\xC2\xB5s.", 500us},
           {"Please try again in 500us.", 500us},
           {"Please retry after 7 seconds.", 7s},
           {"Please retry after 1 second.", 1s},
           {"Please retry after 2 minutes", 2min},
           {"Please retry after 3 hours", 3h},
           {"Please retry after 250 milliseconds", 250ms},
           {"Please retry in 45.80287662s.", 45802876620ns},
           {"try again in 10 sec", 10s},
           {"Please try again in a while. Please try again in 3s.", 3s},
           {"Please try again in 0s. Please try again in 3s.", 3s},
           {"Please try again in 0s.", std::nullopt},
           {"Please try again in a while.", std::nullopt},
           {"Please try again in .", std::nullopt},
           {"Please try again in ", std::nullopt},
           {"Please try again in 5", std::nullopt},
           {"Please try again in 5 apples", std::nullopt},
           {"Please try again in -5s", std::nullopt},
           {"20s", std::nullopt},
           {"", std::nullopt},
       }) {
    CAPTURE(row.message);
    CHECK(wait_in_message(row.message) == row.wait);
  }
}

TEST_CASE("waits in headers and message: the exact header first, the larger of both in the end") {
  struct Row {
    std::vector<Header> headers;
    std::string message;
    Wait wait;
  };
  const Header date = {"date", "Sun, 06 Nov 1994 08:49:37 GMT"};
  for (const Row& row : std::vector<Row>{
           {{}, "", std::nullopt},
           {{{"retry-after", "2"}}, "", 2s},
           {{{"retry-after", " 7.66 "}}, "", 7660ms},
           {{{"retry-after", "0"}}, "", std::nullopt},
           {{{"retry-after", "-1"}}, "", std::nullopt},
           {{{"retry-after", "soon"}}, "", std::nullopt},
           {{{"retry-after", "2s"}}, "", std::nullopt},
           {{{"retry-after", ""}}, "", std::nullopt},
           {{{"retry-after-ms", "1500"}, {"retry-after", "9"}}, "", 1500ms},
           {{{"retry-after-ms", "0"}, {"retry-after", "9"}}, "", 9s},
           {{{"retry-after-ms", "x"}, {"retry-after", "9"}}, "", 9s},
           {{{"retry-after-ms", ""}, {"retry-after", "9"}}, "", 9s},
           {{{"retry-after", "2"}}, "try again in 84ms", 2s},
           {{{"retry-after", "1"}}, "try again in 20s", 20s},
           {{{"retry-after", "0"}}, "try again in 20s", 20s},
           {{{"retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"}, date}, "", 30s},
           {{{"retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"}}, "", std::nullopt},
           {{{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}, date}, "", std::nullopt},
           {{{"retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"}, date}, "", std::nullopt},
           {{{"retry-after", "604799"}}, "", 604799s},
           {{{"retry-after", "604800"}}, "", 604800s},
           {{{"retry-after", "604801"}}, "", 604800s},
           {{{"retry-after", "99999999999999999999999"}}, "", std::nullopt},
           {{{"retry-after-ms", "99999999999999999999999"}}, "", std::nullopt},
           {{}, "try again in 9999999999h", std::nullopt},
           {{{"retry-after", "Sun, 06 Nov 2094 08:49:37 GMT"}, date}, "", 604800s},
       }) {
    CAPTURE(row.headers.empty() ? "" : row.headers[0].value);
    CAPTURE(row.message);
    CHECK(wait_hint({.status = 429, .headers = row.headers}, row.message) == row.wait);
  }
}

TEST_CASE("the three forms of an HTTP date are one instant") {
  const WallTime expected = wall_from_ms(784111777000);
  for (const std::string text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                 "Sun Nov  6 08:49:37 1994"}) {
    CAPTURE(text);
    CHECK(parse_http_date(text) == expected);
  }
  CHECK(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT") == WallTime{});
  CHECK(parse_http_date("Thu, 29 Feb 2024 23:59:60 GMT") == wall_from_ms(1709251200000));
  CHECK(parse_http_date("Friday, 01-Jan-69 00:00:00 GMT") ==
        parse_http_date("Tue, 01 Jan 2069 00:00:00 GMT"));
}

TEST_CASE("what is no HTTP date is none") {
  for (const std::string text :
       {"", "soon", "2026-11-23T08:00:01Z", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun, x6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 99999 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Nov 2201 08:49:37 GMT", "Sun, 99999999999 Nov 1994 08:49:37 GMT"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_http_date(text));
  }
}

}  // namespace
}  // namespace ratebatch::openai_wait_test
