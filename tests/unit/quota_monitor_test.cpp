#include "ratebatch/quota/quota_monitor.hpp"

#include <doctest/doctest.h>

#include <string>
#include <variant>

namespace ratebatch {
namespace {

constexpr LaneId text{0};
constexpr LaneId image{1};

// Two lanes of one provider with two keys.
Lanes two_lanes() {
  Lanes lanes;
  lanes.pools.push_back({"openai", {}});
  lanes.keys = {{"KEY_1", PoolId{0}}, {"KEY_2", PoolId{0}}};
  lanes.lanes.push_back({"text", PoolId{0}, {}, {}, {}});
  lanes.lanes.push_back({"image", PoolId{0}, {}, {}, {}});
  return lanes;
}

Now at_ms(std::int64_t ms) { return {{1'000'000'000 + ms * 1'000'000}, wall_from_ms(ms)}; }

Reservation reserved(QuotaMonitor& monitor, Now now, LaneId lane) {
  const auto answer = monitor.reserve(now, lane, Cost{});
  REQUIRE(std::holds_alternative<Reservation>(answer));
  return std::get<Reservation>(answer);
}

Refusal refused(QuotaMonitor& monitor, Now now, LaneId lane) {
  const auto answer = monitor.reserve(now, lane, Cost{});
  REQUIRE(std::holds_alternative<Refusal>(answer));
  return std::get<Refusal>(answer);
}

TEST_CASE("concurrency of a lane is full at its limit, and free again when one settles") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.concurrency = 2;
  QuotaMonitor monitor{lanes, 990, at_ms(0), {}};
  const Reservation first = reserved(monitor, at_ms(0), text);
  reserved(monitor, at_ms(0), text);
  CHECK(refused(monitor, at_ms(0), text).cause == Refusal::Cause::concurrency);
  CHECK(monitor.in_flight(text) == 2);
  reserved(monitor, at_ms(0), image);
  monitor.settle(at_ms(5), first.id, {});
  reserved(monitor, at_ms(5), text);
}

TEST_CASE("limits of the provider count over all its lanes") {
  Lanes lanes = two_lanes();
  lanes.pools[0].limits.concurrency = 2;
  QuotaMonitor monitor{lanes, 990, at_ms(0), {}};
  reserved(monitor, at_ms(0), text);
  reserved(monitor, at_ms(0), image);
  CHECK(refused(monitor, at_ms(0), text).cause == Refusal::Cause::concurrency);
  CHECK(refused(monitor, at_ms(0), image).cause == Refusal::Cause::concurrency);
}

TEST_CASE("a paced window says when the next request may start") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.requests.push_back({"rpm", 60, std::chrono::minutes{1}});
  QuotaMonitor monitor{lanes, 1000, at_ms(0), {}};
  reserved(monitor, at_ms(0), text);
  const Refusal refusal = refused(monitor, at_ms(0), text);
  CHECK(refusal.cause == Refusal::Cause::window);
  REQUIRE(refusal.earliest.has_value());
  CHECK(*refusal.earliest > at_ms(1000).steady);
  CHECK(*refusal.earliest < at_ms(1001).steady);
  reserved(monitor, {*refusal.earliest, {}}, text);
}

TEST_CASE("a start that one limit refuses uses up nothing of the others") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.requests.push_back({"rps", 1, std::chrono::seconds{1}});
  lanes.pools[0].limits.requests.push_back({"rpm", 2, std::chrono::minutes{1}});
  QuotaMonitor monitor{lanes, 1000, at_ms(0), {}};
  reserved(monitor, at_ms(0), text);
  const Instant provider_free = *refused(monitor, at_ms(0), image).earliest;
  for (int i = 0; i < 5; ++i) refused(monitor, at_ms(0), text);
  CHECK(*refused(monitor, at_ms(0), image).earliest == provider_free);
}

TEST_CASE("the least busy key is taken, the first of equals") {
  const Lanes lanes = two_lanes();
  QuotaMonitor monitor{lanes, 990, at_ms(0), {}};
  const Reservation first = reserved(monitor, at_ms(0), text);
  CHECK(first.key == KeyId{0});
  CHECK(reserved(monitor, at_ms(0), text).key == KeyId{1});
  CHECK(reserved(monitor, at_ms(0), text).key == KeyId{0});
  monitor.settle(at_ms(1), first.id, {});
  CHECK(reserved(monitor, at_ms(1), text).key == KeyId{0});
}

TEST_CASE("a refused key is not used again, and without keys nothing starts") {
  const Lanes lanes = two_lanes();
  QuotaMonitor monitor{lanes, 990, at_ms(0), {}};
  monitor.refuse_key(KeyId{0});
  CHECK(reserved(monitor, at_ms(0), text).key == KeyId{1});
  CHECK(monitor.has_usable_key(image));
  monitor.refuse_key(KeyId{1});
  CHECK_FALSE(monitor.has_usable_key(image));
  CHECK(refused(monitor, at_ms(0), text).cause == Refusal::Cause::no_key);
}

TEST_CASE("the paced state goes to the checkpoint once per change, and comes back") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.requests.push_back({"rpm", 1, std::chrono::minutes{1}});
  QuotaMonitor monitor{lanes, 1000, at_ms(0), {}};
  CHECK(monitor.take_changes(at_ms(0)).empty());
  reserved(monitor, at_ms(0), text);
  const auto stored = monitor.take_changes(at_ms(0));
  REQUIRE(stored.size() == 1);
  CHECK(stored[0].scope == "lane text");
  CHECK(stored[0].limit == "rpm");
  CHECK(monitor.take_changes(at_ms(0)).empty());

  QuotaMonitor next_run{lanes, 1000, at_ms(1000), stored};
  CHECK(refused(next_run, at_ms(1000), text).cause == Refusal::Cause::window);
  QuotaMonitor much_later{lanes, 1000, at_ms(61'000), stored};
  reserved(much_later, at_ms(61'000), text);
}

}  // namespace
}  // namespace ratebatch
