#include "ratebatch/quota/short_limit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/base/random.hpp"

namespace ratebatch::short_limit_test {

using namespace quota;

namespace {

constexpr std::int32_t slow_at = 950;

Instant at_ms(std::int64_t ms) {
  return Instant{100'000'000'000'000} + std::chrono::milliseconds{ms};
}
Now now_ms(std::int64_t ms) { return {at_ms(ms), wall_from_ms(1'780'000'000'000 + ms)}; }

Limit limit_of(std::int64_t amount, Duration window, Shape shape = Shape::paced) {
  Limit limit;
  limit.name = "rpm";
  limit.amount = amount;
  limit.window = window;
  limit.shape = shape;
  return limit;
}

LimitFact remaining(std::int64_t n, std::optional<std::int64_t> limit = {}) {
  LimitFact fact;
  fact.remaining = n;
  fact.limit = limit;
  return fact;
}

// A request that starts, leaves and is answered at once.
void pass(ShortLimit& limit, Instant now, std::int64_t cost = 1) {
  ShortTicket ticket = limit.take(now, cost);
  limit.sent(ticket, now);
  limit.settle(ticket, now, cost, true);
}

// How many may start at `now` without an answer in between.
int starts_at(ShortLimit& limit, Instant now, int most = 2000) {
  int count = 0;
  while (count < most && limit.earliest(now, 1) == now) {
    ShortTicket ticket = limit.take(now, 1);
    limit.sent(ticket, now);
    ++count;
  }
  return count;
}

// Teaches `limit` what remains, by a reply to a request of its own.
ShortTicket told(ShortLimit& limit, Instant now, const LimitFact& fact) {
  ShortTicket ticket = limit.take(now, 1);
  limit.sent(ticket, now);
  limit.settle(ticket, now, 1, true);
  limit.learn(ticket, now, fact, slow_at);
  return ticket;
}

TEST_CASE("the shape window starts up to the amount at once, and no more until they leave") {
  ShortLimit limit{limit_of(50, std::chrono::seconds{10}, Shape::window)};
  CHECK(starts_at(limit, at_ms(0)) == 50);
  CHECK(limit.used(at_ms(0)) == 50);
  CHECK(limit.threshold() == 50);
  const Instant next = limit.earliest(at_ms(0), 1);
  CHECK(next >= at_ms(11'000));
  CHECK(next <= at_ms(11'011));
  CHECK(limit.frees_at(at_ms(0)) == next);
}

TEST_CASE("the shape window lets a cost of more than the amount go alone, into an empty window") {
  ShortLimit limit{limit_of(10, std::chrono::seconds{1}, Shape::window)};
  CHECK(limit.earliest(at_ms(0), 11) == at_ms(0));
  pass(limit, at_ms(0));
  CHECK(limit.earliest(at_ms(0), 9) == at_ms(0));
  CHECK(limit.earliest(at_ms(0), 10) >= at_ms(1000));
  CHECK(limit.earliest(at_ms(0), 11) >= at_ms(1000));
}

TEST_CASE("what replies say remains may start ahead of schedule, in bursts that double") {
  ShortLimit limit{limit_of(100, std::chrono::seconds{60})};
  told(limit, at_ms(0), remaining(80, 100));
  // The most that was under way at once was 1.
  // Twice that, and what the pace allows.
  const int started = starts_at(limit, at_ms(1));
  CHECK(started >= 2);
  CHECK(started <= 3);
  CHECK(limit.earliest(at_ms(1), 1) > at_ms(1));
}

TEST_CASE("a burst that passed allows twice as many, one that was refused half") {
  ShortLimit limit{limit_of(100, std::chrono::seconds{60})};
  told(limit, at_ms(0), remaining(99, 100));
  std::int64_t burst = 2;
  std::int64_t used = 1;
  Instant now = at_ms(1);
  while (burst <= 16) {
    CAPTURE(burst);
    std::vector<ShortTicket> tickets;
    while (limit.earliest(now, 1) == now) {
      tickets.push_back(limit.take(now, 1));
      limit.sent(tickets.back(), now);
    }
    CHECK(std::ssize(tickets) >= burst);
    CHECK(std::ssize(tickets) < 2 * burst);
    used += std::ssize(tickets);
    now = now + std::chrono::milliseconds{1};
    for (const ShortTicket& ticket : tickets) {
      limit.settle(ticket, now, 1, true);
      limit.learn(ticket, now, remaining(100 - used, 100), slow_at);
    }
    burst *= 2;
  }
}

TEST_CASE("no credit starts more than the amount in any window by our own log") {
  ShortLimit limit{limit_of(10, std::chrono::seconds{60})};
  Instant now = at_ms(0);
  int started = 0;
  for (int i = 0; i < 200; ++i, now = now + std::chrono::milliseconds{10}) {
    if (limit.earliest(now, 1) != now) continue;
    told(limit, now, remaining(1000, 10));
    ++started;
  }
  CHECK(started == 10);
}

TEST_CASE("where the server says that nothing remains, at most the paced burst starts") {
  // 10,000 a minute by 990: bursts of 99.
  ShortLimit limit{limit_of(10'000, std::chrono::seconds{60})};
  told(limit, at_ms(0), remaining(0, 10'000));
  CHECK(starts_at(limit, at_ms(1)) <= 99);
}

TEST_CASE("a burst by what remains and the paced burst are all that starts at once") {
  ShortLimit limit{limit_of(10'000, std::chrono::seconds{60})};
  told(limit, at_ms(0), remaining(9'990, 10'000));
  CHECK(starts_at(limit, at_ms(1)) <= 2 + 99);
}

TEST_CASE("a reply older than the last applied may only lower what remains") {
  constexpr std::int32_t never_slow = 1001;
  ShortLimit limit{limit_of(100, std::chrono::seconds{60})};
  ShortTicket older = limit.take(at_ms(0), 1);
  limit.sent(older, at_ms(0));
  const Instant then = limit.earliest(at_ms(700), 1);
  ShortTicket newer = limit.take(then, 1);
  limit.sent(newer, then);
  limit.settle(newer, then, 1, true);
  // One of them is under way.
  limit.learn(newer, then, remaining(2, 100), never_slow);
  limit.settle(older, then, 1, true);
  limit.learn(older, then, remaining(90, 100), never_slow);
  CHECK(starts_at(limit, then) == 1);
  ShortLimit other{limit_of(100, std::chrono::seconds{60})};
  older = other.take(at_ms(0), 1);
  other.sent(older, at_ms(0));
  newer = other.take(then, 1);
  other.sent(newer, then);
  other.settle(newer, then, 1, true);
  other.learn(newer, then, remaining(90, 100), never_slow);
  other.settle(older, then, 1, true);
  other.learn(older, then, remaining(0, 100), never_slow);
  CHECK(starts_at(other, then) == 0);
}

TEST_CASE("an announced amount holds, but never above the configured one") {
  for (const std::int64_t announced : {10, 99, 100, 101, 100'000}) {
    CAPTURE(announced);
    ShortLimit limit{limit_of(100, std::chrono::seconds{100}, Shape::window)};
    LimitFact fact;
    fact.limit = announced;
    told(limit, at_ms(0), fact);
    CHECK(1 + starts_at(limit, at_ms(0)) == std::min<std::int64_t>(100, announced));
  }
}

TEST_CASE("a refusal that our count does not explain takes 5 %, once per round trip") {
  ShortLimit limit{limit_of(100, std::chrono::seconds{10}, Shape::window)};
  ShortTicket first = limit.take(at_ms(0), 1);
  ShortTicket second = limit.take(at_ms(0), 1);
  for (const ShortTicket& ticket : {first, second}) {
    limit.settle(ticket, at_ms(100), 1, false);
    limit.refused(ticket, at_ms(100));
  }
  CHECK(limit.slowed());
  CHECK(starts_at(limit, at_ms(20'000)) == 95);
}

TEST_CASE("what was learned comes back by 1 % per clean window, and after a day at once") {
  ShortLimit limit{limit_of(1000, std::chrono::seconds{10}, Shape::window)};
  const ShortTicket ticket = limit.take(at_ms(0), 1);
  limit.settle(ticket, at_ms(100), 1, false);
  limit.refused(ticket, at_ms(100));
  // Half a window later nothing is proven yet.
  pass(limit, at_ms(5'000));
  ShortLimit copy = limit;
  CHECK(starts_at(copy, at_ms(40'000), 5000) == 950);
  pass(limit, at_ms(10'100));
  copy = limit;
  CHECK(starts_at(copy, at_ms(40'000), 5000) == 960);
  for (int i = 2; i <= 5; ++i) pass(limit, at_ms(100 + i * 10'000));
  CHECK_FALSE(limit.slowed());
  ShortLimit later{limit_of(1000, std::chrono::seconds{10}, Shape::window)};
  const ShortTicket other = later.take(at_ms(0), 1);
  later.settle(other, at_ms(100), 1, false);
  for (int i = 0; i < 40; ++i)
    later.refused(later.take(at_ms(i * 9000 + 8000), 1), at_ms(i * 9000 + 8500));
  pass(later, at_ms(86'400'000 + 400'000));
  CHECK_FALSE(later.slowed());
}

TEST_CASE("however many refusals come, something may start") {
  ShortLimit limit{limit_of(2, std::chrono::seconds{1}, Shape::window)};
  Instant now = at_ms(0);
  for (int i = 0; i < 200; ++i) {
    now = limit.earliest(now, 1);
    const ShortTicket ticket = limit.take(now, 1);
    now = now + std::chrono::milliseconds{5};
    limit.settle(ticket, now, 1, false);
    limit.refused(ticket, now);
    now = now + std::chrono::milliseconds{1};
  }
  CHECK(limit.earliest(now, 1) - now <= std::chrono::seconds{3});
}

TEST_CASE("what others use is left to them from 95 % of the server's count, not before") {
  struct Row {
    std::int64_t remains;
    bool slowed;
  };
  constexpr Row rows[] = {{540, false}, {300, false}, {31, false},
                          {30, true},   {29, true},   {0, true}};
  for (const Row& row : rows) {
    CAPTURE(row.remains);
    ShortLimit limit{limit_of(600, std::chrono::seconds{60})};
    told(limit, at_ms(0), remaining(row.remains, 600));
    CHECK(limit.slowed() == row.slowed);
    if (!row.slowed) continue;
    pass(limit, limit.earliest(at_ms(59'999), 1));
    pass(limit, limit.earliest(at_ms(120'000), 1));
    CHECK_FALSE(limit.slowed());
  }
}

TEST_CASE("no window holds more tokens than the limit, whatever jobs cost") {
  for (const Shape shape : {Shape::paced, Shape::window}) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      CAPTURE(seed);
      Rng rng{seed};
      const std::int64_t amount = rng.between(1000, 200'000);
      Limit tpm = limit_of(amount, std::chrono::minutes{1}, shape);
      tpm.resource = Resource::tokens;
      ShortLimit limit{tpm};
      const std::int64_t cost_max = rng.between(1, amount / 3);
      std::vector<std::pair<Instant, std::int64_t>> sent;
      Instant now = at_ms(0);
      std::size_t first = 0;
      std::int64_t sum = 0;
      for (int i = 0; i < 400; ++i) {
        const std::int64_t cost = i % 3 == 0 ? cost_max : rng.between(1, cost_max);
        now = limit.earliest(now, cost);
        pass(limit, now, cost);
        sent.emplace_back(now, cost);
        sum += cost;
        while (now - sent[first].first >= tpm.window) sum -= sent[first++].second;
        REQUIRE(sum <= amount);
      }
    }
  }
}

TEST_CASE("a slice of a second gets no fresh burst: the state survives restarts") {
  for (const Shape shape : {Shape::paced, Shape::window}) {
    const Limit limit = limit_of(10, std::chrono::seconds{60}, shape);
    std::string stored;
    int started = 0;
    for (std::int64_t second = 0; second < 60; ++second) {
      ShortLimit slice{limit};
      // Each slice is another process, after another boot.
      const Now now{{second * 1'000 + 5}, now_ms(second * 1000).wall};
      if (!stored.empty()) REQUIRE(slice.restore(now, stored));
      started += starts_at(slice, now.steady);
      stored = slice.store(now);
    }
    CHECK(started <= 10);
    CHECK(started >= 9);
  }
}

TEST_CASE("slices that follow each other do not keep what has left the window") {
  const Limit limit = limit_of(100, std::chrono::seconds{10});
  ShortLimit first{limit};
  pass(first, at_ms(0));
  std::string stored = first.store(now_ms(0));
  for (int slice = 1; slice <= 11; ++slice) {
    ShortLimit next{limit};
    REQUIRE(next.restore(now_ms(slice * 1000), stored));
    stored = next.store(now_ms(slice * 1000));
    CHECK(next.used(at_ms(slice * 1000)) == (slice < 10 ? 1 : 0));
  }
}

TEST_CASE("what was learned survives restarts, and a changed shape finds no nonsense") {
  ShortLimit limit{limit_of(1000, std::chrono::seconds{10}, Shape::window)};
  const ShortTicket ticket = limit.take(at_ms(0), 1);
  limit.settle(ticket, at_ms(100), 1, false);
  limit.refused(ticket, at_ms(100));
  const std::string stored = limit.store(now_ms(200));
  ShortLimit next{limit_of(1000, std::chrono::seconds{10}, Shape::window)};
  REQUIRE(next.restore(now_ms(300), stored));
  CHECK(next.slowed());
  ShortLimit a_day_later{limit_of(1000, std::chrono::seconds{10}, Shape::window)};
  REQUIRE(a_day_later.restore(now_ms(86'400'100), stored));
  CHECK_FALSE(a_day_later.slowed());

  ShortLimit paced{limit_of(20, std::chrono::seconds{60})};
  pass(paced, at_ms(0));
  ShortLimit as_window{limit_of(20, std::chrono::seconds{60}, Shape::window)};
  REQUIRE(as_window.restore(now_ms(100), paced.store(now_ms(100))));
  CHECK(as_window.earliest(at_ms(100), 1) == at_ms(100));
  for (const char* bad : {"", "1", "1 2 3 4", "2 0 1000 0 0", "x"}) {
    CAPTURE(bad);
    CHECK_FALSE(as_window.restore(now_ms(100), bad));
  }
}

}  // namespace
}  // namespace ratebatch::short_limit_test
