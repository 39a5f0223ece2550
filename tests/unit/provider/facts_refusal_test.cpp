// What refusals say: class, limit, wait, scope and facts, for each provider as replies were seen,
// and the traps in them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"
#include "support/facts_support.hpp"

namespace ratebatch::facts_refusal_test {

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

std::string openai(const std::string& message, const std::string& type,
                   const std::string& code = "rate_limit_exceeded") {
  return R"({"error":{"message":")" + message + R"(","type":")" + type +
         R"(","param":null,"code":")" + code + R"("}})";
}

// 2026-08-01T12:00:00Z.
const Header date = {"date", "Sat, 01 Aug 2026 12:00:00 GMT"};

const std::string reached = "Rate limit reached for M in organization org-X on ";

const std::vector<Row> openai_rows = {
    {"TPM",
     429,
     {},
     openai(reached + "tokens per min (TPM): Limit 10000, Used 9689, Requested 333. Please try "
                      "again in 132ms. Visit https://x/y to learn more.",
            "tokens"),
     "rate_limited by tokens, wait 132ms, requested 333: tokens 10000 per 60s violated used "
     "9689"},
    {"TPM of a project",
     429,
     {},
     openai("Rate limit reached for M in project proj_X organization org-X on tokens per min "
            "(TPM): Limit 50000, Used 47949, Requested 3006. Please try again in 1.146s.",
            "tokens"),
     "rate_limited by tokens, wait 1146ms, requested 3006: tokens 50000 per 60s violated used "
     "47949"},
    {"RPM",
     429,
     {{"retry-after", "1"}},
     openai(reached + "requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again "
                      "in 20s.",
            "requests"),
     "rate_limited by requests, wait 20s, requested 1: requests 3 per 60s violated used 3"},
    {"RPD",
     429,
     {},
     openai(reached + "requests per day (RPD): Limit 200, Used 200, Requested 1. Please try "
                      "again in 7m12s.",
            "requests"),
     "quota_exhausted, wait 432s, requested 1: requests 200 per 86400s violated used 200"},
    {"IPM",
     429,
     {},
     openai(reached + "images per minute (IPM): Limit 5, Used 5, Requested 1. Please try again "
                      "in 12s.",
            "images"),
     "rate_limited by images, wait 12s, requested 1: images 5 per 60s violated used 5"},
    {"too large",
     429,
     {},
     openai("Request too large for gpt-4o in organization org-X on tokens per min (TPM): Limit "
            "30000, Requested 34307. The input or output tokens must be reduced.",
            "tokens"),
     "too_large, requested 34307: tokens 30000 per 60s violated"},
    {"of 2023, tokens",
     429,
     {},
     openai("Rate limit reached for gpt-4 on tokens per min. Limit: 250000.000000 / min. "
            "Current: 275070.000000 / min.",
            ""),
     "rate_limited by tokens: tokens 250000 per 60s violated used 250000"},
    {"of 2023, requests",
     429,
     {},
     openai("Rate limit reached on requests per min. Limit: 3 / min. Please try again in 20s. "
            "Contact us",
            ""),
     "rate_limited by requests, wait 20s: requests 3 per 60s violated"},
    {"insufficient_quota",
     429,
     {},
     openai("You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota", "insufficient_quota"),
     "quota_exhausted, provider"},
    {"credit_balance_exhausted",
     429,
     {},
     openai("x", "insufficient_quota", "credit_balance_exhausted"),
     "no_credit, provider"},
    {"organization_spend_limit_exceeded",
     429,
     {},
     openai("x", "insufficient_quota", "organization_spend_limit_exceeded"),
     "no_credit, provider"},
    {"project_spend_limit_exceeded",
     429,
     {},
     openai("x", "insufficient_quota", "project_spend_limit_exceeded"),
     "no_credit, provider"},
    {"organization_usage_limit_exceeded",
     429,
     {},
     openai("x", "insufficient_quota", "organization_usage_limit_exceeded"),
     "no_credit, provider"},
    {"billing_hard_limit_reached",
     400,
     {},
     openai("x", "", "billing_hard_limit_reached"),
     "no_credit, provider"},
    {"slow_down", 429, {}, openai("x", "rate_limit_error", "slow_down"), "overloaded"},
};

TEST_CASE("a refusal of OpenAI names its limit, to the millisecond") { check_rows(openai_rows); }

const std::vector<Header> headers = {
    {"x-ratelimit-limit-requests", "10000"},   {"x-ratelimit-remaining-requests", "9000"},
    {"x-ratelimit-reset-requests", "2h24m0s"}, {"x-ratelimit-limit-tokens", "200000"},
    {"x-ratelimit-remaining-tokens", "4131"},  {"x-ratelimit-reset-tokens", "58.76s"}};

const std::vector<Row> merged_rows = {
    {"by its amount", 429, headers,
     openai("on tokens per min (TPM): Limit 200000, Used 195869, Requested 4412. Please try "
            "again in 84ms.",
            "tokens"),
     "rate_limited by tokens, wait 84ms, requested 4412: "
     "requests 10000 left 9000 full 8640s refills; "
     "tokens 200000 left 4131 full 58760ms per 60s refills violated used 195869"},
    {"the requests of a minute are not those of the day", 429, headers,
     openai("on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in "
            "120ms.",
            "requests"),
     "rate_limited by requests, wait 120ms, requested 1: "
     "requests 10000 left 9000 full 8640s refills; "
     "tokens 200000 left 4131 full 58760ms refills; "
     "requests 500 per 60s violated used 500"},
    {"none named: the one of which nothing is left",
     429,
     {{"x-ratelimit-limit-requests", "60"},
      {"x-ratelimit-remaining-requests", "5"},
      {"x-ratelimit-limit-tokens", "9000"},
      {"x-ratelimit-remaining-tokens", "0"},
      {"x-ratelimit-reset-tokens", "30s"}},
     "",
     "rate_limited by tokens, wait 30s: requests 60 left 5; "
     "tokens 9000 left 0 full 30s refills violated"},
    {"none named, and nothing left of two",
     429,
     {{"x-ratelimit-remaining-requests", "0"},
      {"x-ratelimit-reset-requests", "10s"},
      {"x-ratelimit-remaining-tokens", "0"},
      {"x-ratelimit-reset-tokens", "30s"}},
     "",
     "rate_limited, wait 30s: requests left 0 full 10s refills; tokens left 0 full 30s refills"},
    {"Retry-After before a reset",
     429,
     {{"retry-after", "2"},
      {"x-ratelimit-remaining-tokens", "0"},
      {"x-ratelimit-reset-tokens", "30s"}},
     "",
     "rate_limited by tokens, wait 2s: tokens left 0 full 30s refills violated"},
    {"a reset of what is not used up is no wait",
     429,
     {{"x-ratelimit-remaining-tokens", "7"}, {"x-ratelimit-reset-tokens", "30s"}},
     "",
     "rate_limited: tokens left 7 full 30s refills"},
    {"a long window of the headers is a quota",
     429,
     {{"ratelimit-policy", R"("burst";q=100;w=60,"daily";q=1000;w=86400)"},
      {"ratelimit", R"("burst";r=50;t=30, "daily";r=0;t=3600)"}},
     "",
     "quota_exhausted, wait 3600s: requests 100 left 50 full 30s per 60s; "
     "requests 1000 left 0 full 3600s per 86400s violated"},
    {"a problem names its policy",
     429,
     {{"ratelimit-policy", R"("burst";q=100;w=60,"rows";q=1000;w=60)"}, {"retry-after", "3"}},
     R"({"type":"https://iana.org/assignments/http-problem-types#quota-exceeded",)"
     R"("title":"too many","violated-policies":["rows",7]})",
     "rate_limited by requests, wait 3s: requests 100 per 60s; requests 1000 per 60s violated"},
    {"a month of the headers is a quota",
     429,
     {{"x-ratelimitbysize-remaining-month", "0"},
      {"x-ratelimitbysize-remaining-minute", "9"},
      {"ratelimitbysize-query-cost", "12"}},
     "",
     "quota_exhausted, requested 12: tokens left 0 per 2678400s violated; tokens left 9 per "
     "60s"},
};

TEST_CASE("the limit of the body is found among those of the headers, and completes it") {
  check_rows(merged_rows);
}

TEST_CASE("a refusal of Azure waits for its period where its hints are zero") {
  const std::vector<Header> used_up = {{"retry-after", "1"},
                                       {"retry-after-ms", "0"},
                                       {"x-ratelimit-remaining-tokens", "0"},
                                       {"x-ratelimit-renewalperiod-tokens", "60"},
                                       {"x-ratelimit-reset-tokens", "0"},
                                       {"x-ratelimit-type", "Tokens"}};
  const auto azure = [](const std::string& kind, const std::string& wait) {
    return R"({"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation )"
           R"(under Azure OpenAI API version 2023-07-01-preview have exceeded )" +
           kind + R"( rate limit of your current OpenAI S0 pricing tier.)" + wait +
           R"( Please go here: https://aka.ms/oai/quotaincrease for more."}})";
  };
  check_rows({
      {"tokens",
       429,
       {},
       azure("token", " Please retry after 7 seconds."),
       "rate_limited by tokens, wait 7s"},
      {"calls",
       429,
       {},
       azure("call", " Please retry after 1 second."),
       "rate_limited by requests, wait 1s"},
      {"neither",
       429,
       {},
       R"({"error":{"code":"429","message":"Rate limit is exceeded. Try later"}})",
       "rate_limited"},
      {"zero hints", 429, used_up, "",
       "rate_limited by tokens, wait 60s: tokens left 0 per 60s violated"},
      {"zero hints, but a message", 429, used_up, azure("token", " Please retry after 7 seconds."),
       "rate_limited by tokens, wait 7s: tokens left 0 per 60s violated"},
      {"the more exact hint",
       429,
       {{"retry-after", "1"}, {"retry-after-ms", "250"}},
       "",
       "rate_limited, wait 250ms"},
      {"-1 everywhere",
       429,
       {{"x-ratelimit-remaining-tokens", "-1"}, {"x-ratelimit-limit-tokens", "-1"}},
       "",
       "rate_limited"},
  });
}

TEST_CASE("a refusal of Groq is of a day for requests, of a minute for tokens") {
  check_rows({
      {"TPD",
       429,
       {{"x-groq-region", "us"}, {"retry-after", "124"}},
       openai("Rate limit reached for model `llama` in organization `org` service tier "
              "`on_demand` on tokens per day (TPD): Limit 500000, Used 499500, Requested 1213. "
              "Please try again in 2m3.16s.",
              "tokens"),
       "quota_exhausted, wait 124s, requested 1213: tokens 500000 per 86400s violated used "
       "499500"},
      {"requests by header",
       429,
       {{"x-groq-region", "us"},
        {"retry-after", "6.5"},
        {"x-ratelimit-limit-requests", "14400"},
        {"x-ratelimit-remaining-requests", "0"}},
       "",
       "quota_exhausted, wait 6500ms: requests 14400 left 0 per 86400s violated"},
      {"audio seconds of a day",
       429,
       {},
       openai("Rate limit reached on seconds of audio per day (ASPD): Limit 28800, Used 28700, "
              "Requested 200. Please try again in 5m.",
              "audio"),
       "quota_exhausted, wait 300s"},
      {"audio seconds of an hour",
       429,
       {},
       openai("Rate limit reached on seconds of audio per hour (ASPH): Limit 7200, Used 7100, "
              "Requested 200. Please try again in 50s.",
              "audio"),
       "rate_limited, wait 50s"},
  });
}

std::string anthropic(const std::string& type, const std::string& message,
                      const std::string& more = "") {
  return R"({"type":"error","error":{"type":")" + type + R"(","message":")" + message + "\"" +
         more + R"(},"request_id":"req_1"})";
}

const std::vector<Row> anthropic_rows = {
    {"input tokens",
     429,
     {{"retry-after", "17"},
      date,
      {"anthropic-ratelimit-input-tokens-limit", "30000"},
      {"anthropic-ratelimit-input-tokens-remaining", "0"},
      {"anthropic-ratelimit-input-tokens-reset", "2026-08-01T12:01:00Z"}},
     anthropic("rate_limit_error",
               "This request would exceed your organization's rate limit of 30,000 input tokens "
               "per minute (org: o, model: claude-sonnet-4-20250514)."),
     "rate_limited by tokens, wait 17s: "
     "input_tokens 30000 left 0 full 60s per 60s refills violated"},
    {"output tokens, no headers",
     429,
     {},
     anthropic("rate_limit_error",
               "would exceed the rate limit of 8,000 output tokens per "
               "minute"),
     "rate_limited by tokens: output_tokens 8000 per 60s violated"},
    {"concurrency",
     429,
     {},
     anthropic("rate_limit_error", "Number of concurrent connections exceeds your rate limit"),
     "rate_limited by concurrency"},
    {"acceleration",
     429,
     {{"retry-after", "5"}},
     anthropic("rate_limit_error", "Slow growth"),
     "rate_limited, wait 5s"},
    {"enforced spend limit",
     429,
     {},
     anthropic("rate_limit_error",
               "You have reached your API usage limits: x. You will regain access on 2026-09-01 "
               "at 00:00 UTC.",
               R"(,"details":{"error_code":"enforced_spend_limit_reached"})"),
     "no_credit, provider"},
    {"enforced spend limit, by its code alone",
     429,
     {},
     anthropic("rate_limit_error", "x",
               R"(,"details":{"error_code":"enforced_spend_limit_reached"})"),
     "no_credit, provider"},
    {"own spend limit",
     400,
     {},
     anthropic("invalid_request_error", "You have reached your specified API usage limits."),
     "no_credit, provider"},
    {"spend limit of a workspace",
     400,
     {},
     anthropic("invalid_request_error",
               "You have reached your specified workspace API usage limits."),
     "no_credit, provider"},
    {"balance",
     400,
     {},
     anthropic("invalid_request_error",
               "Your credit balance is too low to access the Anthropic API."),
     "no_credit, provider"},
    {"billing", 402, {}, anthropic("billing_error", "x"), "no_credit, provider"},
    {"overloaded", 529, {}, anthropic("overloaded_error", "Overloaded"), "overloaded"},
    {"400", 400, {}, anthropic("invalid_request_error", "x"), "invalid_request"},
    {"401", 401, {}, anthropic("authentication_error", "x"), "refused_key"},
    {"403", 403, {}, anthropic("permission_error", "x"), "refused_key"},
    {"404", 404, {}, anthropic("not_found_error", "x"), "not_found"},
    {"409", 409, {}, anthropic("conflict_error", "x"), "server_error"},
    {"413", 413, {}, anthropic("request_too_large", "x"), "too_large"},
    {"500", 500, {}, anthropic("api_error", "x"), "server_error"},
    {"504", 504, {}, anthropic("timeout_error", "x"), "timeout"},
};

TEST_CASE("a refusal of Anthropic waits, or is about money") { check_rows(anthropic_rows); }

}  // namespace
}  // namespace ratebatch::facts_refusal_test
