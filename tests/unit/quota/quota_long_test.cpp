// Long windows, tokens and money, as the monitor applies them to starts.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "support/quota_support.hpp"

namespace ratebatch::quota_long_test {

using namespace quota;
using namespace quota_support;

namespace {

LimitFact violated(Resource resource, std::optional<Duration> window) {
  LimitFact fact;
  fact.resource = resource;
  fact.window = window;
  fact.violated = true;
  return fact;
}

TEST_CASE("no request starts above the threshold, reservations included, until the reset") {
  for (const std::int32_t share : {1, 500, 800, 990, 1000}) {
    for (const std::int64_t amount : {1, 2, 10, 57}) {
      CAPTURE(share);
      CAPTURE(amount);
      Lanes lanes = two_lanes();
      lanes.lanes[0].limits.windows.push_back(rpd(amount));
      lanes.lanes[0].limits.windows.back().pause_at_per_mille = share;
      const std::int64_t most = std::max<std::int64_t>(1, amount * share / 1000);
      QuotaMonitor monitor = monitor_of(lanes);
      std::vector<Reservation> held;
      for (std::int64_t i = 0; i < most; ++i) held.push_back(reserved(monitor, at_s(i), text));
      const Refusal refusal = refused(monitor, at_s(100), text);
      CHECK(refusal.cause == Refusal::Cause::pause);
      CHECK(refusal.limit == "rpd");
      // 00:00 UTC is 18 hours on; a second is kept after it.
      CHECK(refusal.earliest == at_s(18 * 3600 + 1).steady);
      for (const Reservation& r : held) settled(monitor, at_s(200), r, done());
      CHECK(refused(monitor, at_s(18 * 3600), text).cause == Refusal::Cause::pause);
      reserved(monitor, at_s(18 * 3600 + 1), text);
    }
  }
}

TEST_CASE("failed and refused requests count as requests, those that could not be made do not") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(rpd(100));
  QuotaMonitor monitor = monitor_of(lanes);
  for (const OutcomeClass kind : {OutcomeClass::server_error, OutcomeClass::network,
                                  OutcomeClass::invalid_request, OutcomeClass::unknown}) {
    Outcome outcome;
    outcome.kind = kind;
    outcome.http_status = kind == OutcomeClass::server_error ? 500 : 0;
    settled(monitor, at_s(1), reserved(monitor, at_s(0), text), outcome);
  }
  monitor.release(at_s(1), reserved(monitor, at_s(0), text).id);
  CHECK(monitor.view(at_s(2), text).limits.at(0).used == 4);
  Outcome unmade;
  unmade.kind = OutcomeClass::invalid_request;
  unmade.sent = false;
  const Reservation reservation = reserved(monitor, at_s(3), text);
  monitor.sent(at_s(3), reservation.id);
  CHECK(settled(monitor, at_s(4), reservation, unmade).cost_pico_usd == 0);
  CHECK(monitor.view(at_s(5), text).limits.at(0).used == 4);
}

TEST_CASE("requests that never left take no room in a short window") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(
      limit_of("rpm", Resource::requests, 5, std::chrono::minutes{1}));
  lanes.lanes[0].limits.windows.back().shape = Shape::window;
  QuotaMonitor monitor = monitor_of(lanes);
  Outcome unsent;
  unsent.sent = false;
  SUBCASE("no request could be made") { unsent.kind = OutcomeClass::invalid_request; }
  SUBCASE("our own disk failed") {
    unsent.kind = OutcomeClass::network;
    unsent.local = true;
  }
  for (std::int64_t i = 0; i < 20; ++i) {
    const Reservation reservation = reserved(monitor, at_ms(i), text);
    monitor.sent(at_ms(i + 1), reservation.id);
    settled(monitor, at_ms(i + 2), reservation, unsent);
  }
  reserved(monitor, at_ms(30), text);
}

TEST_CASE("usage and imposed waits survive restarts, and a restart never lowers or resets them") {
  Lanes lanes = two_lanes(true);
  lanes.lanes[0].limits.windows.push_back(rpd(10));
  lanes.pools[0].limits.windows.push_back(rpd(30, Reset::Kind::rolling));
  std::vector<StoredState> stored;
  const auto keep = [&](std::vector<StoredState> changes) {
    for (StoredState& change : changes) {
      std::erase_if(stored, [&](const StoredState& s) {
        return s.scope == change.scope && s.item == change.item;
      });
      if (!change.value.empty()) stored.push_back(std::move(change));
    }
  };
  int started = 0;
  for (std::int64_t run = 0; run < 40; ++run) {
    const Now now = at_s(run * 10);
    QuotaMonitor monitor = monitor_of(lanes, now, stored);
    CHECK(monitor.view(now, text).limits.at(0).used == started);
    CHECK(monitor.view(now, text).limits.at(1).used == started);
    if (may_start(monitor, now, text)) {
      reserved(monitor, now, text);
      ++started;
    }
    keep(monitor.take_changes(now));
  }
  CHECK(started == 16);
}

TEST_CASE("another threshold holds from the next run on, without waiting for a reset") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(rpd(10));
  QuotaMonitor monitor = monitor_of(lanes);
  for (int i = 0; i < 8; ++i) reserved(monitor, at_s(0), text);
  const auto stored = monitor.take_changes(at_s(0));
  for (const auto& [share, starts] : {std::pair{800, 0}, std::pair{900, 1}, std::pair{500, 0}}) {
    lanes.lanes[0].limits.windows[0].pause_at_per_mille = share;
    QuotaMonitor next = monitor_of(lanes, at_s(60), stored);
    int started = 0;
    for (; may_start(next, at_s(60), text); ++started) reserved(next, at_s(60), text);
    CHECK(started == starts);
  }
}

TEST_CASE("a quota with a known daily reset waits for it, whatever the server's delay") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(rpd(1000));
  QuotaMonitor monitor = monitor_of(lanes);
  Outcome outcome = refusal_of(OutcomeClass::quota_exhausted);
  outcome.facts.wait = std::chrono::seconds{36};
  outcome.facts.limits.push_back(violated(Resource::requests, std::chrono::hours{24}));
  const Verdict verdict = settled(monitor, at_s(10), reserved(monitor, at_s(0), text), outcome);
  CHECK(verdict.wait == std::chrono::seconds{18 * 3600 - 10 + 1});
  // Even where a person lifts the wait: it is used up, and stays so after a restart.
  monitor.lift_waits();
  CHECK(refused(monitor, at_s(60), text).cause == Refusal::Cause::pause);
  QuotaMonitor next = monitor_of(lanes, at_s(60), monitor.take_changes(at_s(60)));
  CHECK(refused(next, at_s(61), text).earliest == at_s(18 * 3600 + 1).steady);
  CHECK(may_start(next, at_s(18 * 3600 + 1), text));
}

TEST_CASE("another resource's, another window's and a rolling quota have no known reset") {
  struct Row {
    Reset::Kind kind;
    LimitFact fact;
  };
  const Row rows[] = {
      {Reset::Kind::rolling, violated(Resource::requests, std::chrono::hours{24})},
      {Reset::Kind::daily, violated(Resource::tokens, std::chrono::hours{24})},
      {Reset::Kind::daily, violated(Resource::requests, std::chrono::minutes{1})},
  };
  for (const Row& row : rows) {
    Lanes lanes = two_lanes();
    lanes.lanes[0].limits.windows.push_back(rpd(1000, row.kind));
    QuotaMonitor monitor = monitor_of(lanes);
    Outcome outcome = refusal_of(OutcomeClass::quota_exhausted);
    outcome.facts.limits.push_back(row.fact);
    const Verdict verdict = settled(monitor, at_s(10), reserved(monitor, at_s(0), text), outcome);
    CHECK(verdict.wait == std::chrono::seconds{300});
  }
}

TEST_CASE("what others used of a day's quota, by the server's count, is not used again") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(rpd(1000));
  QuotaMonitor monitor = monitor_of(lanes);
  Outcome outcome = done();
  LimitFact fact;
  fact.limit = 1000;
  fact.remaining = 201;
  fact.window = std::chrono::hours{24};
  outcome.facts.limits.push_back(fact);
  settled(monitor, at_s(1), reserved(monitor, at_s(0), text), outcome);
  CHECK(monitor.view(at_s(1), text).limits.at(0).used == 799);
  reserved(monitor, at_s(2), text);
  CHECK(refused(monitor, at_s(2), text).cause == Refusal::Cause::pause);
  // That the server counts less proves nothing.
  QuotaMonitor other = monitor_of(lanes);
  std::vector<Reservation> held;
  for (int i = 0; i < 5; ++i) held.push_back(reserved(other, at_s(0), text));
  outcome.facts.limits[0].remaining = 1000;
  settled(other, at_s(1), held[0], outcome);
  CHECK(other.view(at_s(1), text).limits.at(0).used == 5);
}

TEST_CASE("tokens are reserved by the estimate, and settled to what was used") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(
      limit_of("tpd", Resource::tokens, 10'000, std::chrono::hours{24}));
  QuotaMonitor monitor = monitor_of(lanes);
  const JobSize size{400, 900, 0, false};
  const Reservation first = reserved(monitor, at_s(0), text, size);
  CHECK(monitor.view(at_s(0), text).limits.at(0).used == 1000);
  settled(monitor, at_s(1), first, done(120, 280));
  CHECK(monitor.view(at_s(1), text).limits.at(0).used == 400);
  Outcome failed;
  failed.kind = OutcomeClass::server_error;
  failed.http_status = 500;
  settled(monitor, at_s(3), reserved(monitor, at_s(2), text, size), failed);
  CHECK(monitor.view(at_s(3), text).limits.at(0).used == 400);
  // Possibly charged: nobody knows what it used.
  failed.http_status = 0;
  failed.kind = OutcomeClass::timeout;
  settled(monitor, at_s(5), reserved(monitor, at_s(4), text, size), failed);
  CHECK(monitor.view(at_s(5), text).limits.at(0).used > 400);
}

TEST_CASE("a job that certainly costs more than a window never fits, one that might goes alone") {
  for (const TokenRule rule : {TokenRule::total, TokenRule::larger_of}) {
    for (const std::int64_t output_max : {999, 1000, 1001}) {
      CAPTURE(output_max);
      Lanes lanes = two_lanes();
      lanes.pools[0].token_rule = rule;
      lanes.lanes[0].limits.windows.push_back(
          limit_of("tpm", Resource::tokens, 1000, std::chrono::minutes{1}));
      QuotaMonitor monitor = monitor_of(lanes);
      const auto answer = asked(monitor, at_s(0), text, {400, output_max, 0, false});
      const auto* refusal = std::get_if<Refusal>(&answer);
      const bool never = rule == TokenRule::larger_of && output_max > 1000;
      REQUIRE((refusal != nullptr) == never);
      if (never) {
        CHECK(refusal->cause == Refusal::Cause::never_fits);
        CHECK(refusal->limit == "tpm");
      } else {
        CHECK(refused(monitor, at_s(0), text).cause == Refusal::Cause::window);
      }
    }
  }
}

TEST_CASE("images of one job are counted one by one") {
  Lanes lanes = two_lanes();
  lanes.lanes[1].limits.windows.push_back(
      limit_of("ipd", Resource::images, 20, std::chrono::hours{24}));
  QuotaMonitor monitor = monitor_of(lanes);
  const JobSize four{10, {}, 4, false};
  for (int i = 0; i < 4; ++i) reserved(monitor, at_s(i), image, four);
  CHECK(refused(monitor, at_s(9), image).cause == Refusal::Cause::pause);
  reserved(monitor, at_s(9), text, four);
  CHECK(refused(monitor, at_s(9), image, {10, {}, 21, false}).cause == Refusal::Cause::never_fits);
}

TEST_CASE("money: the estimate is reserved, what it cost is kept, and the budget ends the run") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].price = Price{1000, 2000, 0, 0};
  QuotaOptions options;
  options.budget.total_max_pico_usd = 3'000'000;
  options.budget.spent_pico_usd = 500'000;
  QuotaMonitor monitor = monitor_of(lanes, at_s(0), {}, options);
  const JobSize size{400, 900, 0, false};  // 100 and 900 tokens: 1,900,000.
  const Reservation first = reserved(monitor, at_s(0), text, size);
  const Refusal refusal = refused(monitor, at_s(0), text, size);
  CHECK(refusal.cause == Refusal::Cause::budget);
  CHECK_FALSE(refusal.earliest.has_value());
  CHECK(settled(monitor, at_s(1), first, done(100, 10)).cost_pico_usd == 120'000);
  reserved(monitor, at_s(2), text, size);
  CHECK(refused(monitor, at_s(2), text, size).cause == Refusal::Cause::budget);
}

TEST_CASE("a person sets, resets and lifts") {
  Lanes lanes = two_lanes(true);
  lanes.lanes[0].limits.windows.push_back(rpd(10));
  QuotaMonitor monitor = monitor_of(lanes);
  REQUIRE(monitor.set_used(at_s(0), text, {}, "rpd", 9));
  CHECK(refused(monitor, at_s(0), text).cause == Refusal::Cause::pause);
  REQUIRE(monitor.set_used(at_s(0), text, GroupId{1}, "rpd", 7));
  CHECK(reserved(monitor, at_s(0), text).key == KeyId{1});
  const Reservation other = reserved(monitor, at_s(0), image);
  settle_refused(monitor, at_s(1), other, refusal_of(OutcomeClass::quota_exhausted),
                 std::chrono::hours{24});
  refuse(monitor, at_s(1), image, other.key == KeyId{0} ? KeyId{1} : KeyId{0});
  CHECK(refused(monitor, at_s(2), image).cause == Refusal::Cause::pause);
  monitor.lift_waits();
  CHECK(may_start(monitor, at_s(2), image));
  monitor.reset(at_s(3), text, {});
  CHECK(monitor.view(at_s(3), text).limits.at(0).used == 0);
}

TEST_CASE("a reset forgets a lowered concurrency too") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.concurrency = 4;
  QuotaMonitor monitor = monitor_of(lanes);
  std::vector<Reservation> held;
  for (int i = 0; i < 4; ++i) held.push_back(reserved(monitor, at_s(0), text));
  for (const Reservation& r : held) {
    settled(monitor, at_s(1), r, refusal_of(OutcomeClass::rate_limited, LimitedBy::concurrency));
  }
  REQUIRE(monitor.view(at_s(2), text).concurrency == 3);
  monitor.reset(at_s(2), text, {});
  CHECK(monitor.view(at_s(2), text).concurrency == 4);
}

}  // namespace
}  // namespace ratebatch::quota_long_test
