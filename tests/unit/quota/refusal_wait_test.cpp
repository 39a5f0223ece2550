#include "ratebatch/quota/refusal_wait.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

namespace ratebatch::refusal_wait_test {

using namespace quota;

namespace {

Outcome of(OutcomeClass kind) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.http_status = 429;
  return outcome;
}

Outcome limited(LimitedBy by) {
  Outcome outcome = of(OutcomeClass::rate_limited);
  outcome.limited = by;
  return outcome;
}

GateWait waited(const Outcome& outcome, const RefusalEvidence& evidence = {}) {
  RetrySettings settings;
  settings.jitter_per_mille = 0;
  Rng rng{1};
  return refusal_wait(outcome, evidence, settings, rng);
}

TEST_CASE("a limit's refusal makes the lane wait: as the server says, else growing to a maximum") {
  struct Row {
    LimitedBy by;
    std::int32_t refusals;
    std::int64_t wait_s;
  };
  constexpr Row rows[] = {
      {LimitedBy::requests, 0, 60},     {LimitedBy::requests, 1, 120},
      {LimitedBy::tokens, 2, 240},      {LimitedBy::requests, 3, 300},
      {LimitedBy::unspecified, 9, 300}, {LimitedBy::concurrency, 0, 2},
      {LimitedBy::concurrency, 1, 4},   {LimitedBy::concurrency, 2, 6},
      {LimitedBy::concurrency, 7, 6},
  };
  for (const Row& row : rows) {
    RefusalEvidence context;
    context.refusals_before = row.refusals;
    const GateWait wait = waited(limited(row.by), context);
    CHECK(wait.wait == std::chrono::seconds{row.wait_s});
    CHECK(wait.state == LaneState::waiting);
  }
  Outcome hinted = limited(LimitedBy::tokens);
  hinted.facts.wait = std::chrono::milliseconds{132};
  CHECK(waited(hinted).wait == std::chrono::milliseconds{132});
}

TEST_CASE("a quota waits 300 s doubling, and pauses a day after three probes in vain") {
  const std::int64_t waits_s[] = {300, 600, 1200, 86'400, 86'400};
  for (std::int32_t n = 0; n < 5; ++n) {
    RefusalEvidence context;
    context.refusals_before = n;
    const GateWait wait = waited(of(OutcomeClass::quota_exhausted), context);
    CHECK(wait.wait == std::chrono::seconds{waits_s[n]});
    CHECK(wait.state == LaneState::paused);
  }
  Outcome hinted = of(OutcomeClass::quota_exhausted);
  hinted.facts.wait = std::chrono::hours{5};
  RefusalEvidence many;
  many.refusals_before = 9;
  CHECK(waited(hinted, many).wait == std::chrono::hours{5});
}

TEST_CASE("a known reset is waited for, whatever shorter delay the server names") {
  struct Row {
    std::int64_t reset_s;
    std::int64_t hint_s;  // 0: none.
    std::int64_t wait_s;
  };
  constexpr Row rows[] = {{40'000, 0, 40'000}, {40'000, 36, 40'000}, {40'000, 41'000, 41'000}};
  for (const Row& row : rows) {
    for (const std::int32_t refusals : {0, 3, 50}) {
      RefusalEvidence context;
      context.reset_in = std::chrono::seconds{row.reset_s};
      context.refusals_before = refusals;
      Outcome outcome = of(OutcomeClass::quota_exhausted);
      if (row.hint_s > 0) outcome.facts.wait = std::chrono::seconds{row.hint_s};
      const GateWait wait = waited(outcome, context);
      CHECK(wait.wait == std::chrono::seconds{row.wait_s});
      CHECK(wait.state == LaneState::paused);
    }
  }
}

TEST_CASE("the wait that a learned rate asks for stands, unless the server names one") {
  RefusalEvidence context;
  context.learned_wait = std::chrono::seconds{4};
  context.refusals_before = 9;
  Outcome outcome = limited(LimitedBy::unspecified);
  CHECK(waited(outcome, context).wait == std::chrono::seconds{4});
  outcome.facts.wait = std::chrono::milliseconds{132};
  CHECK(waited(outcome, context).wait == std::chrono::milliseconds{132});
}

TEST_CASE("jitter shortens a wait of ours by its share at most, and never a wait of the server's") {
  RetrySettings settings;
  settings.jitter_per_mille = 100;
  Duration least = std::chrono::hours{1};
  Duration most{};
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    Rng rng{seed};
    const Duration wait = backoff(settings.rate_limit, 2, 100, rng);
    least = std::min(least, wait);
    most = std::max(most, wait);
    Outcome hinted = limited(LimitedBy::requests);
    hinted.facts.wait = std::chrono::seconds{20};
    const Duration asked = refusal_wait(hinted, {}, settings, rng).wait;
    CHECK(asked >= std::chrono::seconds{20});
    CHECK(asked <= std::chrono::milliseconds{20'100});
  }
  CHECK(least >= std::chrono::seconds{216});
  CHECK(least < std::chrono::seconds{220});
  CHECK(most <= std::chrono::seconds{240});
  CHECK(most > std::chrono::seconds{236});
}

}  // namespace
}  // namespace ratebatch::refusal_wait_test
