#include "ratebatch/quota/long_window.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace ratebatch::long_window_test {

using namespace quota;

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

WallTime utc(int year, int month, int day, Duration time = {}) {
  const std::chrono::sys_days date{std::chrono::year{year} / month / day};
  return WallTime{} + date.time_since_epoch() + time;
}

// A Sunday afternoon.
const WallTime noon = utc(2026, 11, 22, hours{12});
const WallTime midnight = utc(2026, 11, 23);

Limit daily(std::int64_t amount, std::int32_t pause_at = 800) {
  Limit limit;
  limit.name = "rpd";
  limit.amount = amount;
  limit.window = days{1};
  limit.reset.kind = Reset::Kind::daily;
  limit.pause_at_per_mille = pause_at;
  return limit;
}

Limit rolling(std::int64_t amount, Duration window = days{1}) {
  Limit limit = daily(amount, 1000);
  limit.window = window;
  limit.reset.kind = Reset::Kind::rolling;
  return limit;
}

TEST_CASE("the threshold is the paused share, rounded down, and at least 1") {
  struct Row {
    std::int64_t amount;
    std::int32_t pause_at;
    std::int64_t threshold;
  };
  constexpr Row rows[] = {
      {1, 800, 1},          {1, 1, 1},
      {2, 800, 1},          {250, 960, 240},
      {10'000, 900, 9'000}, {1'001, 999, 999},
      {1'999, 500, 999},    {9'223'372'036'854'775'807, 1000, 9'223'372'036'854'775'807}};
  for (const Row& row : rows) {
    CAPTURE(row.amount);
    CHECK(LongWindow{daily(row.amount, row.pause_at)}.threshold() == row.threshold);
  }
}

TEST_CASE("one below, at and above the threshold") {
  LongWindow window{daily(100)};
  window.take(noon, 79);
  CHECK(window.fits(noon, 1));
  CHECK(!window.fits(noon, 2));
  CHECK(window.opens_at(noon, 1) == noon);
  CHECK(window.opens_at(noon, 2) == midnight + seconds{1});
  window.take(noon, 1);
  CHECK(window.used(noon) == 80);
  CHECK(!window.fits(noon, 1));
  CHECK(window.fits(noon, 0));
  CHECK(window.resets_at(noon) == midnight);
}

TEST_CASE("a cost larger than the threshold goes alone") {
  LongWindow window{daily(100)};
  CHECK(window.fits(noon, 80));
  CHECK(window.fits(noon, 81));
  CHECK(window.opens_at(noon, 1'000) == noon);
  window.take(noon, 1);
  CHECK(!window.fits(noon, 81));
  CHECK(window.opens_at(noon, 81) == midnight + seconds{1});
  CHECK(window.fits(midnight + seconds{1}, 81));
  window.take(midnight + seconds{1}, 1'000);
  CHECK(!window.fits(midnight + seconds{1}, 1));
}

TEST_CASE("a reset counts anew, and a second later it may be used to the full") {
  LongWindow window{daily(100)};
  window.take(noon, 80);
  CHECK(window.used(midnight - Duration{1}) == 80);
  CHECK(window.used(midnight) == 0);
  CHECK(!window.fits(midnight, 1));
  CHECK(!window.fits(midnight + seconds{1} - Duration{1}, 1));
  CHECK(window.fits(midnight + seconds{1}, 80));
  // Where the old window left room, that much may start within the second.
  LongWindow open{daily(100)};
  open.take(noon, 50);
  CHECK(open.fits(midnight, 30));
  CHECK(!open.fits(midnight, 31));
  open.take(midnight, 30);
  CHECK(open.used(midnight) == 30);
  CHECK(open.opens_at(midnight, 1) == midnight + seconds{1});
  CHECK(open.fits(midnight + seconds{1}, 50));
}

TEST_CASE("a jump over several windows is one reset") {
  LongWindow window{daily(100)};
  window.take(noon, 80);
  const WallTime later = noon + days{10};
  CHECK(window.fits(later, 80));
  window.take(later, 5);
  CHECK(window.used(later) == 5);
  CHECK(window.resets_at(later) == midnight + days{10});
}

TEST_CASE("a clock that is set back gives nothing back") {
  LongWindow window{daily(100)};
  window.take(noon, 80);
  for (const Duration back : {Duration{seconds{1}}, Duration{hours{2}}, Duration{hours{24}}}) {
    window.notice_clock(noon - back);
    CHECK(window.used(noon - back) == 80);
    CHECK(!window.fits(noon - back, 1));
  }
  CHECK(window.opens_at(noon - hours{23}, 1) == midnight + seconds{1});
}

TEST_CASE("a reset that came too early, by a clock that was wrong, is taken back") {
  LongWindow window{daily(100)};
  window.take(noon, 79);
  window.take(noon + days{1}, 1);  // The clock was a day ahead,
  CHECK(!window.fits(noon, 1));    // and is set right.
  CHECK(window.opens_at(noon, 1) == midnight + seconds{1});
  CHECK(window.fits(midnight + seconds{1}, 1));
}

TEST_CASE("what was counted in a far year does not hold until that year") {
  for (const Limit& limit : {daily(100), rolling(80)}) {
    LongWindow window{limit};
    window.take(noon + days{3'650}, 80);
    CHECK(window.opens_at(noon, 1) > noon + days{3'000});
    window.notice_clock(noon);
    CHECK(!window.fits(noon, 1));
    CHECK(window.opens_at(noon, 1) <= noon + days{1} + hours{1});
    CHECK(window.used(noon) == 80);
    CHECK(window.fits(window.opens_at(noon, 1), 80));
  }
}

TEST_CASE("days in Los Angeles have 23 and 25 hours") {
  Limit limit = daily(10, 1000);
  const Result<TimeZone> zone = TimeZone::find("America/Los_Angeles");
  REQUIRE(zone);
  limit.reset.zone = *zone;
  LongWindow window{limit};
  const WallTime short_day = utc(2026, 3, 8, hours{8});
  window.take(short_day, 10);
  CHECK(window.opens_at(short_day, 1) == short_day + hours{23} + seconds{1});
  const WallTime long_day = utc(2026, 11, 1, hours{7});
  window.take(long_day, 10);
  CHECK(!window.fits(long_day + hours{24} + minutes{59}, 1));
  CHECK(window.opens_at(long_day, 1) == long_day + hours{25} + seconds{1});
}

TEST_CASE("a month ends on its day") {
  Limit limit = daily(100, 1000);
  limit.window = month_window;
  limit.reset.kind = Reset::Kind::monthly;
  limit.reset.day_of_month = 31;
  limit.reset.time_of_day = hours{6};
  LongWindow window{limit};
  window.take(noon, 100);
  CHECK(window.resets_at(noon) == utc(2026, 11, 30, hours{6}));
  window.take(utc(2026, 11, 30, hours{6}), 100);
  CHECK(window.resets_at(utc(2026, 11, 30, hours{6})) == utc(2026, 12, 31, hours{6}));
  CHECK(window.used(utc(2026, 12, 31, hours{6}) - Duration{1}) == 100);
}

TEST_CASE("settling corrects what was taken, never below 0 and never over a reset") {
  LongWindow window{daily(1'000, 1000)};
  window.take(noon, 500);
  window.correct(noon, -200);
  CHECK(window.used(noon) == 300);
  window.correct(noon, 100);
  CHECK(window.used(noon) == 400);
  window.correct(noon, -500);
  CHECK(window.used(noon) == 0);
  window.take(noon, 100);
  window.take(midnight, 70);
  window.correct(noon, 900);
  window.correct(midnight - Duration{1}, -50);
  CHECK(window.used(midnight) == 70);
  window.correct(midnight, -20);
  CHECK(window.used(midnight) == 50);
}

TEST_CASE("in a rolling window settling finds the slot, or nothing where it has left") {
  LongWindow window{rolling(1'000)};
  window.correct(noon, 5);
  CHECK(window.used(noon) == 0);
  window.take(noon, 100);
  window.take(noon + hours{5}, 100);
  window.correct(noon, -60);
  CHECK(window.used(noon + hours{6}) == 140);
  window.correct(noon, -60);
  CHECK(window.used(noon + hours{6}) == 100);
  const WallTime next_day = noon + hours{25};
  window.take(next_day, 1);
  window.correct(noon, 500);
  CHECK(window.used(next_day) == 101);
}

TEST_CASE("a person or the server says what is used") {
  LongWindow window{daily(100)};
  window.set_used(noon, 80);
  CHECK(!window.fits(noon, 1));
  window.set_used(noon, 79);
  CHECK(window.fits(noon, 1));
  window.set_used(noon, -5);
  CHECK(window.used(noon) == 0);
  window.set_used(noon, 80);
  CHECK(window.fits(midnight + seconds{1}, 80));

  LongWindow moving{rolling(100)};
  moving.take(noon, 30);
  moving.take(noon + hours{1}, 30);
  moving.set_used(noon + hours{2}, 40);  // The oldest is taken away: what stays leaves later.
  CHECK(moving.used(noon + hours{2}) == 40);
  CHECK(moving.used(noon + hours{24} + minutes{30}) == 30);
  moving.set_used(noon + hours{2}, 90);  // What is more counts as used now.
  CHECK(moving.used(noon + hours{25} + minutes{30}) == 50);
}

TEST_CASE("an announced reset replaces the configured one for this window") {
  LongWindow window{daily(100)};
  window.take(noon, 80);
  window.server_resets_at(noon, noon + hours{2});
  CHECK(window.resets_at(noon) == noon + hours{2});
  CHECK(window.opens_at(noon, 1) == noon + hours{2} + seconds{1});
  window.server_resets_at(noon, noon + hours{20});
  CHECK(window.resets_at(noon) == noon + hours{20});
  window.take(noon + hours{20}, 1);
  CHECK(window.used(noon + hours{20}) == 1);
  CHECK(window.resets_at(noon + hours{20}) == midnight + days{1});
}

TEST_CASE("an announced reset that cannot be is ignored") {
  LongWindow window{daily(100)};
  window.take(noon, 80);
  for (const Duration ahead :
       {Duration{}, Duration{-hours{1}}, Duration{hours{25}} + Duration{1}}) {
    window.server_resets_at(noon, noon + ahead);
    CHECK(window.resets_at(noon) == midnight);
  }
  window.server_resets_at(noon, noon + hours{25});
  CHECK(window.resets_at(noon) == noon + hours{25});
  window.server_resets_at(noon, noon + hours{3});  // It does not move back.
  CHECK(window.resets_at(noon) == noon + hours{25});
}

TEST_CASE("an announced reset empties a rolling window as well") {
  LongWindow window{rolling(100)};
  window.take(noon, 100);
  const WallTime reset = noon + hours{3};
  window.server_resets_at(noon, reset);
  CHECK(window.resets_at(noon) == reset);
  CHECK(window.opens_at(noon, 1) == reset + seconds{1});
  CHECK(window.used(reset) == 0);
  CHECK(!window.fits(reset, 1));
  CHECK(window.fits(reset + seconds{1}, 100));
  window.take(reset + seconds{1}, 100);
  // From then on it rolls again.
  CHECK(window.opens_at(reset + hours{1}, 1) > reset + hours{24});
}

}  // namespace
}  // namespace ratebatch::long_window_test
