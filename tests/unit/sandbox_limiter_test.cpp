// The limiters and the gate of the sandbox, as columns of steps: no socket, no clock.
#include <doctest/doctest.h>

#include <vector>

#include "sandbox/gate.hpp"
#include "sandbox/limiter.hpp"

namespace ratebatch::sandbox {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant start{5'000'000'000};

struct Step {
  std::int64_t at_ms;
  bool passes;
  std::int64_t remaining;  // After the step.
  std::int64_t wait_ms;    // Until one fits, after the step.
  std::int64_t reset_ms;   // Until all fit, after the step.
};

void run(LimitAlgorithm algorithm, std::int64_t amount, Duration window,
         const std::vector<Step>& steps) {
  Limiter limiter(algorithm, amount, window, start);
  for (const Step& step : steps) {
    CAPTURE(step.at_ms);
    const Instant now = start + milliseconds{step.at_ms};
    const bool passes = limiter.view(now).wait == Duration{};
    CHECK(passes == step.passes);
    if (passes) limiter.take(now);
    const LimitView view = limiter.view(now);
    CHECK(view.limit == amount);
    CHECK(view.window == window);
    CHECK(view.remaining == step.remaining);
    CHECK(view.wait == milliseconds{step.wait_ms});
    CHECK(view.reset == milliseconds{step.reset_ms});
  }
}

TEST_CASE("a fixed window grants its amount, and all of it again when the next one begins") {
  run(LimitAlgorithm::fixed, 3, seconds{1},
      {{900, true, 2, 0, 100},
       {950, true, 1, 0, 50},
       {960, true, 0, 40, 40},
       {999, false, 0, 1, 1},
       {1000, true, 2, 0, 1000},
       {1001, true, 1, 0, 999},
       {1002, true, 0, 998, 998},
       {4500, true, 2, 0, 500}});
}

TEST_CASE("a sliding log lets each grant count for exactly one window") {
  run(LimitAlgorithm::sliding, 3, seconds{1},
      {{900, true, 2, 0, 1000},
       {950, true, 1, 0, 1000},
       {960, true, 0, 940, 1000},
       {1000, false, 0, 900, 960},
       {1899, false, 0, 1, 61},
       {1900, true, 0, 50, 1000},
       {1949, false, 0, 1, 951},
       {1950, true, 0, 10, 1000},
       {9000, true, 2, 0, 1000}});
}

TEST_CASE("a bucket starts full and refills evenly") {
  run(LimitAlgorithm::bucket, 4, seconds{1},
      {{0, true, 3, 0, 250},
       {0, true, 2, 0, 500},
       {0, true, 1, 0, 750},
       {0, true, 0, 250, 1000},
       {100, false, 0, 150, 900},
       {249, false, 0, 1, 751},
       {250, true, 0, 250, 1000},
       {600, true, 0, 150, 900},
       {750, true, 0, 250, 1000},
       {60'000, true, 3, 0, 250}});
}

TEST_CASE("a bucket tells the reset that OpenAI tells: 5000 a minute, one taken, 12 ms") {
  run(LimitAlgorithm::bucket, 5000, minutes{1}, {{0, true, 4999, 0, 12}});
}

TEST_CASE("a bucket that refills a third of a request at a time loses nothing by rounding") {
  Limiter limiter(LimitAlgorithm::bucket, 3, milliseconds{1}, start);
  for (int i = 0; i < 3; ++i) limiter.take(start);
  // 3 per 1000 us: one is back after 333.3 us, thus at 334; three at exactly 1000.
  CHECK(limiter.view(start).wait == microseconds{334});
  for (int us = 1; us <= 333; ++us) CHECK(limiter.view(start + microseconds{us}).remaining == 0);
  CHECK(limiter.view(start + microseconds{334}).remaining == 1);
  CHECK(limiter.view(start + microseconds{999}).remaining == 2);
  CHECK(limiter.view(start + microseconds{1000}).remaining == 3);
}

TEST_CASE("the largest limit of a day overflows nothing, even after a month") {
  for (const auto algorithm : {LimitAlgorithm::fixed, LimitAlgorithm::bucket}) {
    Limiter limiter(algorithm, sandbox_amount_max, sandbox_window_max, start);
    limiter.take(start);
    CHECK(limiter.view(start).remaining == sandbox_amount_max - 1);
    CHECK(limiter.view(start + 30 * sandbox_window_max).remaining == sandbox_amount_max);
  }
}

TEST_CASE("a limit of one passes one request") {
  for (const auto algorithm :
       {LimitAlgorithm::fixed, LimitAlgorithm::sliding, LimitAlgorithm::bucket}) {
    run(algorithm, 1, seconds{1},
        {{0, true, 0, 1000, 1000}, {999, false, 0, 1, 1}, {1000, true, 0, 1000, 1000}});
  }
}

SandboxOptions with(std::map<std::string, Limits> models, Limits every, Limits overall) {
  SandboxOptions options;
  options.models = std::move(models);
  options.every_model = std::move(every);
  options.overall = std::move(overall);
  return options;
}

using Kind = Decision::Kind;

TEST_CASE("models are counted apart from each other, and together against the overall limit") {
  Gate gate(with({{"a", {.requests = {{"rps", 2, seconds{1}}}}}}, {.requests = {}},
                 {.requests = {{"total", 4, seconds{1}}}}),
            start);
  CHECK(gate.ask("a", start).kind == Kind::granted);
  CHECK(gate.ask("a", start).kind == Kind::granted);
  CHECK(gate.ask("a", start).kind == Kind::rate_limited);
  CHECK(gate.ask("b", start).kind == Kind::granted);
  // What was refused counted against nothing: the overall limit has room for a fourth.
  CHECK(gate.ask("b", start).kind == Kind::granted);
  const Decision refused = gate.ask("b", start);
  CHECK(refused.kind == Kind::rate_limited);
  CHECK(refused.shown->limit == 4);
}

TEST_CASE("a limit for every model holds beside the model's own, and per model") {
  Gate gate(with({{"a", {.requests = {{"rpm", 5, minutes{1}}}}}},
                 {.requests = {{"rps", 1, seconds{1}}}}, {}),
            start);
  CHECK(gate.ask("a", start).kind == Kind::granted);
  CHECK(gate.ask("a", start).kind == Kind::rate_limited);
  CHECK(gate.ask("b", start).kind == Kind::granted);
  CHECK(gate.ask("a", start + seconds{1}).kind == Kind::granted);
}

TEST_CASE("a refusal shows the limit that lasts longest, a grant the one with the least left") {
  Gate gate(with({}, {.requests = {{"rps", 2, seconds{1}}, {"rpm", 3, minutes{1}}}}, {}), start);
  CHECK(gate.ask("m", start).shown->limit == 2);
  CHECK(gate.ask("m", start).shown->limit == 2);
  const Decision second = gate.ask("m", start);
  CHECK(second.kind == Kind::rate_limited);
  CHECK(second.shown->window == seconds{1});
  CHECK(gate.ask("m", start + seconds{1}).shown->limit == 3);
  const Decision minute = gate.ask("m", start + seconds{2});
  CHECK(minute.kind == Kind::rate_limited);
  CHECK(minute.shown->window == minutes{1});
  CHECK(minute.shown->wait == seconds{58});
}

TEST_CASE("as many are in flight as the smallest concurrency allows, and a release frees one") {
  Gate gate(with({{"a", {.concurrency = 2, .requests = {}}}}, {.concurrency = 3, .requests = {}},
                 {.concurrency = 4, .requests = {}}),
            start);
  CHECK(gate.ask("a", start).kind == Kind::granted);
  CHECK(gate.ask("a", start).kind == Kind::granted);
  const Decision third = gate.ask("a", start);
  CHECK(third.kind == Kind::too_many_at_once);
  CHECK(third.concurrency_max == 2);
  CHECK_FALSE(third.shown.has_value());
  CHECK(gate.ask("b", start).kind == Kind::granted);
  CHECK(gate.ask("b", start).kind == Kind::granted);
  const Decision fifth = gate.ask("b", start);
  CHECK(fifth.kind == Kind::too_many_at_once);
  CHECK(fifth.concurrency_max == 4);
  gate.release("a");
  CHECK(gate.ask("b", start).kind == Kind::granted);
  CHECK(gate.ask("b", start).concurrency_max == 3);
}

TEST_CASE("one model more than the gate remembers is refused, the others go on") {
  Gate gate(SandboxOptions{}, start);
  for (std::size_t i = 0; i < gate_models_max; ++i) {
    REQUIRE(gate.ask("m" + std::to_string(i), start).kind == Kind::granted);
  }
  CHECK(gate.ask("one more", start).kind == Kind::too_many_models);
  CHECK(gate.ask("m7", start).kind == Kind::granted);
}

}  // namespace
}  // namespace ratebatch::sandbox
