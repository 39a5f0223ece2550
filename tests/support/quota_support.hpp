// What the tests of the quota monitor share: lanes of one provider, and short ways to ask.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ratebatch/quota/quota_monitor.hpp"

namespace ratebatch::quota_support {

using namespace quota;

constexpr LaneId text{0};
constexpr LaneId image{1};
constexpr RouteId text_route{1};
constexpr RouteId image_route{2};

// Two lanes of one provider with two keys, which share a quota or have one each.
inline Lanes two_lanes(bool separate = false) {
  Lanes lanes;
  lanes.pools.push_back({"openai", {}, TokenRule::total});
  if (separate) {
    lanes.groups = {{"KEY_1", PoolId{0}}, {"KEY_2", PoolId{0}}};
    lanes.keys = {{"KEY_1", GroupId{0}}, {"KEY_2", GroupId{1}}};
  } else {
    lanes.groups = {{"default", PoolId{0}}};
    lanes.keys = {{"KEY_1", GroupId{0}}, {"KEY_2", GroupId{0}}};
  }
  for (const char* model : {"text", "image"}) {
    LaneSettings lane;
    lane.model = model;
    lane.pool = PoolId{0};
    lane.limits.stated = true;
    lane.retry.jitter_per_mille = 0;
    lanes.lanes.push_back(std::move(lane));
  }
  lanes.routes.push_back({text_route, text, {}, false});
  lanes.routes.push_back({image_route, image, {}, false});
  lanes.routes.back().estimate.images = 1;
  return lanes;
}

inline Limit limit_of(std::string name, Resource resource, std::int64_t amount, Duration window) {
  Limit limit;
  limit.name = std::move(name);
  limit.resource = resource;
  limit.amount = amount;
  limit.window = window;
  limit.pace_at_per_mille = 1000;
  return limit;
}

inline Limit rpd(std::int64_t amount, Reset::Kind kind = Reset::Kind::daily) {
  Limit limit = limit_of("rpd", Resource::requests, amount, std::chrono::hours{24});
  limit.reset.kind = kind;
  return limit;
}

// 2026-07-01, 06:00 UTC, and so much later.
inline Now at_ms(std::int64_t ms) {
  return {{1'000'000'000 + ms * 1'000'000}, wall_from_ms(1'782'885'600'000 + ms)};
}
inline Now at_s(std::int64_t s) { return at_ms(s * 1000); }

inline QuotaMonitor monitor_of(const Lanes& lanes, Now now = at_ms(0),
                               const std::vector<StoredState>& stored = {},
                               const QuotaOptions& options = {}) {
  return QuotaMonitor{lanes, options, now, stored};
}

inline std::variant<Reservation, Refusal> asked(QuotaMonitor& monitor, Now now, LaneId lane,
                                                const JobSize& size = {}) {
  return monitor.reserve(now, lane, lane == text ? text_route : image_route, size);
}

inline Reservation reserved(QuotaMonitor& monitor, Now now, LaneId lane, const JobSize& size = {}) {
  const auto answer = asked(monitor, now, lane, size);
  REQUIRE(std::holds_alternative<Reservation>(answer));
  return std::get<Reservation>(answer);
}

inline Refusal refused(QuotaMonitor& monitor, Now now, LaneId lane, const JobSize& size = {}) {
  const auto answer = asked(monitor, now, lane, size);
  REQUIRE(std::holds_alternative<Refusal>(answer));
  return std::get<Refusal>(answer);
}

inline bool may_start(QuotaMonitor& monitor, Now now, LaneId lane, const JobSize& size = {}) {
  const auto answer = asked(monitor, now, lane, size);
  if (const auto* got = std::get_if<Reservation>(&answer)) monitor.release(now, got->id);
  return std::holds_alternative<Reservation>(answer);
}

inline Outcome done(std::int64_t input = 0, std::int64_t output = 0) {
  Outcome outcome;
  outcome.kind = OutcomeClass::done;
  outcome.http_status = 200;
  outcome.usage.input_tokens = input;
  outcome.usage.output_tokens = output;
  outcome.answer = Answer{};
  return outcome;
}

inline Outcome refusal_of(OutcomeClass kind, LimitedBy by = LimitedBy::unspecified) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.limited = by;
  outcome.http_status = 429;
  return outcome;
}

inline Verdict settled(QuotaMonitor& monitor, Now now, const Reservation& reservation,
                       const Outcome& outcome) {
  Rng rng{1};
  return monitor.settle(now, reservation.id, outcome, rng);
}

// Settles with a refusal that makes it wait so long.
inline void settle_refused(QuotaMonitor& monitor, Now now, const Reservation& reservation,
                           Outcome outcome, Duration wait) {
  outcome.facts.wait = wait;
  CHECK(settled(monitor, now, reservation, outcome).wait == wait);
}

// The provider refuses this key, or the account behind it. Precondition: the lane may start.
inline void refuse(QuotaMonitor& monitor, Now now, LaneId lane, KeyId key,
                   OutcomeClass kind = OutcomeClass::refused_key) {
  std::vector<Reservation> others;
  Reservation got = reserved(monitor, now, lane);
  while (got.key != key) {
    others.push_back(got);
    got = reserved(monitor, now, lane);
  }
  const Verdict verdict = settled(monitor, now, got, refusal_of(kind));
  CHECK(verdict.refuses_key == (kind == OutcomeClass::refused_key));
  CHECK(verdict.refuses_group == (kind == OutcomeClass::no_credit));
  for (const Reservation& other : others) monitor.release(now, other.id);
}

}  // namespace ratebatch::quota_support
