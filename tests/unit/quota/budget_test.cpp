#include "ratebatch/quota/budget.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

namespace ratebatch::budget_test {

using namespace quota;

namespace {

WallTime at_s(std::int64_t s) { return wall_from_ms(1'780'000'000'000 + s * 1000); }

Budget total_of(std::int64_t most, std::int64_t spent = 0) {
  BudgetSettings settings;
  settings.total_max_pico_usd = most;
  settings.spent_pico_usd = spent;
  return Budget{settings};
}

TEST_CASE("a cost is the sum of its parts by their prices") {
  Price price;
  price.input_token = 150'000;
  price.output_token = 600'000;
  price.image = 40'000'000'000;
  price.character = 15;
  Amounts amounts{};
  CHECK(cost_of(price, amounts) == 0);
  amounts[index_of(Resource::requests)] = 1;
  amounts[index_of(Resource::tokens)] = 1'000'000;
  CHECK(cost_of(price, amounts) == 0);
  amounts[index_of(Resource::input_tokens)] = 1000;
  amounts[index_of(Resource::output_tokens)] = 10;
  amounts[index_of(Resource::images)] = 2;
  amounts[index_of(Resource::characters)] = 100;
  CHECK(cost_of(price, amounts) == 150'000'000 + 6'000'000 + 80'000'000'000 + 1500);
}

TEST_CASE("the dearest price of the largest amounts does not overflow") {
  Price price;
  price.input_token = price.output_token = 100'000'000'000;
  price.image = price.character = 1000 * pico_usd_per_usd;
  Amounts amounts;
  amounts.fill(std::numeric_limits<std::int64_t>::max());
  CHECK(cost_of(price, amounts) > 0);
}

TEST_CASE("the total is spent to the last pico-USD and not beyond, reservations included") {
  for (const std::int64_t cost : {99, 100, 101}) {
    CAPTURE(cost);
    Budget budget = total_of(1000, 400);
    budget.reserve(at_s(0), 500);
    CHECK(budget.allows(at_s(0), cost) == (cost <= 100));
    CHECK(budget.earliest(at_s(0), cost).has_value() == (cost <= 100));
  }
}

TEST_CASE("what is settled for less may be spent again") {
  Budget budget = total_of(1000);
  budget.reserve(at_s(0), 1000);
  CHECK_FALSE(budget.allows(at_s(1), 1));
  budget.settle(at_s(0), 1000, 300);
  CHECK(budget.allows(at_s(1), 700));
  CHECK_FALSE(budget.allows(at_s(1), 701));
}

TEST_CASE("a budget that is spent says so for jobs without a price too, and for ever") {
  for (const std::int64_t most : {0, 1000}) {
    const Budget budget = total_of(most, most);
    CHECK_FALSE(budget.allows(at_s(0), 0));
    CHECK_FALSE(budget.earliest(at_s(0), 0).has_value());
  }
}

TEST_CASE("a day's budget opens again when what was spent leaves the last 24 hours") {
  BudgetSettings settings;
  settings.day_max_pico_usd = 1000;
  Budget budget{settings};
  budget.reserve(at_s(0), 900);
  CHECK(budget.allows(at_s(1), 100));
  CHECK_FALSE(budget.allows(at_s(1), 101));
  const auto opens = budget.earliest(at_s(1), 101);
  REQUIRE(opens.has_value());
  CHECK(*opens >= at_s(86'400));
  CHECK(*opens <= at_s(86'400 + 1000));
  CHECK(budget.allows(*opens, 1000));
  budget.settle(at_s(0), 900, 100);
  CHECK(budget.allows(at_s(1), 900));

  Budget next{settings};
  CHECK(next.restore(budget.store()));
  CHECK(next.allows(at_s(1), 900));
  CHECK_FALSE(next.allows(at_s(1), 901));
}

TEST_CASE("without bounds everything is allowed, and nothing is stored") {
  Budget budget{BudgetSettings{}};
  budget.reserve(at_s(0), 1'000'000'000'000'000);
  CHECK(budget.allows(at_s(0), 1'000'000'000'000'000));
  CHECK(budget.store().empty());
  CHECK_FALSE(budget.restore("1 2 3"));
}

}  // namespace
}  // namespace ratebatch::budget_test
