#include "ratebatch/sandbox/sandbox_options.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace ratebatch::sandbox_options_test {

using namespace sandbox;

namespace {

using std::chrono::milliseconds;

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("every sandbox option is read") {
  const auto read = parse_sandbox_options(
      "port=8080,seed=7,latency=500ms,jitter=50ms,algorithm=bucket,burst=10,token_count=reserve,"
      "keys=shared,headers=off,minute=1s,day=60s,rps=9,rpm=600,rph=5000,window=10s:50,"
      "concurrency=8,total_concurrency=20,outage=10s-40s@gpt-4o:x,error_rate=0.02,reset_rate=1%,"
      "truncate_rate=0.001,hang_rate=0.5%,garbage_rate=0,image_bytes=100000,text_bytes=5000,links="
      "on,"
      "link_error_rate=5%,replies=a b/r.jsonl,require_key=k");
  REQUIRE(read.has_value());
  SandboxOptions wanted;
  wanted.port = 8080;
  wanted.seed = 7;
  wanted.latency = milliseconds{500};
  wanted.jitter = milliseconds{50};
  wanted.algorithm = LimitAlgorithm::bucket;
  wanted.burst = 10;
  wanted.token_count = TokenCount::reserve;
  wanted.keys = KeyCounters::shared;
  wanted.headers = false;
  wanted.minute = seconds{1};
  wanted.day = seconds{60};
  wanted.every_model = {
      .concurrency = 8,
      .windows = {{.name = "rps", .amount = 9, .window = seconds{1}},
                  {.name = "rpm", .amount = 600, .window = minutes{1}},
                  {.name = "rph", .amount = 5000, .window = hours{1}},
                  {.name = "requests per 10s", .amount = 50, .window = seconds{10}}}};
  wanted.overall.concurrency = 20;
  wanted.outage = SandboxOutage{seconds{10}, seconds{40}, "gpt-4o:x"};
  wanted.error_per_mille = 20;
  wanted.reset_per_mille = 10;
  wanted.truncate_per_mille = 1;
  wanted.hang_per_mille = 5;
  wanted.image_bytes = 100'000;
  wanted.text_bytes = 5000;
  wanted.links = true;
  wanted.link_error_per_mille = 50;
  wanted.replies_file = "a b/r.jsonl";
  wanted.required_key = "k";
  CHECK(*read == wanted);
  CHECK(parse_sandbox_options("outage=0-5m").value().outage == SandboxOutage{{}, minutes{5}, ""});
}

TEST_CASE("limits of each resource and window have a key") {
  struct Row {
    std::string letters;
    Resource resource;
  };
  struct Window {
    std::string letters;
    Duration window;
  };
  for (const Row& row : std::vector<Row>{{"r", Resource::requests},
                                         {"t", Resource::tokens},
                                         {"it", Resource::input_tokens},
                                         {"ot", Resource::output_tokens},
                                         {"i", Resource::images},
                                         {"c", Resource::characters}}) {
    for (const Window& window : std::vector<Window>{{"s", seconds{1}},
                                                    {"m", minutes{1}},
                                                    {"h", hours{1}},
                                                    {"d", hours{24}},
                                                    {"mo", 31 * hours{24}}}) {
      const std::string name = row.letters + "p" + window.letters;
      CAPTURE(name);
      const auto read = parse_sandbox_options(name + "=1000000000000");
      REQUIRE(read.has_value());
      CHECK(read->every_model.windows == std::vector<Limit>{{.name = name,
                                                             .resource = row.resource,
                                                             .amount = 1'000'000'000'000,
                                                             .window = window.window}});
    }
  }
}

TEST_CASE("what the text does not name stays as the caller gave it") {
  SandboxOptions given;
  given.latency = milliseconds{1};
  given.models["m"].concurrency = 3;
  given.every_model.windows = {{.name = "rpm", .amount = 1, .window = minutes{1}},
                               {.name = "tpm", .amount = 1, .window = minutes{1}}};
  CHECK(parse_sandbox_options("", given) == given);
  const auto read = parse_sandbox_options("rpm=2", given);
  REQUIRE(read.has_value());
  CHECK(read->models == given.models);
  CHECK(read->latency == given.latency);
  CHECK(read->every_model.windows ==
        std::vector<Limit>{{.name = "tpm", .amount = 1, .window = minutes{1}},
                           {.name = "rpm", .amount = 2, .window = minutes{1}}});
}

TEST_CASE("wrong sandbox options are refused with what was expected") {
  struct Row {
    std::string text;
    std::string part;
  };
  const std::vector<Row> rows = {
      {"latncy=1s", "unknown option 'latncy' (did you mean 'latency'?)"},
      {"latency", "latency=: expected a duration"},
      {"latency=fast", "latency=fast: expected a duration"},
      {"latency=61m", "latency and jitter: expected 0 to 1h"},
      {"algorithm=slide", "expected one of fixed, sliding, bucket"},
      {"algorithm=fixd", "did you mean 'fixed'?"},
      {"rpm=0", "expected a whole number of requests, at least 1"},
      {"rpm=-5", "rpm=-5"},
      {"rpm=1000000000001", "expected 1 to 1,000,000,000,000 requests"},
      {"tpd=0", "expected a whole number of tokens, at least 1"},
      {"otpx=5", "limits such as rpm or tpd"},
      {"window=10s", "such as 10s:50"},
      {"window=10s:", "such as 10s:50"},
      {"window=:50", "such as 10s:50"},
      {"window=10s:0", "such as 10s:50"},
      {"window=0s:5", "a window of 1ms to 31 days"},
      {"burst=10", "add algorithm=bucket"},
      {"burst=0,algorithm=bucket", "burst=0: expected"},
      {"token_count=used", "expected one of usage, reserve"},
      {"keys=share", "did you mean 'shared'?"},
      {"headers=no", "expected one of on, off"},
      {"minute=61s", "minute: expected 10ms to 1m"},
      {"minute=9ms", "minute: expected 10ms to 1m"},
      {"day=999ms", "day: expected 1s to 24h"},
      {"day=25h", "day: expected 1s to 24h"},
      {"outage=10s", "such as 10s-40s"},
      {"outage=10s-", "such as 10s-40s"},
      {"outage=5s-5s", "outage: expected an end after its start"},
      {"concurrency=0", "at least 1"},
      {"concurrency=2147483648", "at least 1"},
      {"port=65536", "up to 65535"},
      {"seed=x", "a whole number"},
      {"error_rate=1.001", "expected a share"},
      {"error_rate=0.0001", "in steps of 0.001"},
      {"error_rate=101%", "expected a share"},
      {"error_rate=0.", "expected a share"},
      {"error_rate=-0.1", "expected a share"},
      {"error_rate=60%,reset_rate=40.1%", "more than 1 together"},
      {"image_bytes=46137345", "image_bytes: expected 0 to 46137344"},
      {"text_bytes=33554433", "text_bytes: expected 0 to 33554432"},
      {"links=maybe", "expected one of on, off"},
      {"link_error_rate=2", "expected a share"},
      {"replies=", "the path of a file of scripted replies"},
      {"require_key=", "the key that requests must carry"},
      {"rpm=5,rpm=6", "rpm is given twice"},
      {"rpm=5,,seed=1", "unknown option ''"},
      {"a\x1b[2J=1", "a\\x1b[2J"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto read = parse_sandbox_options(row.text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::invalid_input);
    INFO(read.error().message);
    CHECK(read.error().message.find(row.part) != std::string::npos);
  }
}

TEST_CASE("fault rates may fill the whole, and the bounds themselves are allowed") {
  CHECK(parse_sandbox_options("error_rate=60%,reset_rate=40%").has_value());
  CHECK(parse_sandbox_options("rps=1000000000000").has_value());
  CHECK(parse_sandbox_options("error_rate=1").value().error_per_mille == 1000);
  CHECK(parse_sandbox_options("minute=10ms,day=1s").has_value());
  CHECK(parse_sandbox_options("minute=1m,day=24h").value() == SandboxOptions{});
}

TEST_CASE("limits of the configuration are checked too") {
  SandboxOptions options;
  const auto is_good = [&](Duration window) {
    options.models["m"].windows = {{.name = "odd", .amount = 5, .window = window}};
    return check_sandbox_options(options).has_value();
  };
  CHECK_FALSE(is_good(std::chrono::microseconds{999}));
  CHECK(is_good(milliseconds{1}));
  CHECK(is_good(month_window));
  CHECK_FALSE(is_good(month_window + Duration{1}));
  options.models["m"] = {.concurrency = 0};
  CHECK_FALSE(check_sandbox_options(options).has_value());
}

Limit compressed_one(Limit limit, std::string_view text) {
  const auto options = parse_sandbox_options(text);
  REQUIRE(options.has_value());
  return compressed({.concurrency = 3, .windows = {std::move(limit)}}, *options).windows.front();
}

TEST_CASE("whoever compresses limits gets the windows that the sandbox enforces") {
  Limit daily{.name = "rpd", .amount = 9, .window = hours{24}};
  daily.reset = {.kind = Reset::Kind::daily, .time_of_day = hours{9}};
  CHECK(compressed_one(daily, "") == daily);
  CHECK(compressed_one(daily, "minute=1s") == daily);
  CHECK(compressed_one(daily, "day=60s") ==
        Limit{.name = "rpd", .amount = 9, .window = minutes{1}, .pauses = true});
  Limit other{.name = "x", .amount = 9, .window = 31 * hours{24}};
  CHECK(compressed_one(other, "day=60s").window == minutes{31});
  // A compressed day is not compressed again as a minute.
  other.window = hours{24};
  CHECK(compressed_one(other, "day=60s,minute=1s").window == minutes{1});
  other.window = minutes{1};
  CHECK(compressed_one(other, "day=60s,minute=1s").window == seconds{1});
  CHECK_FALSE(compressed_one(other, "day=60s,minute=1s").is_long());
  for (const Duration kept : {Duration{seconds{59}}, Duration{hours{1}}, Duration{hours{25}}}) {
    other.window = kept;
    CHECK(compressed_one(other, "day=60s,minute=1s") == other);
  }
  CHECK(compressed({.concurrency = 3}, {}).concurrency == 3);
}

}  // namespace
}  // namespace ratebatch::sandbox_options_test
