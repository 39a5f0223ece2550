#include "ratebatch/schedule/retry_policy.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ratebatch::retry_policy_test {

using namespace quota;
using namespace schedule;

namespace {

Outcome of(OutcomeClass kind) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.http_status = kind == OutcomeClass::network || kind == OutcomeClass::timeout ? 0 : 400;
  return outcome;
}

Outcome limited(LimitedBy by) {
  Outcome outcome = of(OutcomeClass::rate_limited);
  outcome.limited = by;
  return outcome;
}

RetrySettings without_jitter() {
  RetrySettings settings;
  settings.jitter_per_mille = 0;
  return settings;
}

Decision decided(const Outcome& outcome, const AttemptContext& context = {},
                 UnknownPolicy on_unknown = UnknownPolicy::retry) {
  Rng rng{1};
  return decide(outcome, context, without_jitter(), on_unknown, rng);
}

TEST_CASE("every class leads its job where the table says") {
  struct Row {
    OutcomeClass kind;
    JobState to;
    bool uses_retry;
    bool refuses_key;
    bool refuses_group;
    BreakerVerdict breaker;
  };
  constexpr Row rows[] = {
      {OutcomeClass::done, JobState::done, false, false, false, BreakerVerdict::success},
      {OutcomeClass::rate_limited, JobState::pending, false, false, false, BreakerVerdict::none},
      {OutcomeClass::quota_exhausted, JobState::pending, false, false, false, BreakerVerdict::none},
      {OutcomeClass::no_credit, JobState::pending, false, false, true, BreakerVerdict::none},
      {OutcomeClass::refused_key, JobState::pending, false, true, false, BreakerVerdict::none},
      {OutcomeClass::server_error, JobState::pending, true, false, false, BreakerVerdict::failure},
      {OutcomeClass::overloaded, JobState::pending, true, false, false, BreakerVerdict::failure},
      {OutcomeClass::timeout, JobState::pending, true, false, false, BreakerVerdict::failure},
      {OutcomeClass::network, JobState::pending, true, false, false, BreakerVerdict::failure},
      {OutcomeClass::bad_reply, JobState::pending, true, false, false, BreakerVerdict::success},
      {OutcomeClass::invalid_request, JobState::failed, false, false, false,
       BreakerVerdict::success},
      {OutcomeClass::too_large, JobState::failed, false, false, false, BreakerVerdict::success},
      {OutcomeClass::content_policy, JobState::failed, false, false, false,
       BreakerVerdict::success},
      {OutcomeClass::not_found, JobState::failed, false, false, false, BreakerVerdict::success},
      {OutcomeClass::not_accepted, JobState::pending, false, false, false, BreakerVerdict::success},
      {OutcomeClass::unknown, JobState::unknown, false, false, false, BreakerVerdict::none},
  };
  static_assert(std::size(rows) == outcome_class_count);
  for (const Row& row : rows) {
    CAPTURE(std::string{to_string(row.kind)});
    const Decision decision = decided(of(row.kind));
    CHECK(decision.to == row.to);
    CHECK(decision.uses_retry == row.uses_retry);
    CHECK(decision.refuses_key == row.refuses_key);
    CHECK(decision.refuses_group == row.refuses_group);
    CHECK(decision.breaker == row.breaker);
  }
}

TEST_CASE("only a reply of another form than the provider's speaks against the server") {
  Outcome outcome = of(OutcomeClass::bad_reply);
  outcome.unreadable = true;
  CHECK(decided(outcome).breaker == BreakerVerdict::failure);
  AttemptContext probe;
  probe.is_probe = true;
  probe.probe_wait = std::chrono::seconds{60};
  CHECK(decided(outcome, probe).job_wait == std::chrono::seconds{60});
  CHECK_FALSE(decided(outcome, probe).uses_retry);
  // An empty answer closes the breaker, and is the job's own failure.
  outcome.unreadable = false;
  CHECK(decided(outcome, probe).breaker == BreakerVerdict::success);
  CHECK(decided(outcome, probe).uses_retry);
  probe.retries_used = 3;
  CHECK(decided(outcome, probe).to == JobState::failed);
}

TEST_CASE(
    "what our own disk failed says nothing about the server, and uses retries as a probe too") {
  Outcome local = of(OutcomeClass::network);
  local.sent = false;
  local.local = true;
  for (const bool is_probe : {false, true}) {
    CAPTURE(is_probe);
    AttemptContext context;
    context.is_probe = is_probe;
    const Decision again = decided(local, context);
    CHECK(again.to == JobState::pending);
    CHECK(again.uses_retry);
    CHECK(again.breaker == BreakerVerdict::none);
    context.retries_used = 3;
    CHECK(decided(local, context).to == JobState::failed);
  }
}

TEST_CASE("an answer that came and could not be kept is held, whatever the policy") {
  Outcome lost;
  lost.answer_lost = true;
  CHECK(decided(lost).to == JobState::held);
  CHECK(decided(lost, {}, UnknownPolicy::hold).to == JobState::held);
  CHECK_FALSE(decided(lost).uses_retry);
}

TEST_CASE("an answer that the rules refuse is asked for once more, whatever the retries") {
  AttemptContext context;
  context.retries_used = 3;
  CHECK(decided(of(OutcomeClass::not_accepted), context).to == JobState::pending);
  CHECK(decided(of(OutcomeClass::not_accepted), context).job_wait == Duration{});
  context.rejections = 1;
  CHECK(decided(of(OutcomeClass::not_accepted), context).to == JobState::failed);
}

TEST_CASE("an answer that announces files is fetching, not done") {
  Outcome outcome = of(OutcomeClass::done);
  outcome.answer.emplace();
  CHECK(decided(outcome).to == JobState::done);
  outcome.answer->links = {"https://files.test/a.png"};
  CHECK(decided(outcome).to == JobState::fetching);
  CHECK(decided(outcome).breaker == BreakerVerdict::success);
}

TEST_CASE("server failures wait 0.5, 1 and 2 s, and the fourth is final") {
  const std::int64_t waits_ms[] = {500, 1000, 2000};
  for (std::int32_t used = 0; used < 3; ++used) {
    AttemptContext context;
    context.retries_used = used;
    const Decision decision = decided(of(OutcomeClass::server_error), context);
    CHECK(decision.to == JobState::pending);
    CHECK(decision.job_wait == std::chrono::milliseconds{waits_ms[used]});
  }
  AttemptContext last;
  last.retries_used = 3;
  CHECK(decided(of(OutcomeClass::server_error), last).to == JobState::failed);
}

TEST_CASE("a Retry-After of a server failure is a floor for the job's wait") {
  Outcome outcome = of(OutcomeClass::overloaded);
  outcome.facts.wait = std::chrono::seconds{7};
  CHECK(decided(outcome).job_wait == std::chrono::seconds{7});
  outcome.facts.wait = std::chrono::milliseconds{1};
  CHECK(decided(outcome).job_wait == std::chrono::milliseconds{500});
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
    AttemptContext context;
    context.notes.refusals_before = row.refusals;
    const Decision decision = decided(limited(row.by), context);
    REQUIRE(decision.wait.has_value());
    CHECK(decision.wait->wait == std::chrono::seconds{row.wait_s});
    CHECK(decision.wait->state == LaneState::waiting);
  }
  Outcome hinted = limited(LimitedBy::tokens);
  hinted.facts.wait = std::chrono::milliseconds{132};
  CHECK(decided(hinted).wait->wait == std::chrono::milliseconds{132});
}

TEST_CASE("no number of refusals fails a job or uses its retries") {
  for (std::int32_t n = 0; n < 100; ++n) {
    AttemptContext context;
    context.notes.refusals_before = n;
    context.retries_used = 3;
    for (const OutcomeClass kind : {OutcomeClass::rate_limited, OutcomeClass::quota_exhausted}) {
      const Decision decision = decided(of(kind), context);
      CHECK(decision.to == JobState::pending);
      CHECK_FALSE(decision.uses_retry);
    }
  }
}

TEST_CASE("a quota waits 300 s doubling, and pauses a day after three probes in vain") {
  const std::int64_t waits_s[] = {300, 600, 1200, 86'400, 86'400};
  for (std::int32_t n = 0; n < 5; ++n) {
    AttemptContext context;
    context.notes.refusals_before = n;
    const Decision decision = decided(of(OutcomeClass::quota_exhausted), context);
    CHECK(decision.wait->wait == std::chrono::seconds{waits_s[n]});
    CHECK(decision.wait->state == LaneState::paused);
  }
  Outcome hinted = of(OutcomeClass::quota_exhausted);
  hinted.facts.wait = std::chrono::hours{5};
  AttemptContext many;
  many.notes.refusals_before = 9;
  CHECK(decided(hinted, many).wait->wait == std::chrono::hours{5});
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
      AttemptContext context;
      context.notes.reset_in = std::chrono::seconds{row.reset_s};
      context.notes.refusals_before = refusals;
      Outcome outcome = of(OutcomeClass::quota_exhausted);
      if (row.hint_s > 0) outcome.facts.wait = std::chrono::seconds{row.hint_s};
      const Decision decision = decided(outcome, context);
      CHECK(decision.wait->wait == std::chrono::seconds{row.wait_s});
      CHECK(decision.wait->state == LaneState::paused);
    }
  }
}

TEST_CASE("the wait that a learned rate asks for stands, unless the server names one") {
  AttemptContext context;
  context.notes.learned_wait = std::chrono::seconds{4};
  context.notes.refusals_before = 9;
  Outcome outcome = limited(LimitedBy::unspecified);
  CHECK(decided(outcome, context).wait->wait == std::chrono::seconds{4});
  outcome.facts.wait = std::chrono::milliseconds{132};
  CHECK(decided(outcome, context).wait->wait == std::chrono::milliseconds{132});
}

TEST_CASE("a request that nobody answered is held where a person asked for that") {
  CHECK(decided(of(OutcomeClass::network), {}, UnknownPolicy::hold).to == JobState::held);
  CHECK(decided(of(OutcomeClass::timeout), {}, UnknownPolicy::hold).to == JobState::held);
  Outcome unsent = of(OutcomeClass::network);
  unsent.sent = false;
  CHECK(decided(unsent, {}, UnknownPolicy::hold).to == JobState::pending);
  CHECK(decided(of(OutcomeClass::server_error), {}, UnknownPolicy::hold).to == JobState::pending);
}

TEST_CASE("a breaker's probe uses no retries and makes way for another job") {
  AttemptContext context;
  context.retries_used = 3;
  context.is_probe = true;
  context.probe_wait = std::chrono::seconds{60};
  const Decision decision = decided(of(OutcomeClass::network), context);
  CHECK(decision.to == JobState::pending);
  CHECK_FALSE(decision.uses_retry);
  CHECK(decision.job_wait == std::chrono::seconds{60});
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
    const Duration asked = decide(hinted, {}, settings, UnknownPolicy::retry, rng).wait->wait;
    CHECK(asked >= std::chrono::seconds{20});
    CHECK(asked <= std::chrono::milliseconds{20'100});
  }
  CHECK(least >= std::chrono::seconds{216});
  CHECK(least < std::chrono::seconds{220});
  CHECK(most <= std::chrono::seconds{240});
  CHECK(most > std::chrono::seconds{236});
}

}  // namespace
}  // namespace ratebatch::retry_policy_test
