// Whatever a server sends, reading it ends, and what comes of it keeps its bounds.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "provider/server_values.hpp"
#include "ratebatch/base/random.hpp"
#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::facts_robustness_test {

using namespace provider;

namespace {

const std::vector<std::string> header_names = {"date",
                                               "retry-after",
                                               "retry-after-ms",
                                               "ratelimit",
                                               "ratelimit-policy",
                                               "ratelimit-limit",
                                               "ratelimit-remaining",
                                               "ratelimit-reset",
                                               "ratelimitbysize-limit",
                                               "ratelimitbysize-query-cost",
                                               "x-ratelimit-limit",
                                               "x-ratelimit-remaining",
                                               "x-ratelimit-reset",
                                               "x-ratelimit-type",
                                               "x-ratelimit-limit-tokens",
                                               "x-ratelimit-remaining-tokens",
                                               "x-ratelimit-reset-tokens",
                                               "x-ratelimit-renewalperiod-tokens",
                                               "x-tokenlimit-limit",
                                               "x-groq-region",
                                               "anthropic-ratelimit-tokens-limit",
                                               "anthropic-ratelimit-tokens-reset",
                                               "maximum-concurrent-requests",
                                               "character-cost",
                                               "x-trial-endpoint-call-remaining"};

const std::vector<std::string> values = {"0",
                                         "-1",
                                         "1",
                                         "100",
                                         "6m0s",
                                         "2026-08-01T12:00:00Z",
                                         "1785585605",
                                         "1785585605000",
                                         "Sat, 01 Aug 2026 12:00:00 GMT",
                                         "9223372036854775807",
                                         "99999999999999999999",
                                         "1e9",
                                         "1.5",
                                         R"("a";r=5;t=3)",
                                         R"("a";q=5;w=60, "b";q=7)",
                                         "limit=10, remaining=9, reset=8",
                                         "100;w=60",
                                         "999999999999999",
                                         "Tokens",
                                         ""};

const std::vector<std::string> bodies = {
    R"({"error":{"message":"on tokens per min (TPM): Limit 10000, Used 9689, Requested 333. )"
    R"(Please try again in 132ms.","type":"tokens","code":"rate_limit_exceeded"}})",
    R"([{"error":{"code":429,"message":"Please retry in 45.8s.","status":"RESOURCE_EXHAUSTED",)"
    R"("details":[{"@type":"x/google.rpc.RetryInfo","retryDelay":"45s"},{"@type":)"
    R"("x/google.rpc.QuotaFailure","violations":[{"quotaId":"RequestsPerDay","quotaValue":"20"}])"
    R"(}]}}])",
    R"({"error":{"code":429,"availability":{"retryable":true,"retry_after":1e300},"metadata":)"
    R"({"headers":{"X-RateLimit-Limit":"5","X-RateLimit-Remaining":0}}}})",
    R"({"detail":[{"msg":"m","type":"t"}],"violated-policies":["a",3]})",
    R"({"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":3}})",
    "limited to 40 API calls / month. 30,000 input tokens per minute. limit: 999999999999999999",
    ""};

std::string changed(std::string text, Rng& rng) {
  const std::int64_t changes = rng.between(0, 4);
  for (std::int64_t i = 0; i < changes; ++i) {
    const auto at = static_cast<std::size_t>(rng.below(text.size() + 1));
    const std::uint64_t way = rng.below(4);
    if (way == 0) text.insert(at, 1, static_cast<char>(rng.below(256)));
    if (way == 1) text.erase(at, static_cast<std::size_t>(rng.below(8)));
    if (way == 2) text.resize(at);
    if (way == 3) text.insert(at, text.substr(at / 2, 16));
  }
  return text;
}

const std::string& any_of(const std::vector<std::string>& texts, Rng& rng) {
  return texts[static_cast<std::size_t>(rng.below(texts.size()))];
}

void check_bounds(const Outcome& outcome) {
  const Facts& facts = outcome.facts;
  bool holds = !facts.wait || (*facts.wait > Duration::zero() && *facts.wait <= wait_hint_max);
  holds = holds && (!facts.concurrency_max || *facts.concurrency_max >= 1);
  holds = holds && (!facts.requested || (*facts.requested >= 0 && *facts.requested <= count_max));
  holds = holds && outcome.usage.characters >= 0 && outcome.message.size() <= 1000;
  for (const LimitFact& fact : facts.limits) {
    holds = holds && (!fact.limit || (*fact.limit >= 1 && *fact.limit <= count_max));
    holds = holds && (!fact.remaining || (*fact.remaining >= 0 && *fact.remaining <= count_max));
    holds = holds && (!fact.limit || !fact.remaining || *fact.remaining <= *fact.limit);
    holds = holds && (!fact.used || (*fact.used >= 0 && *fact.used <= count_max));
    holds =
        holds && (!fact.window || (*fact.window > Duration::zero() && *fact.window <= reset_max));
    holds = holds &&
            (!fact.full_in || (*fact.full_in > Duration::zero() && *fact.full_in <= reset_max));
    holds = holds && (fact.limit || fact.remaining || fact.window);
  }
  CHECK(holds);
  CHECK(outcome.answer.has_value() == (outcome.kind == OutcomeClass::done));
}

TEST_CASE("changed replies never break the bounds of their facts") {
  Rng rng(20260801);
  const std::vector<std::int32_t> statuses = {200, 400, 402, 403, 429, 503};
  for (int round = 0; round < 3000; ++round) {
    CAPTURE(round);
    HttpReply reply;
    reply.status = statuses[static_cast<std::size_t>(rng.below(statuses.size()))];
    const std::int64_t count = rng.between(0, 6);
    for (std::int64_t i = 0; i < count; ++i) {
      reply.headers.push_back(
          {.name = any_of(header_names, rng), .value = changed(any_of(values, rng), rng)});
    }
    reply.body = changed(any_of(bodies, rng), rng);
    check_bounds(find_dialect("openai")->read(
        reply, {}, {.kind = ModelKind::chat, .raw_body = rng.chance(500)}));
  }
}

TEST_CASE("random bytes as names, values and bodies are read to their end") {
  Rng rng(7);
  const auto bytes = [&](std::uint64_t most) {
    std::string text(static_cast<std::size_t>(rng.below(most)), '\0');
    for (char& c : text) c = static_cast<char>(rng.below(256));
    return text;
  };
  for (int round = 0; round < 500; ++round) {
    CAPTURE(round);
    const HttpReply reply = {.status = 429,
                             .headers = {{.name = "x-ratelimit-" + bytes(20), .value = bytes(30)},
                                         {.name = bytes(20), .value = bytes(30)},
                                         {.name = "ratelimit", .value = bytes(60)}},
                             .body = bytes(200)};
    check_bounds(
        find_dialect("openai")->read(reply, {}, {.kind = ModelKind::chat, .raw_body = false}));
  }
}

}  // namespace
}  // namespace ratebatch::facts_robustness_test
