// Numbers that a server or a damaged checkpoint may hold: none of them overflows (under the
// undefined behaviour sanitizer each would stop the test).
#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "support/quota_support.hpp"

namespace ratebatch::quota_extremes_test {

using namespace quota;
using namespace quota_support;

namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t smallest = std::numeric_limits<std::int64_t>::min();

TEST_CASE("a bucket that lacks one of a thousand million tells no window") {
  const Lanes lanes = two_lanes();
  QuotaMonitor monitor = monitor_of(lanes);
  Outcome outcome = done();
  LimitFact fact;
  fact.limit = 1'000'000'000;
  fact.remaining = 999'999'999;
  fact.full_in = std::chrono::hours{1};
  fact.refills = true;
  outcome.facts.limits = {fact};
  for (std::int64_t i = 0; i < 5; ++i) {
    const Reservation reservation = reserved(monitor, at_s(i), text);
    settled(monitor, at_s(i), reservation, outcome);
  }
  CHECK(monitor.view(at_s(5), text).limits.empty());
}

TEST_CASE("the largest and smallest numbers of a reply bound nothing and break nothing") {
  for (const std::int64_t limit : {std::int64_t{1}, largest}) {
    for (const std::int64_t other : {smallest, std::int64_t{0}, largest}) {
      CAPTURE(limit);
      CAPTURE(other);
      Lanes lanes = two_lanes(true);
      const Duration minute = std::chrono::minutes{1};
      lanes.lanes[0].limits.windows = {limit_of("rpm", Resource::requests, 100, minute), rpd(1000)};
      QuotaMonitor monitor = monitor_of(lanes);
      for (const Duration window : {minute, Duration{std::chrono::hours{24}}}) {
        for (const bool tells_used : {false, true}) {
          LimitFact fact;
          fact.limit = limit;
          (tells_used ? fact.used : fact.remaining) = other;
          fact.full_in = window;
          fact.window = window;
          LimitFact of_tokens = fact;
          of_tokens.resource = Resource::tokens;
          Outcome outcome = done(usage_max, usage_max);
          outcome.facts.limits = {fact, of_tokens};
          const auto asked_for = asked(monitor, at_s(0), text);
          const auto* reservation = std::get_if<Reservation>(&asked_for);
          if (reservation != nullptr) settled(monitor, at_s(1), *reservation, outcome);
        }
      }
      CHECK_FALSE(monitor.view(at_s(2), text).limits.empty());
    }
  }
}

TEST_CASE("stored numbers of any size are taken back or refused") {
  const std::string values[] = {std::to_string(largest), std::to_string(smallest), "0", "1", "-1"};
  Lanes lanes = two_lanes();
  lanes.pools[0].limits.windows = {
      limit_of("rpm", Resource::requests, 100, std::chrono::minutes{1}), rpd(1000)};
  lanes.lanes[0].waves = Waves{3, std::chrono::seconds{10}};
  const std::string scopes[] = {"provider openai", provider_scope_name("openai", "default"),
                                lane_scope_name("text", "default"), "route 1", "budget"};
  const std::string items[] = {"clock",
                               "rpm",
                               "rpd",
                               "waves",
                               "wait",
                               "concurrency",
                               "day",
                               "learned rate",
                               "tokens per request",
                               "announced 0 9223372036854775807 60000"};
  QuotaOptions options;
  options.boot = 1;
  options.budget.day_max_pico_usd = 1'000'000;
  for (const std::string& first : values) {
    for (const std::string& second : values) {
      for (std::size_t numbers = 1; numbers <= 12; ++numbers) {
        // The first number is the form, and of a clock the second names the start of the machine.
        std::string value = "1 1";
        for (std::size_t i = 0; i < numbers; ++i) value += " " + (i % 2 == 0 ? first : second);
        std::vector<StoredState> stored;
        for (const std::string& scope : scopes) {
          for (const std::string& item : items) stored.push_back({scope, item, value});
        }
        QuotaMonitor monitor = monitor_of(lanes, at_ms(0), stored, options);
        const auto answer = asked(monitor, at_s(1), text);
        if (const auto* got = std::get_if<Reservation>(&answer)) {
          monitor.sent(at_s(1), got->id);
          settled(monitor, at_s(2), *got, done(10, 10));
        }
        CHECK(monitor.view(at_s(3), text).keys.size() == 1);
        CHECK_FALSE(monitor.take_changes(at_s(3)).empty());
      }
    }
  }
}

}  // namespace
}  // namespace ratebatch::quota_extremes_test
