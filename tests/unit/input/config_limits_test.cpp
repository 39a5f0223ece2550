// Limits of the configuration: names, windows, resets, shares.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "ratebatch/input/config_file.hpp"
#include "ratebatch/model/limit.hpp"
#include "support/input_support.hpp"

namespace ratebatch::config_limits_test {

using namespace input;
using namespace input_support;

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// The model m of a configuration whose other keys are `around`.
ModelSettings model(const std::string& keys, const std::string& around = {}) {
  const auto config = parse_config(around + "models: {m: {" + keys + "}}\n", "r.yaml");
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  return config->models.at("m");
}

Limit only_limit(const std::string& keys, const std::string& around = {}) {
  const Limits limits = model(keys, around).limits;
  REQUIRE(limits.windows.size() == 1);
  return limits.windows[0];
}

std::string complaint(const std::string& keys) {
  std::string text = message_of(parse_config("models: {m: {" + keys + "}}", "r.yaml"));
  const std::string place = "r.yaml:1: key 'models.m.";
  return text.starts_with(place) ? text.substr(place.size()) : text;
}

TEST_CASE("every short name is a limit of its resource and window") {
  for (const LimitName& known : limit_names) {
    CAPTURE(known.name);
    const Limit limit = only_limit("limits: {" + std::string(known.name) + ": 200k}");
    CHECK(limit.name == known.name);
    CHECK(limit.resource == known.resource);
    CHECK(limit.window == known.window);
    CHECK(limit.amount == 200'000);
    CHECK(limit.shape == Shape::paced);
    CHECK(limit.reset == Reset{});
  }
}

TEST_CASE("limits are stated where they are given, also as none") {
  CHECK_FALSE(model("").limits.stated);
  CHECK(model("limits: none").limits == Limits{{}, {}, true});
  CHECK(model("limits: {concurrency: 1}").limits == Limits{1, {}, true});
  CHECK(model("limits: {rpm: 4M}").limits.stated);
}

TEST_CASE("amounts of long windows may be larger than of short ones") {
  CHECK(only_limit("limits: {tpm: 1000M}").amount == 1'000'000'000);
  CHECK(complaint("limits: {tpm: 1001M}") ==
        "limits.tpm': expected a whole number from 1 to 1,000,000,000, such as 500, 200k or 4M, "
        "found '1001M'");
  CHECK(only_limit("limits: {tpd: 1000000M}").amount == 1'000'000'000'000);
  CHECK(complaint("limits: {tpd: 1000001M}")
            .starts_with("limits.tpd': expected a whole number from 1 to 1,000,000,000,000"));
}

TEST_CASE("other windows are listed with resource, length, shape and reset") {
  const Limits limits =
      model(
          "limits: [{requests: 50, per: 10s, shape: window}, {tokens: 1M, per: 6h, reset: "
          "rolling}, "
          "{input_tokens: 1, per: 1ms, shape: paced}, {output_tokens: 2, images: 3, per: 1h}, "
          "{characters: 9, per: 31d}]")
          .limits;
  REQUIRE(limits.windows.size() == 6);
  CHECK(limits.windows[0].name == "requests per 10s");
  CHECK(limits.windows[0].shape == Shape::window);
  CHECK(limits.windows[0].window == seconds{10});
  CHECK(limits.windows[1].name == "tokens per 6h");
  CHECK(limits.windows[1].resource == Resource::tokens);
  CHECK(limits.windows[1].is_long());
  CHECK(limits.windows[2].window == std::chrono::milliseconds{1});
  CHECK(limits.windows[3].resource == Resource::output_tokens);
  CHECK(limits.windows[4].name == "images per 1h");
  CHECK(limits.windows[4].amount == 3);
  CHECK_FALSE(limits.windows[4].is_long());
  CHECK(limits.windows[5].window == month_window);
}

TEST_CASE("windows that cannot be meant are refused") {
  const std::string item = "limits[0]': expected both ";
  const std::string such = " and per, such as {requests: 50, per: 10s}";
  CHECK(complaint("limits: [{per: 10s}]") == item + "an amount" + such);
  CHECK(complaint("limits: [{tokens: 5, shape: paced}]") == item + "tokens" + such);
  CHECK(complaint("limits: [{shape: paced}]") == item + "an amount" + such);
  CHECK(complaint("limits: [{requests: 5, per: 0s}]") ==
        "limits[0].per': expected a duration from 1ms to 31d, such as 500ms, 30s or 1m30s, found "
        "'0s'");
  CHECK(complaint("limits: [{requests: 5, per: 32d}]").find("to 31d") != std::string::npos);
  CHECK(complaint("limits: [{requests: 5, per: 10s, shape: windw}]") ==
        "limits[0].shape': expected paced or window, found 'windw' (did you mean 'window'?)");
  CHECK(complaint("limits: [{requests: 5, shape: window, per: 61m}]") ==
        "limits[0].shape': a shape is for windows up to 1h; longer ones are counted, and begin "
        "anew at their reset");
  CHECK(complaint("limits: [{requests: 5, per: 1h, reset: rolling}]") ==
        "limits[0].reset': a reset is for windows over 1h; shorter ones are paced");
  CHECK(complaint("limits: [{requests: 5, per: 6h, reset: '00:00 UTC'}]") ==
        "limits[0].reset': a reset at a time of day needs per: 24h");
  CHECK(complaint("limits: [{requests: 5, per: 24h, reset: 'day 1 00:00 UTC'}]") ==
        "limits[0].reset': a reset on a day of the month needs per: 31d");
  CHECK(complaint("limits: [{requests: 5, per: 10s}, {requests: 6, per: 10s}]") ==
        "limits[1]': the limit 'requests per 10s' stands twice");
  CHECK(complaint("limits: [{request: 5, per: 10s}]") ==
        "limits[0].request': unknown (did you mean 'requests'?)\n"
        "r.yaml:1: key 'models.m.limits[0]': expected both an amount" +
            such);
}

TEST_CASE("a reset is rolling, a time of day, or a day of the month") {
  CHECK(only_limit("limits: {rpd: 5}, reset: rolling").reset == Reset{});
  const Reset daily = only_limit("limits: {rpd: 5}, reset: 23:59 UTC").reset;
  CHECK(daily.kind == Reset::Kind::daily);
  CHECK(daily.time_of_day == hours{23} + minutes{59});
  CHECK(daily.zone == TimeZone{});
  const Reset monthly = only_limit("limits: {cpmo: 5}, reset: 'day 31 0:00 UTC'").reset;
  CHECK(monthly.kind == Reset::Kind::monthly);
  CHECK(monthly.day_of_month == 31);
  CHECK(monthly.time_of_day == Duration{});
  const Reset listed =
      only_limit("limits: [{requests: 5, per: 1d, reset: '08:30 UTC'}], reset: rolling").reset;
  CHECK(listed.time_of_day == hours{8} + minutes{30});
  const Reset zoned = only_limit("limits: {rpd: 5}, reset: 00:00 America/Los_Angeles").reset;
  CHECK(zoned.zone.name() == "America/Los_Angeles");
}

TEST_CASE("a reset holds for the limits it fits, and a list item keeps its own") {
  const Limits limits =
      model(
          "limits: [{rpm: 1, rpd: 2, rpmo: 3}, {tokens: 4, per: 24h, reset: rolling}], "
          "reset: '01:00 UTC'")
          .limits;
  REQUIRE(limits.windows.size() == 4);
  CHECK(limits.windows[0].reset == Reset{});
  CHECK(limits.windows[1].reset.time_of_day == hours{1});
  CHECK(limits.windows[2].reset == Reset{});
  CHECK(limits.windows[3].reset == Reset{});
}

TEST_CASE("resets that cannot be meant are refused") {
  const std::string expected =
      R"(expected rolling, "00:00 America/Los_Angeles" or "day 15 00:00 UTC")";
  for (const char* text : {"24:00 UTC", "00:60 UTC", "0:0 UTC", "day 0 00:00 UTC", "x", "day",
                           "day 32 00:00 UTC", "00:00 UTC x", "day 5", "-1:00 UTC", "''"}) {
    CAPTURE(text);
    const std::string plain = text == std::string("''") ? "" : text;
    CHECK(complaint("limits: {rpd: 5, rpmo: 5}, reset: " + std::string(text)) ==
          "reset': " + expected + ", found '" + plain + "'");
  }
  CHECK(complaint("limits: {rpd: 5}, reset: roling") ==
        "reset': " + expected + ", found 'roling' (did you mean 'rolling'?)");
  CHECK(complaint("limits: {rpd: 5}, reset: '00:00'") ==
        "reset': a time zone is missing; " + expected);
  CHECK(
      complaint("limits: {rpd: 5}, reset: 00:00 America/Los_Angles").find("America/Los_Angeles") !=
      std::string::npos);
  CHECK(complaint("limits: {rpmo: 5}, reset: 00:00 UTC") ==
        R"(reset': is for limits per day, and 'rpmo' is none; expected "day 1 00:00 UTC" or )"
        "rolling");
  CHECK(complaint("limits: {rpd: 5}, reset: day 1 00:00 UTC") ==
        R"(reset': is for limits per month, and 'rpd' is none; expected "00:00 UTC" or rolling)");
}

TEST_CASE("each limit has the shares of its model, else those of the top") {
  const std::string top = "pace_at: 0.6\npause_at: 70%\n";
  const Limit usual = only_limit("limits: {rpd: 5}");
  CHECK(usual.pace_at_per_mille == 990);
  CHECK(usual.pause_at_per_mille == 800);
  const Limit of_top = only_limit("limits: {rpd: 5}", top);
  CHECK(of_top.pace_at_per_mille == 600);
  CHECK(of_top.pause_at_per_mille == 700);
  const Limit own = only_limit("limits: {rpm: 5}, pace_at: 50%, pause_at: 0.001", top);
  CHECK(own.pace_at_per_mille == 500);
  CHECK(own.pause_at_per_mille == 1);
  const auto config = parse_config("providers: {openai: {limits: {rpd: 5}}}\n" + top, "r.yaml");
  REQUIRE(config.has_value());
  CHECK(config->providers.at("openai").limits.windows[0].pause_at_per_mille == 700);
  CHECK(complaint("pause_at: 0") ==
        "pause_at': expected a share from 0.001 to 1, such as 0.9 or 90%, found '0'");
  CHECK(complaint("pace_at: 0.4") ==
        "pace_at': expected a share from 0.5 to 1, such as 0.9 or 90%, found '0.4'");
}

}  // namespace
}  // namespace ratebatch::config_limits_test
