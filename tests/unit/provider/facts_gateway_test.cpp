// What refusals say, continued: servers whose errors have forms of their own.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"
#include "support/facts_support.hpp"

namespace ratebatch::facts_gateway_test {

using namespace provider;
using namespace facts_support;

namespace {

struct Row {
  std::string name;
  std::int32_t status = 429;
  std::vector<Header> headers;
  std::string body;
  std::string outcome;
};

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Outcome outcome = find_dialect("openai")->read(
        {.status = row.status, .headers = row.headers, .body = row.body}, {},
        {.kind = ModelKind::chat, .raw_body = false});
    CHECK(shown(outcome) == row.outcome);
    CHECK_FALSE(outcome.answer);
  }
}

// 2026-08-01T12:00:00Z.
const Header date = {"date", "Sat, 01 Aug 2026 12:00:00 GMT"};

std::string violation(const std::string& id, const std::string& metric, const std::string& value) {
  return R"({"quotaMetric":"generativelanguage.googleapis.com/)" + metric + R"(","quotaId":")" +
         id + R"(","quotaDimensions":{"location":"global","model":"m"})" +
         (value.empty() ? "" : R"(,"quotaValue":")" + value + "\"") + "}";
}

std::string google(const std::string& message, const std::string& violations,
                   const std::string& delay) {
  const std::string type = R"({"@type":"type.googleapis.com/google.rpc.)";
  return R"({"error":{"code":429,"message":")" + message +
         R"(","status":"RESOURCE_EXHAUSTED","details":[)" + type + R"(Help","links":[]},)" +
         (delay.empty() ? "" : type + R"(RetryInfo","retryDelay":")" + delay + R"("},)") + type +
         R"(QuotaFailure","violations":[)" + violations + "]}]}}";
}

const std::string per_day = violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier",
                                      "generate_content_free_tier_requests", "20");
const std::string per_minute =
    violation("GenerateRequestsPerMinutePerProjectPerModel", "generate_requests", "10");
const std::string tokens = violation("GenerateContentPaidTierInputTokensPerModelPerMinute",
                                     "generate_content_paid_tier_input_token_count", "1000000");
const std::string day_fact = ": requests 20 per 86400s violated";
const std::string minute_fact = ": requests 10 per 60s violated";

const std::vector<Row> gemini_rows = {
    {"a day, with a short delay",
     429,
     {},
     google("Please retry in 36.2s.", per_day, "36s"),
     "quota_exhausted" + day_fact},
    {"a day, just below an hour",
     429,
     {},
     google("", per_day, "3598s"),
     "quota_exhausted" + day_fact},
    {"a day, an hour",
     429,
     {},
     google("", per_day, "3599s"),
     "quota_exhausted, wait 3600s" + day_fact},
    {"a day, with the true hours",
     429,
     {},
     google("Please retry in 10h50m43.651927829s.", per_day, "39043s"),
     "quota_exhausted, wait 39043651927829ns" + day_fact},
    {"a day, in an array",
     429,
     {},
     "[" + google("", per_day, "36s") + "]",
     "quota_exhausted" + day_fact},
    {"a minute: the message is precise",
     429,
     {},
     google("Please retry in 45.80287662s.", per_minute, "45s"),
     "rate_limited by requests, wait 45802876620ns" + minute_fact},
    {"a minute: a second more where it is not",
     429,
     {},
     google("", per_minute, "34s"),
     "rate_limited by requests, wait 35s" + minute_fact},
    {"a fraction",
     429,
     {},
     google("", per_minute, "0.5s"),
     "rate_limited by requests, wait 1500ms" + minute_fact},
    {"the message is too short",
     429,
     {},
     google("Please retry in 3s.", per_minute, "34s"),
     "rate_limited by requests, wait 35s" + minute_fact},
    {"zero is no hint",
     429,
     {},
     google("", per_minute, "0s"),
     "rate_limited by requests" + minute_fact},
    {"no delay", 429, {}, google("", per_minute, ""), "rate_limited by requests" + minute_fact},
    {"Retry-After is longer",
     429,
     {{"retry-after", "50"}},
     google("", per_minute, "34s"),
     "rate_limited by requests, wait 50s" + minute_fact},
    {"tokens",
     429,
     {},
     google("", tokens, "5s"),
     "rate_limited by tokens, wait 6s: input_tokens 1000000 per 60s violated"},
    {"several, one of a day",
     429,
     {},
     google("", per_minute + "," + per_day, "5s"),
     "quota_exhausted: requests 10 per 60s violated; requests 20 per 86400s violated"},
    {"several of a minute",
     429,
     {},
     google("", per_minute + "," + tokens, "5s"),
     "rate_limited, wait 6s: requests 10 per 60s violated; "
     "input_tokens 1000000 per 60s violated"},
    {"no value",
     429,
     {},
     google("", violation("GenerateRequestsPerMinutePerProjectPerModel", "x", ""), "5s"),
     "rate_limited by requests, wait 6s: requests per 60s violated"},
    {"limit 0",
     429,
     {},
     google("", violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "x", "0"), "5s"),
     "not_found, wait 6s"},
    {"limit 0 in the message alone",
     429,
     {},
     R"({"error":{"code":429,"message":"You exceeded your current quota.\n* Quota exceeded for )"
     R"(metric: g/generate_content_free_tier_requests, limit: 0, model: m","status":"x"}})",
     "not_found"},
    {"a quota in the message alone",
     429,
     {},
     R"({"error":{"code":429,"message":"Quota.\n* Quota exceeded for metric: )"
     R"(g/generate_requests_per_model_per_day, limit: 250, model: m\nPlease retry in 50s."}})",
     "quota_exhausted: requests 250 per 86400s violated"},
    {"no details: the spend of ten minutes",
     429,
     {},
     R"({"error":{"code":429,"message":"Resource exhausted.","status":"RESOURCE_EXHAUSTED"}})",
     "rate_limited"},
    {"prepaid credits",
     429,
     {},
     R"({"error":{"code":429,"message":"Your prepayment credits are depleted."}})",
     "no_credit, provider"},
    {"overloaded",
     503,
     {},
     R"({"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}})",
     "overloaded"},
    {"region or billing",
     400,
     {},
     R"({"error":{"code":400,"message":"x","status":"FAILED_PRECONDITION"}})",
     "refused_key"},
    {"a wrong key",
     400,
     {},
     R"([{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT","details":[{"@type":)"
     R"("type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}])",
     "refused_key"},
    {"504", 504, {}, R"({"error":{"code":504,"status":"DEADLINE_EXCEEDED"}})", "timeout"},
};

TEST_CASE("a refusal of Gemini is of a day or a minute by its quota, whatever its delay") {
  check_rows(gemini_rows);
}

TEST_CASE("a refusal of Together has its wait in x-ratelimit-reset and its limit in its words") {
  const auto together = [](const std::string& message, const std::string& type) {
    return R"({"error":{"message":")" + message + R"(","type":")" + type +
           R"(","param":null,"code":null}})";
  };
  check_rows({
      {"credit_limit",
       429,
       {{"x-ratelimit-reset", "3"}},
       together("You have been rate limited. Your rate limit is 60 queries per minute. Please "
                "navigate to https://api.together.xyz/settings/billing to upgrade.",
                "credit_limit"),
       "rate_limited by requests, wait 3s: requests 60 per 60s violated"},
      {"of the model",
       429,
       {},
       R"({"error":{"message":"You have reached the rate limit specific to this model )"
       R"(black-forest-labs/FLUX.1-kontext-pro. The maximum rate limit for this model is 9.0 )"
       R"(queries per minute."}})",
       "rate_limited by requests: requests 9 per 60s violated"},
      {"dynamic requests",
       429,
       {},
       together("x", "dynamic_request_limited"),
       "rate_limited by requests"},
      {"dynamic tokens, beside the type",
       429,
       {},
       R"({"error":{"message":"x"},"error_type":"dynamic_token_limited"})",
       "rate_limited by tokens"},
      {"the reset alone", 429, {{"x-ratelimit-reset", "2.5"}}, "", "rate_limited, wait 2500ms"},
      {"no capacity", 503, {}, together("x", "x"), "overloaded"},
      {"spend limit", 402, {}, together("x", "x"), "no_credit, provider"},
      {"context length",
       403,
       {},
       together("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097.",
                "invalid_request_error"),
       "too_large"},
      {"context length in words",
       403,
       {},
       together("exceeds the context length of 4097", "x"),
       "too_large"},
      {"another 403", 403, {}, together("forbidden", "x"), "refused_key"},
  });
}

TEST_CASE("a refusal of ElevenLabs is about concurrency, credits or load, in three forms") {
  const auto detail = [](const std::string& inner) { return R"({"detail":)" + inner + "}"; };
  check_rows({
      {"concurrency",
       429,
       {{"maximum-concurrent-requests", "5"}},
       detail(R"({"type":"rate_limit_error","code":"concurrent_limit_exceeded","message":"m",)"
              R"("status":"concurrent_limit_exceeded"})"),
       "rate_limited by concurrency"},
      {"concurrency, older",
       429,
       {},
       detail(R"({"status":"too_many_concurrent_requests","message":"m"})"),
       "rate_limited by concurrency"},
      {"rate",
       429,
       {},
       detail(R"({"type":"rate_limit_error","code":"rate_limit_exceeded"})"),
       "rate_limited"},
      {"busy", 429, {}, detail(R"({"status":"system_busy","message":"m"})"), "overloaded"},
      {"credits, as 401",
       401,
       {},
       detail(R"({"status":"quota_exceeded","message":"m"})"),
       "no_credit, provider"},
      {"credits, as 400",
       400,
       {},
       detail(R"({"status":"quota_exceeded","message":"m"})"),
       "no_credit, provider"},
      {"credits",
       402,
       {},
       detail(R"({"type":"payment_required","code":"insufficient_credits","message":"m"})"),
       "no_credit, provider"},
      {"a quota of someone else",
       429,
       {},
       R"({"error":{"code":"quota_exceeded"}})",
       "rate_limited"},
      {"a wrong key",
       401,
       {},
       detail(R"({"status":"invalid_api_key","message":"m"})"),
       "refused_key"},
      {"too many characters",
       400,
       {},
       detail(R"({"status":"max_character_limit_exceeded"})"),
       "too_large"},
      {"a long text", 400, {}, detail(R"({"code":"text_too_long"})"), "too_large"},
      {"no such voice", 400, {}, detail(R"({"status":"voice_not_found"})"), "not_found"},
      {"not in this plan", 403, {}, detail(R"({"status":"only_for_creator+"})"), "refused_key"},
      {"validation",
       422,
       {},
       detail(R"([{"loc":["body","text"],"msg":"why","type":"missing"}])"),
       "invalid_request"},
      {"processing", 409, {}, detail(R"({"code":"already_processing"})"), "server_error"},
      {"maintenance", 503, {}, detail(R"({"code":"maintenance"})"), "overloaded"},
  });
}

const std::vector<Row> openrouter_rows = {
    {"headers in epoch milliseconds",
     429,
     {date,
      {"x-ratelimit-limit", "20"},
      {"x-ratelimit-remaining", "0"},
      {"x-ratelimit-reset", "1785585630000"}},
     R"({"error":{"code":429,"message":"Rate limit exceeded","metadata":{"error_type":)"
     R"("rate_limit_exceeded"}}})",
     "rate_limited by requests, wait 30s: requests 20 left 0 full 30s violated"},
    {"headers in the body",
     429,
     {date},
     R"({"error":{"code":429,"message":"Rate limit exceeded: free-models-per-day. Add 10 )"
     R"(credits to unlock 1000 free model requests per day","metadata":{"headers":)"
     R"({"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":)"
     R"("1785628800000"}}}})",
     "quota_exhausted, wait 43200s: requests 50 left 0 full 43200s per 86400s violated"},
    {"free models per minute",
     429,
     {},
     R"({"error":{"code":429,"message":"Rate limit exceeded: free-models-per-min."}})",
     "rate_limited"},
    {"out of credits",
     402,
     {},
     R"({"error":{"code":402,"message":"This request requires more credits, or fewer )"
     R"(max_tokens. You requested up to 20480 tokens, but can only afford 1354."}})",
     "no_credit, provider"},
    {"too much in flight",
     402,
     {{"retry-after", "4"}},
     R"({"error":{"code":402,"message":"m","metadata":{"error_type":"payment_required",)"
     R"("limit_source":"openrouter_in_flight_budget"}}})",
     "rate_limited, wait 4s"},
    {"capacity",
     429,
     {},
     R"({"error":{"code":429,"message":"m","availability":{"code":"capacity_exhausted",)"
     R"("retryable":true,"retry_after":12.5}}})",
     "rate_limited, wait 12500ms"},
    {"not to be tried again",
     503,
     {},
     R"({"error":{"code":503,"message":"m","availability":{"retryable":false}}})",
     "not_found"},
    {"no endpoints, for now",
     404,
     {},
     R"({"error":{"code":404,"message":"m","availability":{"retryable":true,)"
     R"("retry_after":3}}})",
     "overloaded, wait 3s"},
    {"no endpoints", 404, {}, R"({"error":{"code":404,"message":"m"}})", "not_found"},
    {"upstream",
     502,
     {},
     R"({"error":{"code":502,"metadata":{"error_type":"provider_unavailable"}}})",
     "server_error"},
    {"inside a 200",
     200,
     {{"retry-after", "2"}},
     R"({"error":{"code":429,"message":"m"}})",
     "rate_limited, wait 2s"},
    {"refusal",
     400,
     {},
     R"({"error":{"code":400,"metadata":{"error_type":"refusal"}}})",
     "content_policy"},
};

TEST_CASE("a refusal of OpenRouter waits where it says so, and is final where it does not") {
  check_rows(openrouter_rows);
}

std::string says(const std::string& message) { return R"({"message":")" + message + "\"}"; }

const std::vector<Row> other_rows = {
    {"Mistral, capacity",
     429,
     {},
     R"({"object":"error","message":"Service tier capacity exceeded for this model.","type":)"
     R"("service_tier_capacity_exceeded","param":null,"code":"3505"})",
     "rate_limited"},
    {"Mistral, requests",
     429,
     {},
     R"({"message":"Requests rate limit exceeded","type":"rate_limited"})",
     "rate_limited by requests"},
    {"Cohere, a minute",
     429,
     {},
     says("You are past the per minute request limit, please wait and try again later."),
     "rate_limited by requests: requests per 60s violated"},
    {"Cohere, trial calls",
     429,
     {},
     says("You are using a Trial key, which is limited to 40 API calls / minute."),
     "rate_limited by requests: requests 40 per 60s violated"},
    {"Cohere, trial month",
     429,
     {},
     says("You are using a Trial key, which is limited to 1000 API calls / month."),
     "quota_exhausted, provider: requests 1000 per 2678400s violated"},
    {"Cohere, trial tokens",
     429,
     {},
     says("trial token rate limit exceeded, limit is 100000 tokens per minute"),
     "rate_limited by tokens: tokens 100000 per 60s violated"},
    {"Cohere, billing", 402, {}, says("x"), "no_credit, provider"},
    {"DeepSeek, balance",
     402,
     {},
     R"({"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":)"
     R"("invalid_request_error"}})",
     "no_credit, provider"},
    {"DeepSeek, concurrency",
     429,
     {},
     "\n\n" + says("Too many concurrent requests"),
     "rate_limited by concurrency"},
    {"GitHub, primary, as 403",
     403,
     {date,
      {"x-ratelimit-limit", "5000"},
      {"x-ratelimit-remaining", "0"},
      {"x-ratelimit-used", "5000"},
      {"x-ratelimit-reset", "1785585660"}},
     says("API rate limit exceeded"),
     "rate_limited by requests, wait 60s: requests 5000 left 0 full 60s violated"},
    {"GitHub, secondary",
     403,
     {{"retry-after", "60"}},
     says("secondary rate limit"),
     "rate_limited, wait 60s"},
    {"GitHub, no access",
     403,
     {{"x-ratelimit-remaining", "4999"}},
     says("no"),
     "refused_key: requests left 4999"},
    {"a proxy's page",
     429,
     {},
     "<html><title>429 Too Many Requests</title></html>",
     "rate_limited"},
};

TEST_CASE("refusals of Mistral, Cohere, DeepSeek and GitHub are told apart") {
  check_rows(other_rows);
}

}  // namespace
}  // namespace ratebatch::facts_gateway_test
