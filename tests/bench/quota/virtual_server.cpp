#include "bench/quota/virtual_server.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::quota_bench {
namespace {

// A refusal needs no model.
constexpr Duration refusal_time = std::chrono::milliseconds{5};

std::int32_t status_of(OutcomeClass kind) {
  switch (kind) {
    case OutcomeClass::done:
    case OutcomeClass::bad_reply:
      return 200;
    case OutcomeClass::rate_limited:
    case OutcomeClass::quota_exhausted:
      return 429;
    case OutcomeClass::no_credit:
      return 402;
    case OutcomeClass::refused_key:
      return 401;
    case OutcomeClass::server_error:
      return 500;
    case OutcomeClass::overloaded:
      return 503;
    case OutcomeClass::timeout:
    case OutcomeClass::network:
    case OutcomeClass::unknown:
      return 0;
    case OutcomeClass::invalid_request:
    case OutcomeClass::content_policy:
      return 400;
    case OutcomeClass::too_large:
      return 413;
    case OutcomeClass::not_found:
    case OutcomeClass::not_accepted:
      return 404;
  }
  RB_ASSERT(false);
}

LimitedBy limited_by(Resource resource) {
  switch (resource) {
    case Resource::requests:
      return LimitedBy::requests;
    case Resource::tokens:
    case Resource::input_tokens:
    case Resource::output_tokens:
      return LimitedBy::tokens;
    case Resource::images:
      return LimitedBy::images;
    case Resource::characters:
      return LimitedBy::unspecified;
  }
  RB_ASSERT(false);
}

Outcome outcome_of(OutcomeClass kind) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.http_status = status_of(kind);
  outcome.sent = kind != OutcomeClass::network;
  if (kind == OutcomeClass::done) outcome.answer = Answer{};
  return outcome;
}

WallTime whole_second(WallTime at) { return {at.ns / 1'000'000'000 * 1'000'000'000}; }

}  // namespace

std::int64_t cost_of(const Usage& usage, Resource resource) {
  switch (resource) {
    case Resource::requests:
      return 1;
    case Resource::tokens:
      return usage.input_tokens + usage.output_tokens;
    case Resource::input_tokens:
      return usage.input_tokens;
    case Resource::output_tokens:
      return usage.output_tokens;
    case Resource::images:
      return usage.images;
    case Resource::characters:
      return usage.characters;
  }
  RB_ASSERT(false);
}

VirtualServer::VirtualServer(const Lanes& lanes, std::vector<ServerLane> served, Network network,
                             std::uint64_t seed)
    : lanes_(lanes), served_(std::move(served)), network_(network), rng_(seed) {
  RB_ASSERT(served_.size() == lanes_.lanes.size());
}

Duration VirtualServer::draw(const Span& span) {
  return Duration{rng_.between(span.low.count(), span.high.count())};
}

Duration VirtualServer::way_there(Now at, const action::Send& /*send*/) {
  return network_.wander_per_mille ? wandering(at.steady) : draw(network_.way_there);
}

Duration VirtualServer::wandering(Instant at) {
  if (!wandered_at_) delay_ = heading_for_ = draw(network_.way_there);
  Duration steps = (at - wandered_at_.value_or(at)) / 1000 * *network_.wander_per_mille;
  wandered_at_ = at;
  while (steps > Duration{}) {
    const Duration left = heading_for_ > delay_ ? heading_for_ - delay_ : delay_ - heading_for_;
    const Duration step = std::min(steps, left);
    delay_ += heading_for_ > delay_ ? step : -step;
    steps -= step;
    if (delay_ == heading_for_) heading_for_ = draw(network_.way_there);
    if (network_.way_there.low == network_.way_there.high) break;
  }
  return delay_;
}

Duration VirtualServer::commit_takes(Now /*at*/) {
  if (network_.stalled_commits_per_mille == 0) return {};
  return rng_.chance(network_.stalled_commits_per_mille) ? network_.stall : Duration{};
}

VirtualServer::Account& VirtualServer::account(LaneId lane, KeyId key) {
  const GroupId group = lanes_.keys[index_of(key)].group;
  const auto [place, is_new] = accounts_.try_emplace({lane, group});
  if (is_new) {
    for (const ServerLimit& limit : served_[index_of(lane)].limits) {
      place->second.limiters.push_back(limit.make());
    }
  }
  return place->second;
}

std::int64_t VirtualServer::at_once(BusyUntil& busy, WallTime at) {
  while (!busy.empty() && busy.top() <= at) busy.pop();
  return static_cast<std::int64_t>(busy.size());
}

Limiter& VirtualServer::limiter(LaneId lane, KeyId key, std::size_t i) {
  return *account(lane, key).limiters.at(i);
}

run::RehearsalWorld::Reply VirtualServer::arrive(Now at, const action::Send& send) {
  const ServerLane& served = served_[index_of(send.lane)];
  Account& own = account(send.lane, send.key);
  Usage usage;
  Reply reply;
  reply.outcome = judge(at.wall, send, own, usage);
  const bool is_done = reply.outcome.kind == OutcomeClass::done;
  const Duration service = is_done ? draw(served.service) : refusal_time;
  if (is_done) {
    reply.outcome.usage = usage;
    for (std::size_t i = 0; i < own.limiters.size(); ++i) {
      own.limiters[i]->charge(at.wall, cost_of(usage, served.limits[i].resource));
    }
    own.busy_until.push(at.wall + service);
    all_busy_until_.push(at.wall + service);
    most_at_once_ = std::max(most_at_once_, at_once(all_busy_until_, at.wall));
  }
  if (served.headers) tell(served, own, at.wall, reply.outcome.facts);
  if (reply.outcome.http_status != 0) {
    reply.outcome.facts.server_time = whole_second(at.wall + service);
  }
  reply.after = service + draw(network_.way_back);
  log_.push_back({at.wall, send.lane, send.key, static_cast<std::int64_t>(send.job),
                  reply.outcome.kind, is_done ? cost_of(usage, Resource::tokens) : 0});
  return reply;
}

Outcome VirtualServer::judge(WallTime at, const action::Send& send, Account& account,
                             Usage& usage) {
  const ServerLane& served = served_[index_of(send.lane)];
  const auto job = static_cast<std::int64_t>(send.job);
  if (served.outage && at >= served.outage->from && at < served.outage->until) {
    return outcome_of(served.outage->kind);
  }
  if (refused_keys_.contains(send.key)) return outcome_of(OutcomeClass::refused_key);
  const bool lane_is_full =
      served.concurrency && at_once(account.busy_until, at) >= *served.concurrency;
  const bool all_is_full =
      concurrency_of_all_ && at_once(all_busy_until_, at) >= *concurrency_of_all_;
  if (lane_is_full || all_is_full) {
    Outcome outcome = outcome_of(OutcomeClass::rate_limited);
    outcome.limited = LimitedBy::concurrency;
    return outcome;
  }
  const Overloads& overloads = served.overloads;
  if (overloads.per_100k > 0 && at_once(account.busy_until, at) >= overloads.above_in_flight &&
      rng_.between(0, 99'999) < overloads.per_100k) {
    return outcome_of(OutcomeClass::overloaded);
  }
  const OutcomeClass fate = served.fate ? served.fate(job) : OutcomeClass::done;
  if (fate != OutcomeClass::done) return outcome_of(fate);
  if (served.usage) usage = served.usage(job);
  for (std::size_t i = 0; i < account.limiters.size(); ++i) {
    const ServerLimit& limit = served.limits[i];
    const Duration wait = account.limiters[i]->wait(at, cost_of(usage, limit.resource));
    if (wait <= Duration{}) continue;
    Outcome outcome =
        outcome_of(limit.is_day ? OutcomeClass::quota_exhausted : OutcomeClass::rate_limited);
    if (!limit.is_day) outcome.limited = limited_by(limit.resource);
    if (served.hints) outcome.facts.wait = wait;
    return outcome;
  }
  return outcome_of(OutcomeClass::done);
}

void VirtualServer::tell(const ServerLane& served, Account& account, WallTime at,
                         Facts& facts) const {
  for (std::size_t i = 0; i < account.limiters.size(); ++i) {
    Limiter& limiter = *account.limiters[i];
    LimitFact fact;
    fact.resource = served.limits[i].resource;
    fact.limit = limiter.amount();
    fact.remaining = limiter.remaining(at);
    const Duration full_in = limiter.full_in(at);
    if (full_in > Duration{}) fact.full_in = full_in;
    fact.refills = true;
    facts.limits.push_back(fact);
  }
}

}  // namespace ratebatch::quota_bench
