#include "ratebatch/sandbox/sandbox_options.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace ratebatch {
namespace {

using std::chrono::milliseconds;

TEST_CASE("every sandbox option is read") {
  const auto read = parse_sandbox_options(
      "port=8080,seed=7,latency=500ms,jitter=50ms,algorithm=bucket,rps=9,rpm=600,rph=5000,"
      "concurrency=8,total_concurrency=20,error_rate=0.02,reset_rate=1%,truncate_rate=0.001,"
      "hang_rate=0.5%,garbage_rate=0,image_bytes=100000,require_key=k");
  REQUIRE(read.has_value());
  SandboxOptions wanted;
  wanted.port = 8080;
  wanted.seed = 7;
  wanted.latency = milliseconds{500};
  wanted.jitter = milliseconds{50};
  wanted.algorithm = LimitAlgorithm::bucket;
  wanted.every_model = {.concurrency = 8,
                        .requests = {{"rps", 9, std::chrono::seconds{1}},
                                     {"rpm", 600, std::chrono::minutes{1}},
                                     {"rph", 5000, std::chrono::hours{1}}}};
  wanted.overall.concurrency = 20;
  wanted.error_per_mille = 20;
  wanted.reset_per_mille = 10;
  wanted.truncate_per_mille = 1;
  wanted.hang_per_mille = 5;
  wanted.image_bytes = 100'000;
  wanted.required_key = "k";
  CHECK(*read == wanted);
}

TEST_CASE("what the text does not name stays as the caller gave it") {
  SandboxOptions given;
  given.latency = milliseconds{1};
  given.models["m"].concurrency = 3;
  given.every_model.requests = {{"rpm", 1, std::chrono::minutes{1}}};
  CHECK(parse_sandbox_options("", given) == given);
  const auto read = parse_sandbox_options("rpm=2", given);
  REQUIRE(read.has_value());
  CHECK(read->models == given.models);
  CHECK(read->latency == given.latency);
  CHECK(read->every_model.requests ==
        std::vector<RequestLimit>{{"rpm", 2, std::chrono::minutes{1}}});
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
      {"algorithm=slide", "expected fixed, sliding or bucket"},
      {"algorithm=fixd", "did you mean 'fixed'?"},
      {"rpm=0", "expected a whole number of requests, at least 1"},
      {"rpm=-5", "rpm=-5"},
      {"rpm=100000001", "expected 1 to 100,000,000 requests"},
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
      {"image_bytes=33554433", "image_bytes: expected 0 to 33554432"},
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

TEST_CASE("fault rates may fill the whole, and the largest limit is allowed") {
  CHECK(parse_sandbox_options("error_rate=60%,reset_rate=40%").has_value());
  CHECK(parse_sandbox_options("rps=100000000").has_value());
  CHECK(parse_sandbox_options("error_rate=1").value().error_per_mille == 1000);
}

TEST_CASE("limits of the configuration are checked too") {
  SandboxOptions options;
  options.models["m"].requests = {{"odd", 5, std::chrono::microseconds{999}}};
  CHECK_FALSE(check_sandbox_options(options).has_value());
  options.models["m"].requests = {{"odd", 5, milliseconds{1}}};
  CHECK(check_sandbox_options(options).has_value());
  options.models["m"].requests = {{"odd", 5, std::chrono::hours{24}}};
  CHECK(check_sandbox_options(options).has_value());
  options.models["m"].requests = {{"odd", 5, std::chrono::hours{25}}};
  CHECK_FALSE(check_sandbox_options(options).has_value());
  options.models["m"] = {.concurrency = 0, .requests = {}};
  CHECK_FALSE(check_sandbox_options(options).has_value());
}

}  // namespace
}  // namespace ratebatch
