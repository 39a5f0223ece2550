#include "ratebatch/quota/quota_monitor.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/quota_support.hpp"

namespace ratebatch::quota_monitor_test {

using namespace quota;
using namespace quota_support;

namespace {

TEST_CASE("concurrency of a lane is full at its limit, and free again when one settles") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.concurrency = 2;
  QuotaMonitor monitor = monitor_of(lanes);
  const Reservation first = reserved(monitor, at_ms(0), text);
  reserved(monitor, at_ms(0), text);
  const Refusal refusal = refused(monitor, at_ms(0), text);
  CHECK(refusal.cause == Refusal::Cause::slots);
  CHECK_FALSE(refusal.earliest.has_value());
  reserved(monitor, at_ms(0), image);
  settled(monitor, at_ms(5), first, done());
  reserved(monitor, at_ms(5), text);
}

TEST_CASE("limits of the provider count over all its lanes") {
  Lanes lanes = two_lanes();
  lanes.pools[0].limits.concurrency = 2;
  QuotaMonitor monitor = monitor_of(lanes);
  reserved(monitor, at_ms(0), text);
  reserved(monitor, at_ms(0), image);
  CHECK(refused(monitor, at_ms(0), text).cause == Refusal::Cause::slots);
  CHECK(refused(monitor, at_ms(0), image).cause == Refusal::Cause::slots);
}

TEST_CASE("a paced window says when the next request may start") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(
      limit_of("rpm", Resource::requests, 60, std::chrono::minutes{1}));
  QuotaMonitor monitor = monitor_of(lanes);
  reserved(monitor, at_ms(0), text);
  const Refusal refusal = refused(monitor, at_ms(0), text);
  CHECK(refusal.cause == Refusal::Cause::window);
  CHECK(refusal.limit == "rpm");
  REQUIRE(refusal.earliest.has_value());
  CHECK(*refusal.earliest > at_ms(1000).steady);
  CHECK(*refusal.earliest < at_ms(1010).steady);
  reserved(monitor, {*refusal.earliest, at_ms(1010).wall}, text);
}

TEST_CASE("a start that one limit refuses uses up nothing of the others") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(
      limit_of("rps", Resource::requests, 1, std::chrono::seconds{1}));
  lanes.pools[0].limits.windows.push_back(
      limit_of("rpm", Resource::requests, 2, std::chrono::minutes{1}));
  QuotaMonitor monitor = monitor_of(lanes);
  reserved(monitor, at_ms(0), text);
  const Instant provider_free = *refused(monitor, at_ms(0), image).earliest;
  for (int i = 0; i < 5; ++i) refused(monitor, at_ms(0), text);
  CHECK(*refused(monitor, at_ms(0), image).earliest == provider_free);
}

TEST_CASE("a request that never left gives back long windows, slots and money, not its pace") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.concurrency = 1;
  lanes.lanes[0].limits.windows.push_back(rpd(2));
  lanes.lanes[0].limits.windows.back().pause_at_per_mille = 500;
  lanes.lanes[0].price = Price{0, 1000, 0, 0};
  QuotaOptions options;
  options.budget.total_max_pico_usd = 5'000'000;
  QuotaMonitor monitor = monitor_of(lanes, at_ms(0), {}, options);
  for (int i = 0; i < 5; ++i) monitor.release(at_ms(1), reserved(monitor, at_ms(0), text).id);
  CHECK(monitor.view(at_ms(2), text).limits[0].used == 0);
}

TEST_CASE("the least busy key of a group is taken, the first of equals") {
  const Lanes lanes = two_lanes();
  QuotaMonitor monitor = monitor_of(lanes);
  const Reservation first = reserved(monitor, at_ms(0), text);
  CHECK(first.key == KeyId{0});
  CHECK(reserved(monitor, at_ms(0), text).key == KeyId{1});
  CHECK(reserved(monitor, at_ms(0), text).key == KeyId{0});
  settled(monitor, at_ms(1), first, done());
  CHECK(reserved(monitor, at_ms(1), text).key == KeyId{0});
}

TEST_CASE("keys that share a quota count together, separate ones each for itself") {
  for (const bool separate : {false, true}) {
    CAPTURE(separate);
    Lanes lanes = two_lanes(separate);
    lanes.lanes[0].limits.windows.push_back(rpd(10));
    QuotaMonitor monitor = monitor_of(lanes);
    int started = 0;
    while (may_start(monitor, at_ms(0), text)) {
      reserved(monitor, at_ms(0), text);
      ++started;
    }
    CHECK(started == (separate ? 16 : 8));
    const LaneQuota view = monitor.view(at_ms(0), text);
    CHECK(view.keys.size() == (separate ? 2 : 1));
    CHECK(view.limits.at(0).used == started);
    CHECK(view.limits.at(0).max == (separate ? 20 : 10));
    CHECK(view.limits.at(0).threshold == started);
    CHECK(view.status.state == LaneState::paused);
    CHECK(view.critical);
  }
}

TEST_CASE("the key with more left of its day goes first, of equals the one rested longer") {
  Lanes lanes = two_lanes(true);
  lanes.lanes[0].limits.windows.push_back(rpd(100));
  QuotaMonitor monitor = monitor_of(lanes);
  REQUIRE(monitor.set_used(at_ms(0), text, GroupId{0}, "rpd", 3));
  std::vector<std::int32_t> keys;
  for (int i = 0; i < 7; ++i) {
    keys.push_back(static_cast<std::int32_t>(reserved(monitor, at_ms(i), text).key));
  }
  CHECK(keys == std::vector<std::int32_t>{1, 1, 1, 0, 1, 0, 1});
  CHECK_FALSE(monitor.set_used(at_ms(0), text, {}, "rpm", 3));
}

TEST_CASE("a refused key is not used again, and without keys nothing starts") {
  for (const bool separate : {false, true}) {
    const Lanes lanes = two_lanes(separate);
    QuotaMonitor monitor = monitor_of(lanes);
    refuse(monitor, at_ms(0), text, KeyId{0});
    for (int i = 0; i < 4; ++i) CHECK(reserved(monitor, at_ms(i), text).key == KeyId{1});
    CHECK(monitor.has_usable_key(image));
    refuse(monitor, at_ms(4), image, KeyId{1});
    CHECK_FALSE(monitor.has_usable_key(image));
    CHECK(refused(monitor, at_ms(9), text).cause == Refusal::Cause::no_key);
    CHECK(monitor.status(at_ms(9), text).state == LaneState::no_key);
  }
}

TEST_CASE("an account that cannot pay takes all its keys along, and no other's") {
  Lanes lanes = two_lanes(true);
  lanes.keys.push_back({"KEY_3", GroupId{0}});
  QuotaMonitor monitor = monitor_of(lanes);
  refuse(monitor, at_ms(0), text, KeyId{0}, OutcomeClass::no_credit);
  for (int i = 0; i < 4; ++i) CHECK(reserved(monitor, at_ms(i), image).key == KeyId{1});
  refuse(monitor, at_ms(8), text, KeyId{1}, OutcomeClass::no_credit);
  CHECK(refused(monitor, at_ms(9), image).cause == Refusal::Cause::no_key);
}

TEST_CASE("a 429 for images on key 2 slows neither text on key 2 nor images on key 1") {
  const Lanes lanes = two_lanes(true);
  QuotaMonitor monitor = monitor_of(lanes);
  const Reservation on_key_1 = reserved(monitor, at_ms(0), image);
  const Reservation on_key_2 = reserved(monitor, at_ms(0), image);
  REQUIRE(on_key_2.key == KeyId{1});
  Outcome outcome = refusal_of(OutcomeClass::rate_limited, LimitedBy::images);
  settle_refused(monitor, at_ms(100), on_key_2, outcome, std::chrono::seconds{60});
  settled(monitor, at_ms(100), on_key_1, done());
  for (int i = 0; i < 10; ++i) {
    CHECK(reserved(monitor, at_ms(200 + i), image).key == KeyId{0});
  }
  int text_on_key_2 = 0;
  for (int i = 0; i < 10; ++i) {
    text_on_key_2 += reserved(monitor, at_ms(200), text).key == KeyId{1} ? 1 : 0;
  }
  CHECK(text_on_key_2 == 5);
  CHECK(monitor.status(at_ms(200), text).state == LaneState::running);
  CHECK(monitor.status(at_ms(200), image).state == LaneState::running);
  const LaneQuota view = monitor.view(at_ms(200), image);
  CHECK(view.keys[0].status.state == LaneState::running);
  CHECK(view.keys[1].status.state == LaneState::waiting);
}

TEST_CASE("a model that can take no more at once does not slow the others of its provider") {
  for (const OutcomeClass kind : {OutcomeClass::rate_limited, OutcomeClass::overloaded}) {
    const Lanes lanes = two_lanes();
    QuotaMonitor monitor = monitor_of(lanes);
    for (std::int64_t round = 0; round < 20; ++round) {
      const Reservation one = reserved(monitor, at_s(round * 100), image);
      Outcome outcome = refusal_of(kind, LimitedBy::concurrency);
      if (kind == OutcomeClass::overloaded) outcome.http_status = 503;
      settled(monitor, at_s(round * 100 + 1), one, outcome);
    }
    for (int i = 0; i < 50; ++i) reserved(monitor, at_s(10'000), text);
    CHECK_FALSE(monitor.view(at_s(10'000), text).concurrency.has_value());
  }
}

TEST_CASE("slots stated for a provider adapt over all its lanes") {
  Lanes lanes = two_lanes();
  lanes.pools[0].limits.concurrency = 3;
  QuotaMonitor monitor = monitor_of(lanes);
  reserved(monitor, at_ms(0), text);
  reserved(monitor, at_ms(0), text);
  const Reservation third = reserved(monitor, at_ms(0), image);
  settled(monitor, at_ms(9), third, refusal_of(OutcomeClass::rate_limited, LimitedBy::concurrency));
  CHECK(refused(monitor, at_ms(10), text).cause == Refusal::Cause::slots);
}

TEST_CASE("an account out of quota stops all lanes of its keys, and no other account's") {
  const Lanes lanes = two_lanes(true);
  QuotaMonitor monitor = monitor_of(lanes);
  Reservation first = reserved(monitor, at_ms(0), text);
  REQUIRE(first.key == KeyId{0});
  Outcome outcome = refusal_of(OutcomeClass::quota_exhausted);
  outcome.facts.scope = RefusalScope::provider;
  settle_refused(monitor, at_ms(100), first, outcome, std::chrono::seconds{300});
  for (int i = 0; i < 6; ++i) {
    CHECK(reserved(monitor, at_ms(200 + i), text).key == KeyId{1});
    CHECK(reserved(monitor, at_ms(200 + i), image).key == KeyId{1});
  }
  refuse(monitor, at_ms(206), text, KeyId{1});
  for (const LaneId lane : {text, image}) {
    const Refusal refusal = refused(monitor, at_ms(300), lane);
    CHECK(refusal.cause == Refusal::Cause::pause);
    CHECK(refusal.earliest == at_ms(300'100).steady);
  }
  // One probe for the whole account.
  reserved(monitor, at_ms(300'100), text);
  CHECK(refused(monitor, at_ms(300'100), text).cause == Refusal::Cause::slots);
  CHECK(refused(monitor, at_ms(300'100), image).cause == Refusal::Cause::slots);
}

TEST_CASE("after a wait requests start one, two, four at a time") {
  const Lanes lanes = two_lanes();
  QuotaMonitor monitor = monitor_of(lanes);
  settle_refused(monitor, at_ms(10), reserved(monitor, at_ms(0), text),
                 refusal_of(OutcomeClass::rate_limited, LimitedBy::tokens),
                 std::chrono::seconds{5});
  CHECK(refused(monitor, at_s(5), text).cause == Refusal::Cause::wait);
  // The learned rate would pace the starts: that one is asked an hour later.
  std::vector<std::size_t> rounds;
  for (std::int64_t hour = 1; hour <= 3; ++hour) {
    std::vector<Reservation> round;
    for (std::int64_t s = 0; s < 50; ++s) {
      const auto answer = asked(monitor, at_s(hour * 3600 + s * 60), text);
      if (const auto* got = std::get_if<Reservation>(&answer)) round.push_back(*got);
    }
    rounds.push_back(round.size());
    for (const Reservation& r : round) settled(monitor, at_s(hour * 3600 + 3100), r, done());
  }
  CHECK(rounds == std::vector<std::size_t>{1, 2, 4});
}

TEST_CASE("what changed goes to the checkpoint once, and comes back") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(
      limit_of("rpm", Resource::requests, 1, std::chrono::minutes{1}));
  QuotaMonitor monitor = monitor_of(lanes);
  CHECK(monitor.take_changes(at_ms(0)).empty());
  reserved(monitor, at_ms(0), text);
  const auto stored = monitor.take_changes(at_ms(0));
  REQUIRE(stored.size() == 1);
  CHECK(stored[0].scope == "lane text, keys default");
  CHECK(stored[0].item == "rpm");
  CHECK(monitor.take_changes(at_ms(0)).empty());

  QuotaMonitor next_run = monitor_of(lanes, at_ms(1000), stored);
  CHECK(refused(next_run, at_ms(1000), text).cause == Refusal::Cause::window);
  QuotaMonitor much_later = monitor_of(lanes, at_ms(62'000), stored);
  reserved(much_later, at_ms(62'000), text);
}

TEST_CASE("a lane with a long limit of one request is critical once it is used, not before") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.windows.push_back(rpd(1));
  QuotaMonitor monitor = monitor_of(lanes);
  CHECK_FALSE(monitor.view(at_ms(0), text).critical);
  reserved(monitor, at_ms(0), text);
  CHECK(monitor.view(at_ms(0), text).critical);
}

TEST_CASE("the view of a lane's concurrency is the lesser of its own and its provider's") {
  Lanes lanes = two_lanes(true);
  lanes.lanes[0].limits.concurrency = 8;
  lanes.pools[0].limits.concurrency = 3;
  const QuotaMonitor monitor = monitor_of(lanes);
  CHECK(monitor.view(at_ms(0), text).concurrency == 6);
  CHECK(monitor.view(at_ms(0), image).concurrency == 6);
}

}  // namespace
}  // namespace ratebatch::quota_monitor_test
