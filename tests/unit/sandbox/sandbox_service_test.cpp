// What the sandbox answers to which request, without sockets.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "support/sandbox_bench.hpp"

namespace ratebatch::sandbox_service_test {

using namespace sandbox;
using namespace sandbox_bench;

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const std::string chat = R"({"model":"m","messages":[{"role":"user","content":"Hello Ada"}]})";
const std::string image = R"({"model":"i","prompt":"a whale"})";

std::variant<Reply, Admitted> ask_chat(Bench& bench, std::int64_t ms = 0) {
  return bench.post("/v1/chat/completions", chat, {}, ms);
}

TEST_CASE("a granted request is counted, charged to its client id, and in flight until its end") {
  Bench bench;
  const auto verdict = bench.post("/v1/chat/completions", chat, {{"X-Client-Request-Id", "job-1"}});
  const auto& admitted = std::get<Admitted>(verdict);
  CHECK(admitted.delay == milliseconds{200});
  const std::int64_t tokens = admitted.use[index_of(Resource::tokens)];
  CHECK(tokens > 3);
  CHECK(bench.ledger.snapshot().total == SandboxCounts{1, 0, 1, 1, tokens});
  const Reply reply = bench.service.answer(admitted, at(250).steady);
  CHECK(reply.status == 200);
  CHECK(holds(reply.body, "Ada"));
  CHECK(header(reply.headers, "openai-processing-ms") == "250");
  CHECK(header(reply.headers, "x-request-id").starts_with("req_"));
  CHECK(header(reply.headers, "Content-Type") == "application/json");
  CHECK(header(reply.headers, "x-ratelimit-limit-requests") == "(absent)");
  bench.service.end(admitted, false, at(250));
  const SandboxStats stats = bench.ledger.snapshot();
  CHECK(stats.total == SandboxCounts{1, 0, 0, 1, tokens});
  CHECK(stats.models.at("m") == stats.total);
  CHECK(stats.keys.at("key 1") == stats.total);
  CHECK(stats.granted_60s_max == 1);
  CHECK(stats.bill == std::map<std::string, std::int64_t>{{"job-1", 1}});
  CHECK(stats.charged == 1);
  CHECK(stats.abandoned == 0);
}

TEST_CASE("headers tell the limit on success and on refusal, and the refusal when to come back") {
  SandboxOptions options;
  options.models["m"].windows = {{.name = "rpm", .amount = 2, .window = minutes{1}}};
  Bench bench(options);
  const auto first = ask_chat(bench);
  const Reply reply = bench.service.answer(std::get<Admitted>(first), at(9).steady);
  CHECK(header(reply.headers, "x-ratelimit-limit-requests") == "2");
  CHECK(header(reply.headers, "x-ratelimit-remaining-requests") == "1");
  CHECK(header(reply.headers, "x-ratelimit-reset-requests") == "1m0s");
  CHECK(std::holds_alternative<Admitted>(ask_chat(bench, 10'000)));

  const auto third = ask_chat(bench, 15'500);
  const auto& refused = std::get<Reply>(third);
  CHECK(refused.status == 429);
  CHECK(header(refused.headers, "Retry-After") == "45");
  CHECK(header(refused.headers, "x-ratelimit-remaining-requests") == "0");
  CHECK(header(refused.headers, "x-ratelimit-reset-requests") == "54.5s");
  CHECK(holds(refused.body, "Limit 2, Used 2, Requested 1. Please try again in 44.5s."));
  CHECK(bench.ledger.snapshot().models.at("m").granted == 2);
  CHECK(bench.ledger.snapshot().models.at("m").refused == 1);
  CHECK(header(std::get<Reply>(ask_chat(bench, 59'999)).headers, "Retry-After") == "1");
  CHECK(std::holds_alternative<Admitted>(ask_chat(bench, 60'000)));
}

TEST_CASE("one request too many at once is refused until another ends") {
  SandboxOptions options;
  options.every_model.concurrency = 1;
  Bench bench(options);
  const auto first = ask_chat(bench);
  const auto second = ask_chat(bench);
  const auto& refused = std::get<Reply>(second);
  CHECK(refused.status == 429);
  CHECK(holds(refused.body, "too_many_concurrent_requests"));
  CHECK(header(refused.headers, "Retry-After") == "1");
  bench.service.end(std::get<Admitted>(first), true, at(0));
  CHECK(bench.ledger.snapshot().abandoned == 1);
  CHECK(std::holds_alternative<Admitted>(ask_chat(bench)));
}

TEST_CASE("what is not a good request gets the status of a provider and counts as invalid") {
  struct Row {
    std::string method;
    std::string path;
    std::string body;
    std::string client_id;
    int status;
  };
  const std::vector<Row> rows = {
      {"POST", "/v1/chat/completions", "{", "", 400},
      {"POST", "/v1/chat/completions", chat, std::string(513, 'x'), 400},
      {"POST", "/v1/chat/completions", chat, "caf\xC3\xA9", 400},
      {"POST", "/v1/images/generations", chat, "", 400},
      {"GET", "/v1/chat/completions", "", "", 405},
      {"POST", "/v1/models", "", "", 405},
      {"GET", "/", "", "", 404},
      {"GET", "", "", "", 404},
      {"POST", "/v1/chat/completions/", chat, "", 404},
  };
  Bench bench;
  for (const Row& row : rows) {
    CAPTURE(row.path);
    const auto verdict =
        bench.ask(row.method, row.path, row.body, {{"x-client-request-id", row.client_id}});
    const auto& reply = std::get<Reply>(verdict);
    CHECK(reply.status == row.status);
    CHECK(holds(reply.body, R"("type":"invalid_request_error")"));
  }
  const SandboxStats stats = bench.ledger.snapshot();
  CHECK(stats.invalid == static_cast<std::int64_t>(rows.size()));
  CHECK(stats.total == SandboxCounts{});
  const std::string longest(512, 'x');
  CHECK(std::holds_alternative<Admitted>(
      bench.post("/v1/chat/completions", chat, {{"X-Client-Request-Id", longest}})));
}

TEST_CASE("a key is asked for only where one is required, and is never repeated") {
  SandboxOptions options;
  options.required_key = "sk-right";
  Bench bench(options);
  const auto ask = [&](std::string_view key) {
    return bench.post("/v1/chat/completions", chat, {{"Authorization", key}});
  };
  for (const char* wrong : {"", "Bearer sk-wrong", "sk-right", "Bearer sk-right "}) {
    const auto verdict = ask(wrong);
    const auto& reply = std::get<Reply>(verdict);
    CHECK(reply.status == 401);
    CHECK(holds(reply.body, "invalid_api_key"));
    CHECK_FALSE(holds(reply.body, "sk-"));
  }
  CHECK(std::holds_alternative<Admitted>(ask("Bearer sk-right")));
}

TEST_CASE("models, stats and health are told") {
  SandboxOptions options;
  options.models["b"];
  options.models["a"];
  Bench bench(options);
  static_cast<void>(
      bench.post("/v1/images/generations", image, {{"X-Client-Request-Id", "job-9"}}));
  const auto get = [&](std::string_view path) {
    return std::get<Reply>(bench.ask("GET", path, "")).body;
  };
  CHECK(get("/healthz") == "ok\n");
  const std::string models = get("/v1/models");
  CHECK(models.find(R"("id":"a")") < models.find(R"("id":"b")"));
  CHECK(get("/stats") ==
        R"({"abandoned":0,"bill":{"job-9":1},"bill_dropped":0,"charged":1,"faults":{"error":0,)"
        R"("garbage":0,"hang":0,"reset":0,"truncate":0},"granted":1,"granted_60s_max":1,)"
        R"("in_flight":1,"in_flight_max":1,"invalid":0,"keys":{"key 1":{"granted":1,"in_flight":1,)"
        R"("in_flight_max":1,"refused":0,"tokens":274}},"keys_leaked":0,"links":{"announced":0,)"
        R"("failed":0,"served":0},"models":{"i":{"granted":1,"in_flight":1,"in_flight_max":1,)"
        R"("refused":0,"tokens":274}},"outage":0,"refused":0,"refused_by":{},"scripted":{},)"
        R"("tokens":274})");
}

TEST_CASE("errors are granted but not charged, garbage is charged and no JSON") {
  SandboxOptions options;
  options.error_per_mille = 1000;
  Bench errors(options);
  std::map<int, int> statuses;
  for (int i = 0; i < 50; ++i) {
    const auto verdict =
        errors.post("/v1/chat/completions", chat, {{"X-Client-Request-Id", "job"}});
    ++statuses[errors.service.answer(std::get<Admitted>(verdict), at(1).steady).status];
  }
  CHECK(statuses[500] > 10);
  CHECK(statuses[503] > 10);
  CHECK(statuses.size() == 2);
  CHECK(errors.ledger.snapshot().total.granted == 50);
  CHECK(errors.ledger.snapshot().faults.error == 50);
  CHECK(errors.ledger.snapshot().bill.empty());
  CHECK(errors.ledger.snapshot().charged == 0);

  options = {};
  options.garbage_per_mille = 1000;
  Bench garbage(options);
  const auto verdict = ask_chat(garbage);
  const Reply reply = garbage.service.answer(std::get<Admitted>(verdict), at(1).steady);
  CHECK(reply.status == 200);
  CHECK(reply.body.starts_with('{'));
  CHECK_FALSE(reply.body.ends_with('}'));
  CHECK(garbage.ledger.snapshot().charged == 1);
}

std::vector<Fault> faults_of(std::uint64_t seed) {
  SandboxOptions options;
  options.seed = seed;
  options.error_per_mille = options.reset_per_mille = options.truncate_per_mille = 200;
  options.hang_per_mille = options.garbage_per_mille = 100;
  Bench bench(options);
  std::vector<Fault> faults;
  for (int i = 0; i < 1000; ++i) {
    const auto verdict = ask_chat(bench);
    faults.push_back(std::get<Admitted>(verdict).fault);
  }
  const SandboxFaultStats counted = bench.ledger.snapshot().faults;
  for (const auto& [share, count] : {std::pair{200, counted.error}, std::pair{200, counted.reset},
                                     std::pair{200, counted.truncate}, std::pair{100, counted.hang},
                                     std::pair{100, counted.garbage}}) {
    CHECK(count > share * 3 / 4);
    CHECK(count < share * 5 / 4);
  }
  return faults;
}

TEST_CASE("faults come in their shares and are the same for the same seed") {
  CHECK(faults_of(1) == faults_of(1));
  CHECK(faults_of(1) != faults_of(2));
}

TEST_CASE("answers take the latency, give or take the jitter, and never less than nothing") {
  SandboxOptions options;
  options.latency = milliseconds{10};
  options.jitter = milliseconds{20};
  Bench bench(options);
  Duration least = seconds{1};
  Duration most{};
  for (int i = 0; i < 500; ++i) {
    const auto verdict = ask_chat(bench);
    const Duration delay = std::get<Admitted>(verdict).delay;
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  CHECK(least == Duration{});
  CHECK(most > milliseconds{28});
  CHECK(most <= milliseconds{30});
}

TEST_CASE("charges of ids beyond the bill's room are counted without a name") {
  Ledger ledger;
  for (std::size_t i = 0; i < sandbox_bill_ids_max; ++i) {
    ledger.granted({"m", "key 1"}, 0, Fault::none, std::to_string(i), {});
  }
  ledger.granted({"m", "key 1"}, 0, Fault::none, "7", {});
  ledger.granted({"m", "key 1"}, 0, Fault::none, "one more", {});
  const SandboxStats stats = ledger.snapshot();
  CHECK(stats.bill.size() == sandbox_bill_ids_max);
  CHECK(stats.bill.at("7") == 2);
  CHECK(stats.bill_dropped == 1);
}

}  // namespace
}  // namespace ratebatch::sandbox_service_test
