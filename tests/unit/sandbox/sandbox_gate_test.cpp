// All limits of the sandbox asked together: models, keys, resources and concurrency.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sandbox/gate.hpp"

namespace ratebatch::sandbox_gate_test {

using namespace sandbox;

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Kind = Decision::Kind;

constexpr Now start{{5'000'000'000}, {1'700'000'000'000'000'000}};

Now after(Duration d) { return {start.steady + d, start.wall + d}; }

Amounts cost(std::int64_t tokens = 0, std::int64_t images = 0) {
  Amounts amounts{};
  amounts[index_of(Resource::requests)] = 1;
  amounts[index_of(Resource::tokens)] = tokens;
  amounts[index_of(Resource::images)] = images;
  return amounts;
}

Limit rps(std::int64_t amount) { return {.name = "rps", .amount = amount, .window = seconds{1}}; }
Limit rpm(std::int64_t amount) { return {.name = "rpm", .amount = amount, .window = minutes{1}}; }
Limit tpm(std::int64_t amount) {
  return {.name = "tpm", .resource = Resource::tokens, .amount = amount, .window = minutes{1}};
}

// A gate with the options that it needs to outlive it.
struct Bench {
  explicit Bench(SandboxOptions wanted = {}) : options(std::move(wanted)), gate(options, start) {}

  Decision ask(const std::string& model, Duration at = {}) {
    return gate.ask("Bearer a", model, cost(), after(at));
  }
  Decision ask(const std::string& model, const Amounts& amounts, Duration at = {}) {
    return gate.ask("Bearer a", model, amounts, after(at));
  }
  Kind kind(std::string_view key, const std::string& model) {
    return gate.ask(key, model, cost(), start).kind;
  }

  SandboxOptions options;
  Gate gate;
};

SandboxOptions with(std::map<std::string, Limits> models, Limits every, Limits overall) {
  SandboxOptions options;
  options.models = std::move(models);
  options.every_model = std::move(every);
  options.overall = std::move(overall);
  return options;
}

TEST_CASE("models are counted apart from each other, and together against the overall limit") {
  Bench bench(with({{"a", {.windows = {rps(2)}}}}, {}, {.windows = {rps(4)}}));
  CHECK(bench.ask("a").kind == Kind::granted);
  CHECK(bench.ask("a").kind == Kind::granted);
  CHECK(bench.ask("a").kind == Kind::rate_limited);
  CHECK(bench.ask("b").kind == Kind::granted);
  // What was refused counted against nothing: the overall limit has room for a fourth.
  CHECK(bench.ask("b").kind == Kind::granted);
  const Decision refused = bench.ask("b");
  CHECK(refused.kind == Kind::rate_limited);
  CHECK(refused.refusing->terms->amount == 4);
  CHECK(refused.refusing->terms->name == "total rps");
}

TEST_CASE("a limit for every model holds beside the model's own, and per model") {
  Bench bench(with({{"a", {.windows = {rpm(5)}}}}, {.windows = {rps(1)}}, {}));
  CHECK(bench.ask("a").kind == Kind::granted);
  CHECK(bench.ask("a").kind == Kind::rate_limited);
  CHECK(bench.ask("b").kind == Kind::granted);
  CHECK(bench.ask("a", seconds{1}).kind == Kind::granted);
}

TEST_CASE("two keys do not share: limits, overall limits and concurrency are each key's own") {
  SandboxOptions options = with({}, {.windows = {rpm(1)}}, {.concurrency = 2, .windows = {rps(2)}});
  Bench bench(options);
  for (const char* key : {"Bearer a", "Bearer b", ""}) {
    CHECK(bench.kind(key, "m") == Kind::granted);
    CHECK(bench.kind(key, "m") == Kind::rate_limited);
    CHECK(bench.kind(key, "n") == Kind::granted);
    CHECK(bench.kind(key, "o") == Kind::rate_limited);
  }
  CHECK(bench.ask("m").key_name == "key 1");
  CHECK(bench.gate.ask("", "m", cost(), start).key_name == "key 3");

  options.keys = KeyCounters::shared;
  Bench shared(options);
  CHECK(shared.kind("Bearer a", "m") == Kind::granted);
  CHECK(shared.kind("Bearer b", "m") == Kind::rate_limited);
  CHECK(shared.gate.ask("Bearer c", "m", cost(), start).key_name == "key 1");
}

TEST_CASE("a refusal shows the limit that lasts longest, a grant the one with the least left") {
  Bench bench(with({}, {.windows = {rps(2), rpm(3)}}, {}));
  CHECK(bench.ask("m").of(Resource::requests)->terms->most == 2);
  CHECK(bench.ask("m").of(Resource::requests)->terms->most == 2);
  const Decision second = bench.ask("m");
  CHECK(second.kind == Kind::rate_limited);
  CHECK(second.refusing->terms->window == seconds{1});
  CHECK(bench.ask("m", seconds{1}).of(Resource::requests)->terms->most == 3);
  const Decision minute = bench.ask("m", seconds{2});
  CHECK(minute.kind == Kind::rate_limited);
  CHECK(minute.refusing->terms->window == minutes{1});
  CHECK(minute.refusing->reading.wait == seconds{58});
}

TEST_CASE("requests and tokens are asked together, and a refusal by one counts against neither") {
  Bench bench(with({}, {.windows = {rpm(3), tpm(100)}}, {}));
  const Decision first = bench.ask("m", cost(60));
  CHECK(first.kind == Kind::granted);
  CHECK(first.of(Resource::requests)->reading.room == 2);
  CHECK(first.of(Resource::tokens)->reading.room == 40);
  const Decision second = bench.ask("m", cost(41));
  CHECK(second.kind == Kind::rate_limited);
  CHECK(second.refusing->terms->name == "tpm");
  CHECK(second.refusing->cost == 41);
  CHECK(second.of(Resource::requests)->reading.room == 2);
  CHECK(second.of(Resource::tokens)->reading.room == 40);
  CHECK(bench.ask("m", cost(40)).kind == Kind::granted);
  CHECK(bench.ask("m", cost(0)).kind == Kind::granted);
  const Decision third = bench.ask("m", cost(0));
  CHECK(third.kind == Kind::rate_limited);
  CHECK(third.refusing->terms->name == "rpm");
}

TEST_CASE("what exceeds a limit alone is too large, even where another limit lasts longer") {
  Bench bench(
      with({}, {.windows = {{.name = "rpd", .amount = 1, .window = hours{24}}, tpm(100)}}, {}));
  CHECK(bench.ask("m", cost(100)).kind == Kind::granted);
  const Decision large = bench.ask("m", cost(101));
  CHECK(large.kind == Kind::too_large);
  CHECK(large.refusing->terms->name == "tpm");
  CHECK(large.refusing->cost == 101);
  CHECK(bench.ask("m", cost(100)).kind == Kind::rate_limited);
}

TEST_CASE("images count as many as a request has, and only where it has any") {
  Bench bench(
      with({},
           {.windows =
                {{.name = "ipm", .resource = Resource::images, .amount = 5, .window = minutes{1}}}},
           {}));
  CHECK(bench.ask("m", cost(0, 3)).kind == Kind::granted);
  CHECK(bench.ask("m", cost(0, 3)).kind == Kind::rate_limited);
  CHECK(bench.ask("m", cost(0, 2)).kind == Kind::granted);
  CHECK(bench.ask("m", cost(0, 0)).kind == Kind::granted);
  CHECK(bench.ask("m", cost(0, 6)).kind == Kind::too_large);
}

TEST_CASE("a request that ends is corrected to what it used, in every limit of that resource") {
  Bench bench(with({}, {.windows = {rpm(10), tpm(1000)}}, {.windows = {tpm(2000)}}));
  const Decision granted = bench.ask("m", cost(1000));
  REQUIRE(granted.kind == Kind::granted);
  CHECK(bench.ask("m", cost(1)).kind == Kind::rate_limited);
  bench.gate.end(granted.grant, cost(300), after(milliseconds{200}));
  const Decision next = bench.ask("m", cost(700), milliseconds{200});
  CHECK(next.kind == Kind::granted);
  CHECK(next.of(Resource::requests)->reading.room == 8);
  CHECK(bench.ask("n", cost(1000), milliseconds{200}).kind == Kind::granted);
  const Decision overall = bench.ask("o", cost(1), milliseconds{200});
  CHECK(overall.refusing->terms->name == "total tpm");
}

TEST_CASE("as many are in flight as the smallest concurrency allows, and an end frees one") {
  Bench bench(with({{"a", {.concurrency = 2}}}, {.concurrency = 3}, {.concurrency = 4}));
  const Decision first = bench.ask("a");
  CHECK(first.kind == Kind::granted);
  CHECK(bench.ask("a").kind == Kind::granted);
  const Decision third = bench.ask("a");
  CHECK(third.kind == Kind::too_many_at_once);
  CHECK(third.concurrency_max == 2);
  CHECK_FALSE(third.refusing.has_value());
  CHECK(bench.ask("b").kind == Kind::granted);
  CHECK(bench.ask("b").kind == Kind::granted);
  const Decision fifth = bench.ask("b");
  CHECK(fifth.kind == Kind::too_many_at_once);
  CHECK(fifth.concurrency_max == 4);
  bench.gate.end(first.grant, cost(), start);
  CHECK(bench.ask("b").kind == Kind::granted);
  CHECK(bench.ask("b").concurrency_max == 3);
}

TEST_CASE("one model more than the gate remembers is refused, the others go on") {
  Bench bench;
  for (std::size_t i = 0; i < gate_models_max; ++i) {
    REQUIRE(bench.ask("m" + std::to_string(i)).kind == Kind::granted);
  }
  CHECK(bench.ask("one more").kind == Kind::too_many_models);
  CHECK(bench.kind("another key", "m7") == Kind::too_many_models);
  CHECK(bench.ask("m7").kind == Kind::granted);
}

}  // namespace
}  // namespace ratebatch::sandbox_gate_test
