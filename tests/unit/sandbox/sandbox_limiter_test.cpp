// The limiters of the sandbox, as columns of steps: no socket, no clock.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "sandbox/limiter.hpp"

namespace ratebatch::sandbox_limiter_test {

using namespace sandbox;

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr LimitAlgorithm all_algorithms[] = {LimitAlgorithm::fixed, LimitAlgorithm::sliding,
                                             LimitAlgorithm::bucket};

constexpr Now start{{5'000'000'000}, {1'700'000'000'000'000'000}};

Now after(Duration d) { return {start.steady + d, start.wall + d}; }

Limit limit(Resource resource, std::int64_t amount, Duration window) {
  return {.name = "x", .resource = resource, .amount = amount, .window = window};
}

SandboxOptions by(LimitAlgorithm algorithm) {
  SandboxOptions options;
  options.algorithm = algorithm;
  return options;
}

struct Step {
  std::int64_t at_ms;
  std::int64_t cost;
  bool fits;
  std::int64_t room;      // After the step.
  std::int64_t wait_ms;   // Until one fits, after the step.
  std::int64_t reset_ms;  // Until all is free, after the step.
};

void run(Limiter& limiter, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    CAPTURE(step.at_ms);
    const Now now = after(milliseconds{step.at_ms});
    const bool fits = limiter.view(now, step.cost).fits();
    CHECK(fits == step.fits);
    if (fits) limiter.take(now, step.cost);
    const Reading reading = limiter.view(now, 1).reading;
    CHECK(reading.room == step.room);
    CHECK(reading.wait == milliseconds{step.wait_ms});
    CHECK(reading.reset == milliseconds{step.reset_ms});
  }
}

void run(LimitAlgorithm algorithm, std::int64_t amount, Duration window,
         const std::vector<Step>& steps) {
  Limiter limiter(limit(Resource::requests, amount, window), by(algorithm), start);
  run(limiter, steps);
}

TEST_CASE("a fixed window grants its amount, and all of it again when the next one begins") {
  run(LimitAlgorithm::fixed, 3, seconds{1},
      {{900, 1, true, 2, 0, 100},
       {950, 1, true, 1, 0, 50},
       {960, 1, true, 0, 40, 40},
       {999, 1, false, 0, 1, 1},
       {1000, 1, true, 2, 0, 1000},
       {1001, 2, true, 0, 999, 999},
       {4500, 3, true, 0, 500, 500},
       {5500, 4, false, 3, 0, 0}});
}

TEST_CASE("a sliding log lets each grant count for exactly one window") {
  run(LimitAlgorithm::sliding, 3, seconds{1},
      {{900, 1, true, 2, 0, 1000},
       {950, 1, true, 1, 0, 1000},
       {960, 1, true, 0, 940, 1000},
       {1000, 1, false, 0, 900, 960},
       {1899, 1, false, 0, 1, 61},
       {1900, 1, true, 0, 50, 1000},
       {1949, 1, false, 0, 1, 951},
       {1950, 1, true, 0, 10, 1000},
       {9000, 1, true, 2, 0, 1000}});
}

TEST_CASE("a bucket starts full and refills evenly") {
  run(LimitAlgorithm::bucket, 4, seconds{1},
      {{0, 1, true, 3, 0, 250},
       {0, 1, true, 2, 0, 500},
       {0, 2, true, 0, 250, 1000},
       {100, 1, false, 0, 150, 900},
       {249, 1, false, 0, 1, 751},
       {250, 1, true, 0, 250, 1000},
       {600, 1, true, 0, 150, 900},
       {750, 1, true, 0, 250, 1000},
       {60'000, 1, true, 3, 0, 250}});
}

TEST_CASE("a bucket with a burst holds no more, and refills at the rate of the whole") {
  SandboxOptions options = by(LimitAlgorithm::bucket);
  options.burst = 2;
  Limiter limiter(limit(Resource::requests, 600, minutes{1}), options, start);
  run(limiter, {{0, 1, true, 1, 0, 100},
                {0, 1, true, 0, 100, 200},
                {99, 1, false, 0, 1, 101},
                {100, 1, true, 0, 100, 200},
                {60'000, 2, true, 0, 100, 200},
                {70'000, 3, false, 2, 0, 0}});
  CHECK(limiter.terms().amount == 600);
  CHECK(limiter.terms().most == 2);
  // Neither tokens nor a day nor a smaller limit are handed out by so few.
  CHECK(Limiter(limit(Resource::tokens, 600, minutes{1}), options, start).terms().most == 600);
  CHECK(Limiter(limit(Resource::requests, 600, hours{24}), options, start).terms().most == 600);
  CHECK(Limiter(limit(Resource::requests, 1, minutes{1}), options, start).terms().most == 1);
}

TEST_CASE("the wait is exact: what asks a nanosecond earlier is refused, and then passes") {
  for (const LimitAlgorithm algorithm : all_algorithms) {
    Rng rng(7);
    Limiter limiter(limit(Resource::tokens, 10'007, seconds{60}), by(algorithm), start);
    Duration at{};
    for (int i = 0; i < 2000; ++i) {
      CAPTURE(i);
      at += nanoseconds{rng.between(0, 2'000'000'000)};
      const std::int64_t cost = rng.between(1, 3000);
      const LimitView view = limiter.view(after(at), cost);
      if (!view.fits()) {
        at += view.reading.wait;
        CHECK_FALSE(limiter.view(after(at - nanoseconds{1}), cost).fits());
        REQUIRE(limiter.view(after(at), cost).fits());
      }
      limiter.take(after(at), cost);
    }
  }
}

struct Use {
  Duration at;
  std::int64_t cost;
};

// What a hasty client gets that asks again and again, at random.
std::vector<Use> hasty_uses(LimitAlgorithm algorithm, std::int64_t amount, Duration window) {
  Limiter limiter(limit(Resource::tokens, amount, window), by(algorithm), start);
  Rng rng(11);
  std::vector<Use> uses;
  for (Duration at{}; uses.size() < 1000; at += nanoseconds{rng.between(0, window.count() / 100)}) {
    const std::int64_t cost = rng.between(1, amount / 10);
    if (!limiter.view(after(at), cost).fits()) continue;
    limiter.take(after(at), cost);
    uses.push_back({at, cost});
  }
  return uses;
}

// The most that `allowed(from, to)` is exceeded by, of all stretches between two uses.
template <typename Allowed>
std::int64_t excess(const std::vector<Use>& uses, Allowed allowed) {
  std::int64_t worst = INT64_MIN;
  for (std::size_t first = 0; first < uses.size(); ++first) {
    std::int64_t sum = 0;
    for (std::size_t last = first; last < uses.size(); ++last) {
      sum += uses[last].cost;
      worst = std::max(worst, sum - allowed(uses[first].at, uses[last].at));
    }
  }
  return worst;
}

TEST_CASE("a hasty client never gets more than the algorithm grants, and nearly all of that") {
  constexpr std::int64_t amount = 1000;
  constexpr Duration window = seconds{10};
  const std::int64_t no_bound = INT64_MAX / 2;
  const auto sliding = [&](Duration from, Duration to) {
    return to - from < window ? amount : no_bound;
  };
  const auto fixed = [&](Duration from, Duration to) {
    return from / window == to / window ? amount : no_bound;
  };
  const auto bucket = [&](Duration from, Duration to) {
    return amount + (to - from).count() / (window.count() / amount);
  };
  const auto check = [&](LimitAlgorithm algorithm, auto allowed) {
    const std::int64_t worst = excess(hasty_uses(algorithm, amount, window), allowed);
    CHECK(worst <= 0);
    CHECK(worst > -5);
  };
  check(LimitAlgorithm::sliding, sliding);
  check(LimitAlgorithm::fixed, fixed);
  check(LimitAlgorithm::bucket, bucket);
  // The bounds tell the algorithms apart.
  CHECK(excess(hasty_uses(LimitAlgorithm::fixed, amount, window), sliding) > 100);
  CHECK(excess(hasty_uses(LimitAlgorithm::bucket, amount, window), sliding) > 100);
}

TEST_CASE("every resource in every way: all of it fits once, one more does not, and later again") {
  for (std::size_t i = 0; i < resource_count; ++i) {
    for (const LimitAlgorithm algorithm : all_algorithms) {
      const auto resource = static_cast<Resource>(i);
      CAPTURE(to_string(resource));
      Limiter limiter(limit(resource, 100, seconds{10}), by(algorithm), start);
      CHECK(limiter.terms().resource == resource);
      CHECK(limiter.view(start, 99).fits());
      CHECK(limiter.view(start, 100).fits());
      const LimitView larger = limiter.view(start, 101);
      CHECK_FALSE(larger.fits());
      CHECK(larger.never_fits());
      limiter.take(start, 99);
      CHECK(limiter.view(start, 1).fits());
      CHECK_FALSE(limiter.view(start, 2).fits());
      CHECK_FALSE(limiter.view(start, 2).never_fits());
      limiter.take(start, 1);
      CHECK_FALSE(limiter.view(after(milliseconds{99}), 1).fits());
      CHECK(limiter.view(after(seconds{10}), 100).fits());
    }
  }
}

TEST_CASE("a limit of one passes one request") {
  for (const LimitAlgorithm algorithm : all_algorithms) {
    run(algorithm, 1, seconds{1},
        {{0, 1, true, 0, 1000, 1000}, {999, 1, false, 0, 1, 1}, {1000, 1, true, 0, 1000, 1000}});
  }
}

TEST_CASE("buckets tell what OpenAI tells, to the millisecond") {
  // 5000 a minute, one taken: full again in 12 ms.
  run(LimitAlgorithm::bucket, 5000, minutes{1}, {{0, 1, true, 4999, 0, 12}});
  // "Limit 10000, Used 9689, Requested 333. Please try again in 132ms"
  Limiter tokens(limit(Resource::tokens, 10'000, minutes{1}), by(LimitAlgorithm::bucket), start);
  tokens.take(start, 9689);
  const LimitView view = tokens.view(start, 333);
  CHECK(view.reading.wait == milliseconds{132});
  CHECK(view.reading.room == 311);
}

TEST_CASE("a bucket that refills a third of a request at a time loses nothing by rounding") {
  Limiter limiter(limit(Resource::requests, 3, milliseconds{1}), by(LimitAlgorithm::bucket), start);
  limiter.take(start, 3);
  CHECK(limiter.view(start, 1).reading.wait == nanoseconds{333'334});
  for (int us = 1; us <= 333; ++us) {
    CHECK(limiter.view(after(std::chrono::microseconds{us}), 1).reading.room == 0);
  }
  CHECK(limiter.view(after(nanoseconds{333'334}), 1).reading.room == 1);
  CHECK(limiter.view(after(nanoseconds{999'999}), 1).reading.room == 2);
  CHECK(limiter.view(after(milliseconds{1}), 1).reading.room == 3);
}

TEST_CASE("the largest limit of a month overflows nothing, even after years") {
  for (const LimitAlgorithm algorithm : all_algorithms) {
    Limiter limiter(limit(Resource::tokens, sandbox_amount_max, sandbox_window_max), by(algorithm),
                    start);
    limiter.take(start, sandbox_amount_max);
    CHECK(limiter.view(start, 1).reading.room == 0);
    CHECK(limiter.view(start, INT64_MAX).never_fits());
    CHECK(limiter.view(after(100 * sandbox_window_max), 1).reading.room == sandbox_amount_max);
  }
}

TEST_CASE("a correction gives back what was not used, and takes what was used beyond") {
  for (const LimitAlgorithm algorithm : all_algorithms) {
    CAPTURE(static_cast<int>(algorithm));
    Limiter limiter(limit(Resource::tokens, 100, seconds{10}), by(algorithm), start);
    const Ticket first = limiter.take(start, 60);
    const Ticket second = limiter.take(start, 40);
    limiter.correct(first, start, -50);
    CHECK(limiter.view(start, 1).reading.room == 50);
    limiter.correct(second, start, 80);
    CHECK(limiter.view(start, 1).reading.room == -30);
    CHECK_FALSE(limiter.view(start, 1).fits());
    // All that counts is gone after a window; a bucket works off its debt first.
    const Duration gone = algorithm == LimitAlgorithm::bucket ? seconds{13} : seconds{10};
    CHECK_FALSE(limiter.view(after(gone - nanoseconds{1}), 100).fits());
    CHECK(limiter.view(after(gone), 100).fits());
    // Neither fixed windows nor logs change for what they have forgotten.
    if (algorithm == LimitAlgorithm::bucket) continue;
    limiter.correct(first, after(gone), 7);
    CHECK(limiter.view(after(gone), 1).reading.room == 100);
  }
}

TEST_CASE("a bucket is never more than full after a correction") {
  Limiter limiter(limit(Resource::tokens, 100, seconds{10}), by(LimitAlgorithm::bucket), start);
  const Ticket ticket = limiter.take(start, 60);
  limiter.correct(ticket, after(seconds{5}), -60);
  CHECK(limiter.view(after(seconds{5}), 1).reading.room == 100);
}

TEST_CASE("a long sliding log stays small, and never grants more than its amount") {
  Limiter log(limit(Resource::requests, 1'000'000, sandbox_window_max), by(LimitAlgorithm::sliding),
              start);
  Duration at{};
  Ticket last = 0;
  for (int i = 0; i < 300'000; ++i) {
    at += milliseconds{1};
    last = log.take(after(at), 1);
  }
  // Some 65,536 entries of their own, and one for each 41 s of the remaining four minutes.
  CHECK(last <= sliding_log_entries + 8);
  CHECK(log.view(after(at), 1).reading.room == 700'000);
  // What was joined counts as long as the last of it.
  const Duration joined = seconds{301} + sandbox_window_max;
  CHECK(log.view(after(milliseconds{60'000} + sandbox_window_max), 1).reading.room == 760'000);
  CHECK(log.view(after(joined), 1).reading.room == 1'000'000);
}

Limit daily(std::int64_t amount, Duration time_of_day) {
  Limit limited = limit(Resource::requests, amount, hours{24});
  limited.reset = {.kind = Reset::Kind::daily, .time_of_day = time_of_day};
  return limited;
}

TEST_CASE("a day with a known reset ends there, whatever the algorithm") {
  // 1,700,000,000 is 2023-11-14T22:13:20Z: 1 h 46 min 40 s before midnight.
  const Duration to_midnight = hours{1} + minutes{46} + seconds{40};
  for (const LimitAlgorithm algorithm : all_algorithms) {
    Limiter limiter(daily(2, {}), by(algorithm), start);
    limiter.take(start, 2);
    CHECK(limiter.view(start, 1).reading == Reading{0, to_midnight, to_midnight});
    CHECK_FALSE(limiter.view(after(to_midnight - nanoseconds{1}), 1).fits());
    CHECK(limiter.view(after(to_midnight), 2).fits());
    limiter.take(after(to_midnight), 1);
    CHECK(limiter.view(after(to_midnight), 2).reading.wait == hours{24});
  }
}

TEST_CASE("a day in Los Angeles lasts 25 hours when summer time ends there") {
  const auto zone = TimeZone::find("America/Los_Angeles");
  REQUIRE(zone.has_value());
  Limit limited = daily(1, {});
  limited.reset.zone = *zone;
  // 2026-11-01T07:00:00Z is midnight in Los Angeles of the day on which clocks are set back.
  const Now midnight{{0}, {1'793'516'400'000'000'000}};
  Limiter limiter(limited, {}, midnight);
  const Ticket ticket = limiter.take(midnight, 1);
  CHECK(limiter.view(midnight, 1).reading.wait == hours{25});
  limiter.correct(ticket, midnight, 4);
  CHECK(limiter.view(midnight, 1).reading.room == -4);
  const Now next{{1}, midnight.wall + hours{25}};
  CHECK(limiter.view(next, 1).reading.room == 1);
  limiter.correct(ticket, next, 4);
  CHECK(limiter.view(next, 1).reading.room == 1);
}

TEST_CASE("a month with a known day ends on that day") {
  Limit limited = limit(Resource::characters, 10'000, month_window);
  limited.reset = {.kind = Reset::Kind::monthly, .day_of_month = 15};
  Limiter limiter(limited, {}, start);
  limiter.take(start, 10'000);
  CHECK(limiter.view(start, 1).reading.wait == hours{1} + minutes{46} + seconds{40});
}

TEST_CASE("a compressed day ends at multiples of it, and is still called a day") {
  SandboxOptions options;
  options.day = seconds{60};
  Limiter limiter(daily(2, hours{7}), options, start);
  run(limiter, {{50'000, 2, true, 0, 10'000, 10'000},
                {59'999, 1, false, 0, 1, 1},
                {60'000, 2, true, 0, 60'000, 60'000},
                {200'000, 1, true, 1, 0, 40'000}});
  CHECK(limiter.terms().window == hours{24});

  Limit month = limit(Resource::requests, 2, month_window);
  month.reset = {.kind = Reset::Kind::monthly};
  Limiter monthly(month, options, start);
  monthly.take(start, 2);
  CHECK(monthly.view(start, 1).reading.wait == minutes{31});
}

TEST_CASE("a rolling day that is compressed rolls, in the way of its algorithm") {
  SandboxOptions options;
  options.day = seconds{60};
  Limiter limiter(limit(Resource::requests, 2, hours{24}), options, start);
  run(limiter, {{50'000, 2, true, 0, 60'000, 60'000},
                {109'999, 1, false, 0, 1, 1},
                {110'000, 1, true, 1, 0, 60'000}});
  options.algorithm = LimitAlgorithm::bucket;
  Limiter bucket(limit(Resource::requests, 2, hours{24}), options, start);
  run(bucket, {{0, 2, true, 0, 30'000, 60'000}});
}

TEST_CASE("a compressed minute is the length that its words tell") {
  SandboxOptions options;
  options.minute = seconds{1};
  Limiter minute(limit(Resource::requests, 1, minutes{1}), options, start);
  run(minute, {{0, 1, true, 0, 1000, 1000}, {1000, 1, true, 0, 1000, 1000}});
  CHECK(minute.terms().window == seconds{1});
  Limiter other(limit(Resource::requests, 1, seconds{10}), options, start);
  run(other, {{0, 1, true, 0, 10'000, 10'000}});
}

}  // namespace
}  // namespace ratebatch::sandbox_limiter_test
