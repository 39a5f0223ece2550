#include "ratebatch/quota/learned_rate.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ratebatch::learned_rate_test {

using namespace quota;

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant start{1'000'000'000'000};

Instant at_ms(std::int64_t ms) { return start + milliseconds{ms}; }

Now both(Instant steady) {
  return {steady, WallTime{1'800'000'000'000'000'000} + (steady - start)};
}

// Admitted one after the other, each 100 ms long, from `start` on.
LearnedRate after_successes(std::int64_t count) {
  LearnedRate rate;
  for (std::int64_t i = 0; i < count; ++i) {
    rate.take(at_ms(100 * i));
    rate.succeeded(at_ms(100 * i + 100), at_ms(100 * i));
  }
  return rate;
}

TEST_CASE("nothing is bounded before the first refusal") {
  LearnedRate rate;
  CHECK(!rate.active());
  for (int i = 0; i < 1000; ++i) {
    CHECK(rate.earliest(start) == start);
    rate.take(start);
  }
  for (int i = 0; i < 1000; ++i) rate.succeeded(at_ms(100), start);
  CHECK(!rate.active());
  CHECK(!rate.interval());
  CHECK(rate.store(both(at_ms(100))).empty());
}

TEST_CASE("the first refusal sets the rate to what was admitted, less a share") {
  LearnedRate rate = after_successes(100);
  CHECK(rate.refused(at_ms(10'000), at_ms(9'900)) == seconds{1});
  CHECK(rate.active());
  REQUIRE(rate.interval());
  CHECK(*rate.interval() == Duration{105'263'157});  // 100 ms / 0.95.
  CHECK(rate.earliest(at_ms(10'000)) == at_ms(11'000));
}

TEST_CASE("a first request that is refused gives a rate as well") {
  LearnedRate rate;
  rate.take(start);
  CHECK(rate.refused(at_ms(50), start) == seconds{1});
  REQUIRE(rate.interval());
  CHECK(*rate.interval() > seconds{1});
  CHECK(*rate.interval() < seconds{2});
}

TEST_CASE("waits double from probe to probe up to a minute, with one cut") {
  LearnedRate rate = after_successes(100);
  Instant now = at_ms(10'000);
  CHECK(rate.refused(now, at_ms(9'900)) == seconds{1});
  const auto interval = rate.interval();
  for (const std::int64_t wait : {2, 4, 8, 16, 32, 60, 60}) {
    const Instant probe = rate.earliest(now);
    CHECK(probe > now);
    rate.take(probe);
    // Until its answer is there, no other one leaves.
    CHECK(rate.earliest(probe) >= probe + seconds{1});
    now = probe + milliseconds{100};
    CHECK(rate.refused(now, probe) == seconds{wait});
    CHECK(rate.earliest(now) == now + seconds{wait});
  }
  CHECK(rate.interval() == interval);
}

TEST_CASE("what was in flight when an episode began changes nothing") {
  LearnedRate rate = after_successes(100);
  CHECK(rate.refused(at_ms(10'000), at_ms(9'900)) == seconds{1});
  const auto interval = rate.interval();
  // Started before the first refusal came: neither cuts nor doubles, nor ends the episode.
  CHECK(rate.refused(at_ms(10'400), at_ms(9'999)) == milliseconds{600});
  rate.succeeded(at_ms(10'500), at_ms(9'950));
  CHECK(rate.earliest(at_ms(10'500)) == at_ms(11'000));
  CHECK(rate.refused(at_ms(11'200), at_ms(9'990)) == Duration{});
  CHECK(rate.refused(at_ms(11'200), at_ms(10'000)) == Duration{});
  // A probe does.
  rate.take(at_ms(11'200));
  CHECK(rate.refused(at_ms(11'300), at_ms(11'200)) == seconds{2});
  CHECK(rate.interval() == interval);
  // After the episode its stragglers still belong to it.
  rate.take(at_ms(13'300));
  rate.succeeded(at_ms(13'400), at_ms(13'300));
  rate.refused(at_ms(13'450), at_ms(13'350));
  CHECK(rate.interval() == interval);
  // What starts after it begins the next one.
  CHECK(rate.refused(at_ms(13'600), at_ms(13'500)) == seconds{1});
  CHECK(*rate.interval() > *interval);
}

TEST_CASE("a refusal soon after the first sets the rate to what was admitted between them") {
  LearnedRate rate = after_successes(100);
  rate.refused(at_ms(10'000), at_ms(9'900));
  for (std::int64_t ms = 11'000; ms < 20'000; ms += 125) {  // 72 in 10 s.
    rate.take(at_ms(ms));
    rate.succeeded(at_ms(ms + 100), at_ms(ms));
  }
  rate.take(at_ms(19'990));
  CHECK(rate.refused(at_ms(20'000), at_ms(19'990)) == seconds{1});
  CHECK(*rate.interval() == Duration{seconds{10}} / 72 * 1000 / 900);
}

TEST_CASE("a window that opened while nothing was to be sent is not taken for longer") {
  LearnedRate rate = after_successes(100);
  Instant now = at_ms(10'000);
  rate.refused(now, at_ms(9'900));
  for (int probe = 0; probe < 3; ++probe) {
    now = rate.earliest(now);
    rate.take(now);
    rate.refused(now, now);
  }
  CHECK(now == at_ms(17'000));
  rate.take(at_ms(7'200'000));
  rate.succeeded(at_ms(7'200'100), at_ms(7'200'000));
  // The next probe would have been sent at 25 s.
  CHECK(*rate.interval() == Duration{seconds{25}} / 101 * 1000 / 950);
}

TEST_CASE("a start that came late lets its successor keep the schedule, and no more") {
  LearnedRate rate = after_successes(100);
  rate.refused(at_ms(10'000), at_ms(9'900));
  rate.take(at_ms(11'000));
  rate.succeeded(at_ms(11'100), at_ms(11'000));
  const Duration interval = *rate.interval();
  const Instant due = rate.earliest(at_ms(11'100));
  CHECK(due == at_ms(11'100) + interval);
  rate.take(due + milliseconds{10});
  CHECK(rate.earliest(due + milliseconds{10}) == due + interval);
  // After a rest: one at once, then evenly.
  const Instant rested = due + minutes{10};
  rate.take(rested);
  CHECK(rate.earliest(rested) == rested);
  rate.take(rested);
  CHECK(rate.earliest(rested) == rested + interval);
}

TEST_CASE("a limit of an hour is waited for, a probe a minute") {
  // 100 requests an hour, as a log that counts 60 times as long: the test's minute is the hour.
  LearnedRate rate;
  Instant now = start;
  for (int i = 0; i < 100; ++i) {
    rate.take(now);
    now = now + milliseconds{100};
    rate.succeeded(now, now - milliseconds{100});
  }
  std::int64_t probes = 0;
  const Instant reset = start + minutes{60};
  while (now < reset) {
    now = rate.earliest(now);
    rate.take(now);
    rate.refused(now + milliseconds{100}, now);
    ++probes;
  }
  CHECK(probes <= 70);
  now = rate.earliest(now);
  rate.take(now);
  rate.succeeded(now + milliseconds{100}, now);
  REQUIRE(rate.interval());
  // 101 in 61 minutes.
  CHECK(*rate.interval() > seconds{30});
  CHECK(*rate.interval() <= seconds{60});
}

TEST_CASE("a rate that nobody uses does not grow") {
  LearnedRate rate = after_successes(100);
  rate.refused(at_ms(10'000), at_ms(9'900));
  const auto interval = rate.interval();
  for (std::int64_t s = 20; s < 3'600; s += 10) {
    rate.take(at_ms(s * 1000));
    rate.succeeded(at_ms(s * 1000 + 100), at_ms(s * 1000));
  }
  CHECK(rate.interval() == interval);
}

TEST_CASE("a day without a refusal forgets the rate") {
  LearnedRate rate = after_successes(100);
  const Instant refused = at_ms(10'000);
  rate.refused(refused, at_ms(9'900));
  const Instant day_later = refused + std::chrono::hours{24};
  rate.take(day_later - Duration{1});
  CHECK(rate.earliest(day_later - Duration{1}) > day_later);
  CHECK(!rate.store(both(day_later - Duration{1})).empty());
  CHECK(rate.earliest(day_later) == day_later);
  CHECK(rate.store(both(day_later)).empty());
  rate.take(day_later);
  CHECK(!rate.active());
}

TEST_CASE("what is forgotten in the midst of an episode is learned anew") {
  LearnedRate rate = after_successes(100);
  rate.refused(at_ms(10'000), at_ms(9'900));
  const Instant later = at_ms(10'000) + std::chrono::hours{25};
  CHECK(rate.refused(later, later - milliseconds{100}) == seconds{1});
  CHECK(rate.active());
  CHECK(rate.earliest(later) == later + seconds{1});
}

TEST_CASE("a stray refusal of a lane that was idle costs half the rate at most") {
  LearnedRate rate = after_successes(600);
  rate.refused(at_ms(60'000), at_ms(59'900));
  const Duration interval = *rate.interval();
  rate.take(at_ms(61'000));
  rate.succeeded(at_ms(61'100), at_ms(61'000));
  Instant now = at_ms(60'000) + std::chrono::hours{12};
  for (int probe = 0; probe < 5; ++probe) {
    now = rate.earliest(now);
    rate.take(now);
    rate.refused(now, now);
  }
  now = rate.earliest(now);
  rate.take(now);
  rate.succeeded(now, now);
  CHECK(*rate.interval() == interval * 2 * 1000 / 950);
}

TEST_CASE("rate, wait and the time of the refusal survive a restart") {
  LearnedRate rate = after_successes(100);
  rate.refused(at_ms(10'000), at_ms(9'900));
  rate.take(at_ms(11'000));
  rate.refused(at_ms(11'000), at_ms(11'000));
  const std::string stored = rate.store(both(at_ms(11'000)));
  // The machine was started anew: its steady clock began at zero.
  const auto later = [](Duration d) { return Now{Instant{} + d, both(at_ms(11'000) + d).wall}; };
  LearnedRate restored;
  CHECK(restored.restore(later(seconds{1}), stored));
  CHECK(restored.interval() == rate.interval());
  CHECK(restored.earliest(Instant{} + seconds{1}) == Instant{} + seconds{2});
  CHECK(restored.store(later(seconds{1})) == stored);
  // The probe after it goes on doubling.
  restored.take(Instant{} + seconds{2});
  CHECK(restored.refused(Instant{} + seconds{2}, Instant{} + seconds{2}) == seconds{4});
  CHECK(restored.interval() == rate.interval());

  LearnedRate too_late;
  CHECK(too_late.restore(later(std::chrono::hours{24}), stored));
  CHECK(!too_late.active());

  // The wall clock was set back: a minute is waited at most.
  LearnedRate set_back;
  CHECK(set_back.restore(later(-std::chrono::hours{100}), stored));
  const Instant now = Instant{} - std::chrono::hours{100};
  CHECK(set_back.active());
  CHECK(set_back.earliest(now) <= now + minutes{1});
}

TEST_CASE("a run that was just restarted does not unlearn by its first refusal") {
  LearnedRate rate = after_successes(600);
  rate.refused(at_ms(60'000), at_ms(59'900));
  LearnedRate restored;
  REQUIRE(restored.restore(both(at_ms(70'000)), rate.store(both(at_ms(60'000)))));
  // The wait was over: in the midst of an episode, this one is a probe.
  restored.take(at_ms(70'000));
  CHECK(restored.refused(at_ms(70'100), at_ms(70'000)) == seconds{2});
  restored.take(at_ms(72'100));
  restored.succeeded(at_ms(72'200), at_ms(72'100));
  CHECK(restored.interval() == rate.interval());
  // A new episode cuts by the share only.
  restored.take(at_ms(72'400));
  restored.refused(at_ms(72'500), at_ms(72'400));
  CHECK(*restored.interval() == *rate.interval() * 1000 / 950);
}

TEST_CASE("a stored text that is not understood changes nothing") {
  for (const char* text :
       {"1", "1 100000000 5 5", "2 100000000 5 5 0", "1 100000000 5 5 0 0", "1 0 5 5 0",
        "1 60000000001 5 5 0", "1 100000000 5 5 60001", "1 100000000 5 5 -1", "1 100000000 5 5 x",
        "1 100000000  5 5 0", "x", "1 100000000 5 5 99999999999999999999"}) {
    CAPTURE(text);
    LearnedRate rate;
    CHECK(!rate.restore(both(start), text));
    CHECK(!rate.active());
  }
  LearnedRate rate;
  CHECK(rate.restore(both(start), ""));
  CHECK(rate.restore(both(start), "1 100000000 9223372036854775807 -9223372036854775808 60000"));
  CHECK(rate.earliest(start) == start);
}

}  // namespace
}  // namespace ratebatch::learned_rate_test
