// What the headers of answers say about limits, for every way of writing them that is known.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"
#include "support/facts_support.hpp"

namespace ratebatch::facts_headers_test {

using namespace provider;
using namespace facts_support;

namespace {

Outcome answered_with(std::vector<Header> headers) {
  return find_dialect("openai")->read({.status = 200,
                                       .headers = std::move(headers),
                                       .body = R"({"choices":[{"message":{"content":"hi"}}]})"},
                                      {}, {.kind = ModelKind::chat, .raw_body = false});
}

struct Row {
  std::string name;
  std::vector<Header> headers;
  std::string facts;
};

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Outcome outcome = answered_with(row.headers);
    CHECK(outcome.kind == OutcomeClass::done);
    CHECK_FALSE(outcome.facts.wait);
    CHECK(shown(outcome.facts.limits) == row.facts);
  }
}

// 2026-08-01T12:00:00Z.
const Header date = {"date", "Sat, 01 Aug 2026 12:00:00 GMT"};

const std::vector<Row> resource_rows = {
    {"OpenAI",
     {{"x-ratelimit-limit-requests", "60"},
      {"x-ratelimit-limit-tokens", "150000"},
      {"x-ratelimit-remaining-requests", "59"},
      {"x-ratelimit-remaining-tokens", "149984"},
      {"x-ratelimit-reset-requests", "1s"},
      {"x-ratelimit-reset-tokens", "6m0s"},
      {"x-ratelimit-limit-project-tokens", "60000"},
      {"x-ratelimit-remaining-project-tokens", "57000"},
      {"x-ratelimit-reset-project-tokens", "3s"}},
     "requests 60 left 59 full 1s refills; tokens 150000 left 149984 full 360s refills; "
     "tokens 60000 left 57000 full 3s refills"},
    {"OpenAI, requests of a day",
     {{"x-ratelimit-limit-requests", "10000"},
      {"x-ratelimit-remaining-requests", "9999"},
      {"x-ratelimit-reset-requests", "8.64s"}},
     "requests 10000 left 9999 full 8640ms refills"},
    {"OpenAI, full again in no time",
     {{"x-ratelimit-limit-requests", "5000"},
      {"x-ratelimit-remaining-requests", "5000"},
      {"x-ratelimit-reset-requests", "0s"}},
     "requests 5000 left 5000 refills"},
    {"OpenAI, the older triple",
     {{"x-ratelimit-limit-tokens_usage_based", "150000"},
      {"x-ratelimit-remaining-tokens_usage_based", "1"},
      {"x-ratelimit-reset-tokens_usage_based", "1s"}},
     ""},
    {"OpenAI, requests of a project", {{"x-ratelimit-limit-project-requests", "7"}}, "requests 7"},
    {"Azure",
     {{"x-ratelimit-limit-requests", "100"},
      {"x-ratelimit-remaining-requests", "99"},
      {"x-ratelimit-reset-requests", "7"},
      {"x-ratelimit-renewalperiod-requests", "10"},
      {"x-ratelimit-limit-tokens", "50000"},
      {"x-ratelimit-remaining-tokens", "49000"},
      {"x-ratelimit-renewalperiod-tokens", "60"},
      {"x-ratelimit-type", "Tokens"},
      {"x-ratelimit-key", "k"}},
     "requests 100 left 99 full 7s per 10s; tokens 50000 left 49000 per 60s"},
    {"Azure without limits: -1",
     {{"x-ratelimit-limit-requests", "-1"},
      {"x-ratelimit-remaining-requests", "-1"},
      {"x-ratelimit-limit-tokens", "-1"},
      {"x-ratelimit-remaining-tokens", "0"}},
     ""},
    {"Azure without limits: 0",
     {{"x-ratelimit-limit-tokens", "0"},
      {"x-ratelimit-remaining-tokens", "0"},
      {"x-ratelimit-reset-tokens", "0"},
      {"x-ratelimit-remaining-requests", "0"}},
     ""},
    {"Groq",
     {{"x-groq-region", "us"},
      {"x-ratelimit-limit-requests", "14400"},
      {"x-ratelimit-limit-tokens", "18000"},
      {"x-ratelimit-remaining-requests", "14370"},
      {"x-ratelimit-remaining-tokens", "17997"},
      {"x-ratelimit-reset-requests", "2m59.56s"},
      {"x-ratelimit-reset-tokens", "7.66s"},
      {"x-ratelimit-limit-audio-seconds", "7200"},
      {"x-ratelimit-remaining-audio-seconds", "7000"}},
     "requests 14400 left 14370 full 179560ms per 86400s refills; "
     "tokens 18000 left 17997 full 7660ms per 60s refills"},
    {"like Groq, without its own header",
     {{"x-ratelimit-limit-requests", "14400"},
      {"x-ratelimit-remaining-requests", "14370"},
      {"x-ratelimit-reset-requests", "2m59.56s"}},
     "requests 14400 left 14370 full 179560ms refills"},
    {"Mistral",
     {{"x-ratelimit-limit-req-minute", "60"},
      {"x-ratelimit-remaining-req-minute", "59"},
      {"x-ratelimit-limit-tokens-minute", "500000"},
      {"x-ratelimit-remaining-tokens-minute", "499000"}},
     "requests 60 left 59 per 60s; tokens 500000 left 499000 per 60s"},
    {"Mistral by size",
     {{"ratelimitbysize-limit", "500000"},
      {"ratelimitbysize-remaining", "499990"},
      {"ratelimitbysize-reset", "55"},
      {"ratelimitbysize-query-cost", "10"},
      {"x-ratelimitbysize-limit-minute", "500000"},
      {"x-ratelimitbysize-remaining-minute", "499990"},
      {"x-ratelimitbysize-limit-month", "1000000000"},
      {"x-ratelimitbysize-remaining-month", "999999990"}},
     "tokens 500000 left 499990 full 55s; tokens 500000 left 499990 per 60s; "
     "tokens 1000000000 left 999999990 per 2678400s"},
    {"windows in the name",
     {{"x-ratelimit-limit-requests-day", "1000"},
      {"x-ratelimit-remaining-requests-day", "999"},
      {"x-ratelimit-reset-requests-day", "33011.382"}},
     "requests 1000 left 999 full 33011382ms per 86400s"},
};

TEST_CASE("x-ratelimit headers with a resource are read as each provider means them") {
  check_rows(resource_rows);
}

TEST_CASE("headers of dialects with names of their own are read") {
  check_rows({
      {"Anthropic",
       {date,
        {"anthropic-ratelimit-requests-limit", "1000"},
        {"anthropic-ratelimit-requests-remaining", "999"},
        {"anthropic-ratelimit-requests-reset", "2026-08-01T12:00:01Z"},
        {"anthropic-ratelimit-tokens-limit", "40000"},
        {"anthropic-ratelimit-tokens-remaining", "39000"},
        {"anthropic-ratelimit-tokens-reset", "2026-08-01T14:00:02+02:00"},
        {"anthropic-ratelimit-input-tokens-limit", "30000"},
        {"anthropic-ratelimit-input-tokens-remaining", "30000"},
        {"anthropic-ratelimit-input-tokens-reset", "2026-08-01T12:00:00Z"},
        {"anthropic-ratelimit-output-tokens-limit", "8000"},
        {"anthropic-ratelimit-output-tokens-remaining", "7000"},
        {"anthropic-ratelimit-output-tokens-reset", "2026-08-01T12:00:07.5Z"},
        {"anthropic-priority-input-tokens-limit", "1"},
        {"anthropic-priority-input-tokens-remaining", "0"},
        {"anthropic-fast-output-tokens-limit", "1"}},
       "requests 1000 left 999 full 1s per 60s refills; "
       "tokens 40000 left 39000 full 2s per 60s refills; "
       "input_tokens 30000 left 30000 per 60s refills; "
       "output_tokens 8000 left 7000 full 7500ms per 60s refills"},
      {"Anthropic, without a date",
       {{"anthropic-ratelimit-requests-limit", "1000"},
        {"anthropic-ratelimit-requests-remaining", "0"},
        {"anthropic-ratelimit-requests-reset", "2026-08-01T12:00:01Z"}},
       "requests 1000 left 0 per 60s refills"},
      {"Together, older",
       {{"x-ratelimit-limit", "10"},
        {"x-ratelimit-remaining", "9"},
        {"x-ratelimit-reset", "1"},
        {"x-tokenlimit-limit", "3000"},
        {"x-tokenlimit-remaining", "2900"},
        {"x-ratelimit-limit-dynamic", "20"},
        {"x-ratelimit-remaining-dynamic", "19"},
        {"x-tokenlimit-limit-dynamic", "6000"},
        {"x-tokenlimit-remaining-dynamic", "5900"}},
       "requests 10 left 9 full 1s per 1s; tokens 3000 left 2900 per 1s; "
       "requests 20 left 19 per 1s; tokens 6000 left 5900 per 1s"},
      {"Cohere, trial",
       {{"x-endpoint-monthly-call-limit", "1000"},
        {"x-trial-endpoint-call-limit", "40"},
        {"x-trial-endpoint-call-remaining", "39"}},
       "requests 1000 per 2678400s; requests 40 left 39 per 60s"},
      {"ElevenLabs",
       {{"current-concurrent-requests", "1"}, {"maximum-concurrent-requests", "5"}},
       ""},
  });
}

TEST_CASE("a bare x-ratelimit-reset is what its size says: epoch, seconds, duration or instant") {
  const std::vector<std::pair<std::string, std::string>> resets = {
      {"1785585605000", "full 5s"},  // OpenRouter: epoch milliseconds.
      {"1785585605", "full 5s"},     // GitHub, express: epoch seconds.
      {"5", "full 5s"},              // fastify: seconds.
      {"5.5", "full 5500ms"},
      {"1m5s", "full 65s"},
      {"500\xC2\xB5s", "full 500000ns"},
      {"2026-08-01T12:00:05Z", "full 5s"},
      {"1785585600", ""},  // Now.
      {"1785585599", ""},  // Past.
      {"0", ""},
      {"-1", ""},
      {"", ""},
      {"soon", ""},
      {"2764800", "full 2764800s"},  // 32 days.
      {"2764801", ""},
      {"999999999", ""},
      {"1788350400", "full 2764800s"},
      {"1788350401", ""},
      {"99999999999999999999", ""},
  };
  for (const auto& [reset, full] : resets) {
    CAPTURE(reset);
    const std::string expected = full.empty() ? "requests 100 left 99" : "requests 100 left 99 ";
    const auto with = [&](bool with_date) {
      std::vector<Header> headers = {{"x-ratelimit-limit", "100"},
                                     {"x-ratelimit-remaining", "99"},
                                     {"x-ratelimit-used", "1"},
                                     {"x-ratelimit-resource", "core"},
                                     {"x-ratelimit-reset", reset}};
      if (with_date) headers.push_back(date);
      return shown(answered_with(headers).facts.limits);
    };
    CHECK(with(true) == expected + full);
    // Instants say nothing without the server's clock.
    const bool is_instant = reset.size() >= 10;
    CHECK(with(false) == (is_instant ? "requests 100 left 99" : expected + full));
  }
}

TEST_CASE("the RateLimit fields of each draft are read, and malformed ones ignored whole") {
  check_rows({
      {"draft 11",
       {{"ratelimit-policy", R"("burst";q=100;w=60,"daily";q=1000;w=86400)"},
        {"ratelimit", R"("burst";r=50;t=30)"}},
       "requests 100 left 50 full 30s per 60s; requests 1000 per 86400s"},
      {"draft 11, a limit without a policy",
       {{"ratelimit", R"("default";r=50;t=30)"}},
       "requests left 50 full 30s"},
      {"draft 11, as express writes it",
       {{"ratelimit-policy", R"("100-in-1min"; q=100; w=60; pk=:MTIzNDU2:)"},
        {"ratelimit", R"("100-in-1min"; r=99; t=51; pk=:MTIzNDU2:)"}},
       "requests 100 left 99 full 51s per 60s"},
      {"draft 11, units",
       {{"ratelimit-policy",
         R"("bytes";q=9;w=1;qu="content-bytes","t";q=5;w=60;qu="tokens","c";q=4;)"
         R"(qu="concurrent-requests")"},
        {"ratelimit", R"("bytes";r=1, "t";r=0)"}},
       "tokens 5 left 0 per 60s"},
      {"draft 11, several lines",
       {{"ratelimit", R"("a";r=1)"}, {"ratelimit", R"("b";r=2;t=9)"}},
       "requests left 1; requests left 2 full 9s"},
      {"draft 07",
       {{"ratelimit", "limit=100, remaining=50, reset=5"}, {"ratelimit-policy", "100;w=60"}},
       "requests 100 left 50 full 5s per 60s"},
      {"draft 06",
       {{"ratelimit-limit", "100"},
        {"ratelimit-remaining", "50"},
        {"ratelimit-reset", "5"},
        {"ratelimit-policy", "100;w=60, 1000;w=3600"}},
       "requests 100 left 50 full 5s per 60s; requests 1000 per 3600s"},
      {"draft 03, the policies behind the limit",
       {{"ratelimit-limit", "100, 100;w=60, 1000;w=3600"},
        {"ratelimit-remaining", "50"},
        {"ratelimit-reset", "5"}},
       "requests 100 left 50 full 5s per 60s; requests 1000 per 3600s"},
      {"the same twice, in both ways",
       {{"x-ratelimit-limit", "100"},
        {"x-ratelimit-remaining", "50"},
        {"ratelimit-limit", "100"},
        {"ratelimit-remaining", "50"},
        {"ratelimit-reset", "5"}},
       "requests 100 left 50 full 5s"},
      {"no remaining", {{"ratelimit", R"("a";t=5)"}}, ""},
      {"one bad item spoils all", {{"ratelimit", R"("a";r=5, "b";r=x)"}}, ""},
      {"negative", {{"ratelimit", R"("a";r=-5)"}}, ""},
      {"a fraction", {{"ratelimit", R"("a";r=5.5)"}}, ""},
      {"a quote left open", {{"ratelimit", R"("a;r=5)"}}, ""},
      {"a comma at the end", {{"ratelimit", R"("a";r=5,)"}}, ""},
      {"a bad policy leaves the limit",
       {{"ratelimit-policy", R"("a";w=60)"}, {"ratelimit", R"("a";r=5)"}},
       "requests left 5"},
      {"a bad limit leaves the policy",
       {{"ratelimit-policy", R"("a";q=9;w=60)"}, {"ratelimit", R"("a";r=)"}},
       "requests 9 per 60s"},
      {"draft 07, a bad number", {{"ratelimit", "limit=100, remaining=x"}}, ""},
  });
  const Outcome outcome =
      answered_with({{"ratelimit-policy", R"("c";q=4;qu="concurrent-requests")"}});
  CHECK(outcome.facts.concurrency_max == 4);
}

TEST_CASE("values that cannot be true, or stand twice, are left out") {
  check_rows({
      {"more left than there is",
       {{"x-ratelimit-limit-tokens", "10"}, {"x-ratelimit-remaining-tokens", "11"}},
       ""},
      {"as much left as there is",
       {{"x-ratelimit-limit-tokens", "10"}, {"x-ratelimit-remaining-tokens", "10"}},
       "tokens 10 left 10"},
      {"nothing left, and no reset",
       {{"x-ratelimit-limit-tokens", "10"}, {"x-ratelimit-remaining-tokens", "0"}},
       "tokens 10 left 0"},
      {"the first holds",
       {{"x-ratelimit-limit-tokens", "10"}, {"x-ratelimit-limit-tokens", "20"}},
       "tokens 10"},
      {"empty",
       {{"x-ratelimit-limit-tokens", ""}, {"x-ratelimit-remaining-tokens", " 5 "}},
       "tokens left 5"},
      {"no number", {{"x-ratelimit-limit-tokens", "many"}}, ""},
      {"a fraction", {{"x-ratelimit-limit-tokens", "150000.0"}}, "tokens 150000"},
      {"a list", {{"x-ratelimit-limit", "100, 100;window=60"}}, "requests 100"},
      {"the most that counts",
       {{"x-ratelimit-limit", "1000000000000000"}},
       "requests 1000000000000000"},
      {"too many", {{"x-ratelimit-limit", "1000000000000001"}}, ""},
      {"a lone reset", {{"x-ratelimit-reset", "5"}}, ""},
      {"a word that is not known", {{"x-ratelimit-limit-apples", "5"}}, ""},
      {"two fields in one name", {{"x-ratelimit-limit-remaining", "5"}}, ""},
      {"input requests", {{"x-ratelimit-limit-input-requests", "5"}}, ""},
      {"no field", {{"x-ratelimit-tokens", "5"}}, ""},
      {"nothing behind the prefix", {{"x-ratelimit-", "5"}}, ""},
      {"no name", {{"", "5"}}, ""},
  });
}

TEST_CASE("the announced concurrency, the date and the characters charged are kept") {
  const Outcome outcome = answered_with({date,
                                         {"maximum-concurrent-requests", "5"},
                                         {"x-character-count", "7"},
                                         {"character-cost", "120"}});
  CHECK(outcome.facts.concurrency_max == 5);
  CHECK(outcome.facts.server_time == wall_from_ms(1785585600000));
  CHECK(outcome.usage == Usage{.characters = 120});
  CHECK(answered_with({{"x-character-count", "7"}}).usage.characters == 7);
  for (const std::string none : {"0", "-1", "", "x", "2147483648"}) {
    CAPTURE(none);
    CHECK_FALSE(answered_with({{"maximum-concurrent-requests", none}}).facts.concurrency_max);
  }
  CHECK(answered_with({{"maximum-concurrent-requests", "2147483647"}}).facts.concurrency_max ==
        2147483647);
  CHECK_FALSE(answered_with({{"date", "soon"}}).facts.server_time);
}

TEST_CASE("a 2xx without an answer tells of limits as well") {
  for (const std::string body : {"{", R"({"choices":[{"message":{"content":""}}]})",
                                 R"({"error":{"code":502,"message":"m"}})"}) {
    CAPTURE(body);
    const Outcome outcome = find_dialect("openai")->read(
        {.status = 200, .headers = {date, {"x-ratelimit-limit-tokens", "9"}}, .body = body}, {},
        {.kind = ModelKind::chat, .raw_body = false});
    CHECK_FALSE(outcome.answer);
    CHECK(shown(outcome.facts.limits) == "tokens 9");
    CHECK(outcome.facts.server_time == wall_from_ms(1785585600000));
  }
  const Outcome refused = find_dialect("openai")->read(
      {.status = 200, .headers = {date}, .body = R"({"error":{"code":"insufficient_quota"}})"}, {},
      {.kind = ModelKind::chat, .raw_body = false});
  CHECK(refused.facts.scope == RefusalScope::provider);
}

}  // namespace
}  // namespace ratebatch::facts_headers_test
