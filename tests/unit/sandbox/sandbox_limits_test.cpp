// How the sandbox answers at its limits: words, headers, keys and corrections, without sockets.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sandbox/service.hpp"

namespace ratebatch::sandbox_limits_test {

using namespace sandbox;

namespace {

constexpr Now at(std::int64_t ms) {
  return {Instant{ms * 1'000'000}, WallTime{1'700'000'000'000'000'000 + ms * 1'000'000}};
}

struct Bench {
  explicit Bench(std::string_view text)
      : options(parse_sandbox_options(text).value()), service(options, ledger, at(0)) {}

  // A chat of 400 characters, thus 100 tokens, and as many of an answer as `tokens_max`.
  std::variant<Reply, Admitted> chat(std::int64_t tokens_max, std::int64_t ms = 0,
                                     std::string_view key = "Bearer a") {
    const std::string body = R"({"model":"m","max_tokens":)" + std::to_string(tokens_max) +
                             R"(,"messages":[{"role":"user","content":")" + std::string(400, 'x') +
                             R"("}]})";
    return service.ask({.method = "POST",
                        .path = "/v1/chat/completions",
                        .query = "",
                        .headers = {{"Authorization", key}},
                        .body = body},
                       at(ms));
  }
  std::variant<Reply, Admitted> pictures(int n, std::int64_t ms = 0) {
    const std::string body = R"({"model":"i","prompt":"whale","n":)" + std::to_string(n) + "}";
    return service.ask({.method = "POST",
                        .path = "/v1/images/generations",
                        .query = "",
                        .headers = {},
                        .body = body},
                       at(ms));
  }

  SandboxOptions options;
  Ledger ledger;
  Service service;
};

std::string header(const std::vector<Header>& headers, std::string_view name) {
  for (const Header& h : headers) {
    if (h.name == name) return h.value;
  }
  return "(absent)";
}

// "limit remaining reset" of a resource.
std::string triple(const std::vector<Header>& headers, const std::string& resource) {
  return header(headers, "x-ratelimit-limit-" + resource) + ' ' +
         header(headers, "x-ratelimit-remaining-" + resource) + ' ' +
         header(headers, "x-ratelimit-reset-" + resource);
}

const std::string no_triple = "(absent) (absent) (absent)";

const Reply& refusal(const std::variant<Reply, Admitted>& verdict) {
  const auto* reply = std::get_if<Reply>(&verdict);
  REQUIRE(reply != nullptr);
  CHECK(reply->status == 429);
  return *reply;
}

const Admitted& grant(const std::variant<Reply, Admitted>& verdict) {
  const auto* admitted = std::get_if<Admitted>(&verdict);
  REQUIRE(admitted != nullptr);
  return *admitted;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST_CASE("success and refusal tell the requests and the tokens that are left") {
  // Of a bucket of 600 tokens a minute, one comes back each 100 ms; of 60 requests, one a second.
  Bench bench("algorithm=bucket,tpm=600,rpm=60");
  const auto first = bench.chat(10);
  CHECK(triple(grant(first).headers, "requests") == "60 59 1s");
  CHECK(triple(grant(first).headers, "tokens") == "600 490 11s");
  const auto second = bench.chat(50, 1000);
  CHECK(triple(grant(second).headers, "requests") == "60 59 1s");
  CHECK(triple(grant(second).headers, "tokens") == "600 350 25s");
  CHECK(triple(grant(bench.chat(50, 1000)).headers, "tokens") == "600 200 40s");
  CHECK(triple(grant(bench.chat(1, 1000)).headers, "tokens") == "600 99 50.1s");

  const auto fourth = bench.chat(10, 1000);
  const Reply& refused = refusal(fourth);
  CHECK(triple(refused.headers, "requests") == "60 57 3s");
  CHECK(triple(refused.headers, "tokens") == "600 99 50.1s");
  CHECK(header(refused.headers, "Retry-After") == "2");
  CHECK(holds(refused.body,
              "on tokens per min (TPM): Limit 600, Used 501, Requested 110. Please try again in "
              "1.1s. Visit"));
  CHECK(holds(refused.body, R"("type":"tokens")"));
  CHECK(std::holds_alternative<Reply>(bench.chat(10, 2099)));
  CHECK(std::holds_alternative<Admitted>(bench.chat(10, 2100)));
  CHECK(bench.ledger.snapshot().refused_by == std::map<std::string, std::int64_t>{{"tpm", 2}});
}

TEST_CASE("a refusal understood to the millisecond: Limit 10000, Used 9689, Requested 333") {
  Bench bench("algorithm=bucket,tpm=10000,token_count=reserve");
  const auto before = bench.chat(9689);
  static_cast<void>(grant(before));
  const auto verdict = bench.chat(333);
  const Reply& refused = refusal(verdict);
  CHECK(holds(refused.body,
              "Limit 10000, Used 9689, Requested 333. Please try again in 132ms. Visit"));
  CHECK(header(refused.headers, "Retry-After") == "1");
  CHECK(std::holds_alternative<Reply>(bench.chat(333, 131)));
  CHECK(std::holds_alternative<Admitted>(bench.chat(333, 132)));
}

TEST_CASE("what was reserved and not used is free as soon as the answer is sent") {
  Bench bench("tpm=1000,token_count=reserve");
  const auto first = bench.chat(1000);
  const std::int64_t use = grant(first).use[index_of(Resource::tokens)];
  CHECK(use < 400);
  CHECK(triple(grant(first).headers, "tokens") == "1000 0 1m0s");
  CHECK(holds(refusal(bench.chat(100)).body, "Used 1000, Requested 100."));
  bench.service.end(grant(first), false, at(200));
  const auto next = bench.chat(500, 200);
  CHECK(header(grant(next).headers, "x-ratelimit-remaining-tokens") == std::to_string(500 - use));
}

TEST_CASE("a request larger than the window is told so, and not when to come back") {
  Bench bench("tpm=120,rpm=5");
  CHECK(std::holds_alternative<Admitted>(bench.chat(20)));
  const auto verdict = bench.chat(21);
  const Reply& refused = refusal(verdict);
  CHECK(holds(refused.body,
              "Request too large for m in organization org-sandbox on tokens per min (TPM): Limit "
              "120, Requested 121. The input or output tokens must be reduced"));
  CHECK(header(refused.headers, "Retry-After") == "(absent)");
  CHECK(triple(refused.headers, "requests") == "5 4 1m0s");
}

TEST_CASE("each key has counters of its own unless they are shared") {
  Bench separate("rpd=1");
  for (const char* key : {"Bearer a", "Bearer b"}) {
    CHECK(triple(grant(separate.chat(1, 0, key)).headers, "requests") == "1 0 24h0m0s");
    CHECK(holds(refusal(separate.chat(1, 0, key)).body, "on requests per day (RPD): Limit 1, "));
  }
  const SandboxStats stats = separate.ledger.snapshot();
  for (const char* key : {"key 1", "key 2"}) {
    CHECK(stats.keys.at(key).granted == 1);
    CHECK(stats.keys.at(key).refused == 1);
  }
  CHECK(stats.keys.size() == 2);

  Bench shared("rpd=1,keys=shared");
  CHECK(std::holds_alternative<Admitted>(shared.chat(1, 0, "Bearer a")));
  CHECK(std::holds_alternative<Reply>(shared.chat(1, 0, "Bearer b")));
  CHECK(shared.ledger.snapshot().keys.size() == 1);
}

TEST_CASE("with headers off nothing tells of limits but that one was reached") {
  Bench bench("headers=off,rpm=2,tpm=120");
  const auto first = bench.chat(10);
  CHECK(triple(grant(first).headers, "requests") == no_triple);
  CHECK(triple(grant(first).headers, "tokens") == no_triple);
  bench.service.end(grant(first), false, at(0));
  for (const auto& [tokens, words] :
       {std::pair{1,
                  "Rate limit reached for m in organization org-sandbox on tokens per min "
                  "(TPM).\""},
        std::pair{90,
                  "Request too large for m in organization org-sandbox on tokens per min "
                  "(TPM).\""}}) {
    const auto verdict = bench.chat(tokens);
    const Reply& refused = refusal(verdict);
    CHECK(holds(refused.body, words));
    CHECK(triple(refused.headers, "requests") == no_triple);
    CHECK(triple(refused.headers, "tokens") == no_triple);
    CHECK(header(refused.headers, "Retry-After") == "(absent)");
  }
  Bench at_once("headers=off,concurrency=1");
  CHECK(std::holds_alternative<Admitted>(at_once.chat(1)));
  CHECK(header(refusal(at_once.chat(1)).headers, "Retry-After") == "(absent)");
}

TEST_CASE("pictures are counted by their number") {
  Bench bench("ipm=5,algorithm=bucket");
  CHECK(std::holds_alternative<Admitted>(bench.pictures(4)));
  const auto verdict = bench.pictures(2);
  const Reply& refused = refusal(verdict);
  CHECK(holds(refused.body,
              "on images per min (IPM): Limit 5, Used 4, Requested 2. Please try again in 12s."));
  CHECK(holds(refused.body, R"("type":"images")"));
  CHECK(triple(refused.headers, "requests") == no_triple);
  CHECK(std::holds_alternative<Admitted>(bench.pictures(1)));
  CHECK(holds(refusal(bench.pictures(6)).body, "Request too large for i"));
}

TEST_CASE("fifty in any ten seconds") {
  Bench bench("window=10s:50,latency=100ms,algorithm=sliding");
  for (int i = 0; i < 50; ++i) CHECK(std::holds_alternative<Admitted>(bench.chat(1, i)));
  const auto verdict = bench.chat(1, 60);
  CHECK(holds(refusal(verdict).body,
              "on requests per 10s: Limit 50, Used 50, Requested 1. Please try again in 9.94s."));
  CHECK(std::holds_alternative<Reply>(bench.chat(1, 9'999)));
  CHECK(std::holds_alternative<Admitted>(bench.chat(1, 10'000)));
  CHECK(std::holds_alternative<Reply>(bench.chat(1, 10'000)));
}

TEST_CASE("a compressed day refuses as a day does, and is over soon") {
  Bench bench("rpd=2,day=60s,algorithm=fixed");
  CHECK(std::holds_alternative<Admitted>(bench.chat(1, 59'000)));
  CHECK(std::holds_alternative<Admitted>(bench.chat(1, 59'500)));
  const auto verdict = bench.chat(1, 59'600);
  CHECK(
      holds(refusal(verdict).body,
            "on requests per day (RPD): Limit 2, Used 2, Requested 1. Please try again in 400ms."));
  CHECK(triple(refusal(verdict).headers, "requests") == "2 0 400ms");
  CHECK(std::holds_alternative<Admitted>(bench.chat(1, 60'000)));
}

TEST_CASE("in an outage every request of the model gets 503 and counts against nothing") {
  Bench bench("outage=10s-40s@m,rpm=1");
  CHECK(std::holds_alternative<Admitted>(bench.pictures(1, 10'000)));
  for (const std::int64_t ms : {10'000, 39'999}) {
    const auto verdict = bench.chat(1, ms);
    const auto* reply = std::get_if<Reply>(&verdict);
    REQUIRE(reply != nullptr);
    CHECK(reply->status == 503);
    CHECK(holds(reply->body, "server_is_overloaded"));
  }
  CHECK(std::holds_alternative<Admitted>(bench.chat(1, 40'000)));
  CHECK(bench.ledger.snapshot().outage == 2);
  CHECK(bench.ledger.snapshot().models.at("m").granted == 1);
  Bench all("outage=0-10ms");
  CHECK(std::get<Reply>(all.pictures(1, 9)).status == 503);
  CHECK(std::get<Reply>(all.chat(1, 9)).status == 503);
  CHECK(std::holds_alternative<Admitted>(all.chat(1, 10)));
}

TEST_CASE("the busiest minute is found to the millisecond") {
  BusiestMinute busiest;
  const auto count = [&](std::int64_t ms) {
    busiest.count(at(ms).steady);
    return busiest.most();
  };
  CHECK(count(0) == 1);
  CHECK(count(0) == 2);
  CHECK(count(1) == 3);
  CHECK(count(59'999) == 4);
  CHECK(count(60'000) == 4);  // The two of 0 ms are out.
  CHECK(count(60'000) == 4);
  CHECK(count(60'000) == 5);
  CHECK(count(200'000) == 5);
}

}  // namespace
}  // namespace ratebatch::sandbox_limits_test
