#include "ratebatch/quota/token_estimate.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace ratebatch::token_estimate_test {

using namespace quota;

namespace {

RouteEstimate route(std::int64_t input_bytes, std::optional<std::int64_t> output_max = {},
                    std::int64_t images = 0) {
  RouteEstimate estimate;
  estimate.input_bytes = input_bytes;
  estimate.output_max = output_max;
  estimate.images = images;
  return estimate;
}

JobSize size(std::int64_t input_bytes, std::optional<std::int64_t> output_max = {},
             std::int64_t images = 0, bool raw_body = false) {
  return {input_bytes, output_max, images, raw_body};
}

Usage usage(std::int64_t input, std::int64_t output) {
  Usage u;
  u.input_tokens = input;
  u.output_tokens = output;
  return u;
}

std::int64_t of(const Amounts& amounts, Resource resource) { return amounts[index_of(resource)]; }

TEST_CASE("characters are reserved by the bytes of all that is spoken, and settled by the answer") {
  const TokenEstimate estimate{route(50), TokenRule::total};
  CHECK(of(estimate.reserve(size(200)), Resource::characters) == 250);
  CHECK(of(estimate.reserve(size(200, {}, 0, true)), Resource::characters) == 200);
  CHECK(of(TokenEstimate{route(0), TokenRule::total}.reserve(size(0)), Resource::characters) == 1);
  Usage told;
  told.characters = 180;
  const Amounts reserved = estimate.reserve(size(200));
  CHECK(of(estimate.actual(told, reserved), Resource::characters) == 180);
  CHECK(of(estimate.actual({}, reserved), Resource::characters) == 250);
}

TEST_CASE("the three charging rules reserve tokens as the provider counts them") {
  struct Row {
    TokenRule rule;
    std::int64_t input_bytes;
    std::optional<std::int64_t> output_max;
    std::int64_t tokens;
  };
  // 4 bytes to a token.
  const Row rows[] = {
      {TokenRule::total, 400, 300, 400},
      {TokenRule::total, 400, {}, 100 + output_tokens_assumed},
      {TokenRule::total, 0, 1, 2},
      {TokenRule::larger_of, 400, 300, 400},
      {TokenRule::larger_of, 4000, 100, 1100},
      {TokenRule::larger_of, 4, 4000, 4001},
      {TokenRule::larger_of, 400, {}, 100 + output_tokens_assumed},
      {TokenRule::input_only, 400, 300, 100},
      {TokenRule::input_only, 3, {}, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.input_bytes);
    const TokenEstimate estimate{route(0, row.output_max), row.rule};
    CHECK(of(estimate.reserve(size(row.input_bytes)), Resource::tokens) == row.tokens);
  }
}

TEST_CASE("a job's own words win over its route's, and a raw body brings no template") {
  const TokenEstimate estimate{route(800, 1000, 1), TokenRule::total};
  CHECK(of(estimate.reserve(size(400)), Resource::input_tokens) == 300);
  CHECK(of(estimate.reserve(size(400, {}, 0, true)), Resource::input_tokens) == 100);
  CHECK(of(estimate.reserve(size(400)), Resource::output_tokens) == 1000);
  CHECK(of(estimate.reserve(size(400, 50)), Resource::output_tokens) == 50);
  CHECK(of(estimate.reserve(size(400)), Resource::images) == 1);
  CHECK(of(estimate.reserve(size(400, {}, 4)), Resource::images) == 4);
  CHECK(of(estimate.reserve(size(400)), Resource::requests) == 1);
  CHECK(of(estimate.reserve(size(400)), Resource::characters) == 1200);
  const TokenEstimate text{route(0), TokenRule::total};
  CHECK(of(text.reserve(size(400, {}, 4)), Resource::images) == 0);
}

TEST_CASE("only what is charged beforehand is certain") {
  struct Row {
    TokenRule rule;
    std::int64_t tokens;
  };
  constexpr Row rows[] = {
      {TokenRule::total, 0}, {TokenRule::larger_of, 700}, {TokenRule::input_only, 0}};
  for (const Row& row : rows) {
    const TokenEstimate estimate{route(4'000'000, 700, 2), row.rule};
    const Amounts certain = estimate.certain(size(4'000'000));
    CHECK(of(certain, Resource::tokens) == row.tokens);
    CHECK(of(certain, Resource::requests) == 1);
    CHECK(of(certain, Resource::images) == 2);
    CHECK(of(certain, Resource::input_tokens) == 0);
    CHECK(of(certain, Resource::characters) == 0);
  }
}

TEST_CASE("the estimate learns from the first answer, and follows the largest of late") {
  TokenEstimate estimate{route(0, 1000), TokenRule::total};
  estimate.learn(size(400), usage(50, 200));
  CHECK(of(estimate.reserve(size(400)), Resource::input_tokens) == 50);
  CHECK(of(estimate.reserve(size(800)), Resource::input_tokens) == 100);
  estimate.learn(size(400), usage(400, 200));
  CHECK(of(estimate.reserve(size(400)), Resource::input_tokens) == 400);
  for (int i = 0; i < 5000; ++i) estimate.learn(size(400), usage(50, 200));
  CHECK(of(estimate.reserve(size(400)), Resource::input_tokens) < 60);
}

TEST_CASE("the answer's length is believed after 16 answers, and never above max_tokens") {
  TokenEstimate estimate{route(0, 1000), TokenRule::total};
  for (int n = 1; n <= 15; ++n) estimate.learn(size(400), usage(100, 120));
  CHECK(of(estimate.reserve(size(400)), Resource::output_tokens) == 1000);
  estimate.learn(size(400), usage(100, 120));
  // And a fiftieth more, since one that is longer than all before it costs a refusal.
  CHECK(of(estimate.reserve(size(400)), Resource::output_tokens) == 122);
  CHECK(of(estimate.reserve(size(400, 30)), Resource::output_tokens) == 30);
}

TEST_CASE("an answer settles what it says, and what it leaves out stays reserved") {
  for (const TokenRule rule : {TokenRule::total, TokenRule::larger_of, TokenRule::input_only}) {
    const TokenEstimate estimate{route(0, 300, 1), rule};
    const Amounts reserved = estimate.reserve(size(400));
    const Amounts actual = estimate.actual(usage(70, 30), reserved);
    CHECK(of(actual, Resource::input_tokens) == 70);
    CHECK(of(actual, Resource::output_tokens) == 30);
    CHECK(of(actual, Resource::tokens) == (rule == TokenRule::input_only ? 70 : 100));
    CHECK(of(actual, Resource::images) == 1);
    CHECK(estimate.actual({}, reserved) == reserved);
  }
}

TEST_CASE("absurd numbers neither overflow nor stop anything") {
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  TokenEstimate estimate{route(huge / 2, huge), TokenRule::larger_of};
  estimate.learn(size(1), usage(huge, huge));
  estimate.learn(size(0, 0, 0, true), usage(huge, huge));
  const Amounts reserved = estimate.reserve(size(huge / 2));
  CHECK(of(reserved, Resource::tokens) <= 1'000'000'000);
  CHECK(of(reserved, Resource::tokens) >= 1);
  const Amounts actual = estimate.actual(usage(huge, huge), reserved);
  CHECK(of(actual, Resource::tokens) <= 1'000'000'000);
  CHECK(of(actual, Resource::tokens) >= 1);
}

TEST_CASE("what was learned survives a restart") {
  TokenEstimate estimate{route(0, 1000), TokenRule::total};
  CHECK(estimate.store().empty());
  for (int n = 1; n <= 16; ++n) estimate.learn(size(400), usage(50, 120));
  TokenEstimate next{route(0, 1000), TokenRule::total};
  REQUIRE(next.restore(estimate.store()));
  CHECK(next.reserve(size(400)) == estimate.reserve(size(400)));
  for (const char* bad : {"", "1 2 3", "2 1 1 1", "1 2 3 4 5", "x"}) {
    CAPTURE(bad);
    CHECK_FALSE(next.restore(bad));
  }
  REQUIRE(next.restore("1 -5 -5 -5"));
  CHECK(of(next.reserve(size(400)), Resource::tokens) >= 1);
}

}  // namespace
}  // namespace ratebatch::token_estimate_test
