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
    ServerHealth health;
  };
  constexpr Row rows[] = {
      {OutcomeClass::done, JobState::done, false, ServerHealth::well},
      {OutcomeClass::rate_limited, JobState::pending, false, ServerHealth::no_verdict},
      {OutcomeClass::quota_exhausted, JobState::pending, false, ServerHealth::no_verdict},
      {OutcomeClass::no_credit, JobState::pending, false, ServerHealth::no_verdict},
      {OutcomeClass::refused_key, JobState::pending, false, ServerHealth::no_verdict},
      {OutcomeClass::server_error, JobState::pending, true, ServerHealth::failing},
      {OutcomeClass::overloaded, JobState::pending, true, ServerHealth::failing},
      {OutcomeClass::timeout, JobState::pending, true, ServerHealth::failing},
      {OutcomeClass::network, JobState::pending, true, ServerHealth::failing},
      {OutcomeClass::bad_reply, JobState::pending, true, ServerHealth::well},
      {OutcomeClass::invalid_request, JobState::failed, false, ServerHealth::well},
      {OutcomeClass::too_large, JobState::failed, false, ServerHealth::well},
      {OutcomeClass::content_policy, JobState::failed, false, ServerHealth::well},
      {OutcomeClass::not_found, JobState::failed, false, ServerHealth::well},
      {OutcomeClass::not_accepted, JobState::pending, false, ServerHealth::well},
      {OutcomeClass::unknown, JobState::unknown, false, ServerHealth::no_verdict},
  };
  static_assert(std::size(rows) == outcome_class_count);
  for (const Row& row : rows) {
    CAPTURE(std::string{to_string(row.kind)});
    const Decision decision = decided(of(row.kind));
    CHECK(decision.to == row.to);
    CHECK(decision.uses_retry == row.uses_retry);
    CHECK(health_of(of(row.kind)) == row.health);
  }
}

TEST_CASE("only a reply of another form than the provider's speaks against the server") {
  Outcome outcome = of(OutcomeClass::bad_reply);
  outcome.unreadable = true;
  CHECK(health_of(outcome) == ServerHealth::failing);
  AttemptContext probe;
  probe.is_probe = true;
  probe.probe_wait = std::chrono::seconds{60};
  CHECK(decided(outcome, probe).job_wait == std::chrono::seconds{60});
  CHECK_FALSE(decided(outcome, probe).uses_retry);
  // An empty answer closes the breaker, and is the job's own failure.
  outcome.unreadable = false;
  CHECK(health_of(outcome) == ServerHealth::well);
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
    CHECK(health_of(local) == ServerHealth::no_verdict);
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
  CHECK(health_of(outcome) == ServerHealth::well);
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

TEST_CASE("no refusal fails a job or uses its retries") {
  AttemptContext context;
  context.retries_used = 3;
  for (const OutcomeClass kind : {OutcomeClass::rate_limited, OutcomeClass::quota_exhausted}) {
    const Decision decision = decided(of(kind), context);
    CHECK(decision.to == JobState::pending);
    CHECK_FALSE(decision.uses_retry);
  }
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

}  // namespace
}  // namespace ratebatch::retry_policy_test
