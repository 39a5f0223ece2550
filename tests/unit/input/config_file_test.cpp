#include "ratebatch/input/config_file.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "support/input_support.hpp"

namespace ratebatch::config_file_test {

using namespace input;
using namespace input_support;

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Limit requests(const std::string& name, std::int64_t amount, Duration window,
               std::int32_t pace_at_per_mille = 990) {
  Limit limit;
  limit.name = name;
  limit.amount = amount;
  limit.window = window;
  limit.pace_at_per_mille = pace_at_per_mille;
  return limit;
}

Limits limits_of(std::vector<Limit> windows, std::optional<std::int32_t> concurrency = {}) {
  return {concurrency, std::move(windows), true};
}

Config parsed(std::string_view text) {
  auto config = parse_config(text, "conf/ratebatch.yaml");
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  return *config;
}

TEST_CASE("an empty file says what no file says") {
  for (const char* text : {"", "\n", "# only a comment\n", "~", "{}", "models:\ntypes: ~\n"}) {
    CAPTURE(text);
    const Config config = parsed(text);
    CHECK(config.workers == 4);
    CHECK(config.pace_at_per_mille == 990);
    CHECK(config.models.empty());
    CHECK(config.providers.size() == 6);
    const ProviderSettings& openai = config.providers.at("openai");
    CHECK(openai.name == "openai");
    CHECK(openai.api == "openai");
    CHECK(openai.base_url == "https://api.openai.com/v1");
    REQUIRE(openai.keys.size() == 1);
    CHECK(openai.keys[0].from == KeySource::From::environment);
    CHECK(openai.keys[0].name == "OPENAI_API_KEY");
  }
}

// Every key this version supports, away from its default.
constexpr const char* full_text = R"(
workers: 12
max_workers: 20
pace_at: 95%
assets: pictures
providers:
  openai:
    limits: {rps: 20, rph: 1k}
  house:
    api: openai
    base_url: http://models.example:8080/v1/
    keys: [env:HOUSE_KEY, {env: HOUSE_KEY_2}, "file:secret/key", {file: /etc/key}]
    key_scope: shared
    limits: none
    allow_http: true
    ca_file: ca.pem
models:
  mini:
    provider: house
    id: gpt-4o-mini-2024-07-18
    kind: chat
    limits: {rpm: 500, concurrency: 8}
    timeout: 90s
    params: {temperature: 0.7, stop: ["a", 5, null, true, "5", 1e3], user: 'x'}
    retry: {server: {retries: 7}}
    enabled: false
types:
  bio:
    model: mini
    system: "You write for {{site|us}}."
    prompt: |
      {{artist}}
    params: {max_tokens: 300}
retry:
  rate_limit: {retries: 1, base: 2s, max: 3s, growth: linear}
  concurrency: {growth: exponential}
  quota: {pause: 12h}
  server: {base: 250ms}
  jitter: 0.29
breaker: {failures: 3, open: 1m30s}
)";

TEST_CASE("every key of the top level is read") {
  const Config config = parsed(full_text);
  CHECK(config.workers == 12);
  CHECK(config.workers_max == 20);
  CHECK(config.pace_at_per_mille == 950);
  CHECK(config.assets == "conf/pictures");
  CHECK(config.breaker.failures == 3);
  CHECK(config.breaker.open_for == seconds{90});
  CHECK(config.retry.rate_limit == RetryRule{1, seconds{2}, seconds{3}, Growth::linear});
  CHECK(config.retry.concurrency == RetryRule{3, seconds{2}, seconds{6}, Growth::doubling});
  CHECK(config.retry.quota_pause == hours{12});
  CHECK(config.retry.jitter_per_mille == 290);
}

TEST_CASE("every key of a provider is read") {
  const Config config = parsed(full_text);
  const Limits& over_all = config.providers.at("openai").limits;
  CHECK(over_all ==
        limits_of({requests("rps", 20, seconds{1}, 950), requests("rph", 1000, hours{1}, 950)}));
  const ProviderSettings& house = config.providers.at("house");
  CHECK(house.base_url == "http://models.example:8080/v1");
  CHECK(house.allow_http);
  CHECK(house.ca_file == "conf/ca.pem");
  REQUIRE(house.keys.size() == 4);
  CHECK(house.keys[1].name == "HOUSE_KEY_2");
  CHECK(house.keys[2].from == KeySource::From::file);
  CHECK(house.keys[2].name == "conf/secret/key");
  CHECK(house.keys[3].name == "/etc/key");
}

TEST_CASE("every key of a model and a type is read") {
  const Config config = parsed(full_text);
  const ModelSettings& mini = config.models.at("mini");
  CHECK(mini.name == "mini");
  CHECK(mini.provider == "house");
  CHECK(mini.id == "gpt-4o-mini-2024-07-18");
  CHECK(mini.limits == limits_of({requests("rpm", 500, minutes{1}, 950)}, 8));
  CHECK(mini.timeout == seconds{90});
  CHECK(mini.params_json ==
        R"({"stop":["a",5,null,true,"5",1000.0],"temperature":0.7,"user":"x"})");
  CHECK_FALSE(mini.enabled);
  CHECK(mini.retry.server == RetryRule{7, milliseconds{250}, seconds{4}, Growth::doubling});

  CHECK(config.types.at("bio").prompt == "{{artist}}\n");
  CHECK(config.types.at("bio").params_json == R"({"max_tokens":300})");
}

TEST_CASE("a part may stand before what it refers to") {
  const Config config = parsed(R"(
types: {t: {model: m}}
models: {m: {provider: p}}
retry: {jitter: 0}
providers: {p: {base_url: "https://p.example"}}
)");
  CHECK(config.types.at("t").model == "m");
  CHECK(config.models.at("m").id == "m");
  CHECK(config.models.at("m").retry.jitter_per_mille == 0);
}

TEST_CASE("what a model leaves out follows from its name") {
  const Config config = parsed("models: {gpt-image-1: {}, gpt-4o: }");
  const ModelSettings& image = config.models.at("gpt-image-1");
  CHECK(image.provider == "openai");
  CHECK(image.id == "gpt-image-1");
  CHECK(image.kind == ModelKind::image);
  CHECK(image.limits == Limits{});
  CHECK(image.timeout == seconds{120});
  CHECK(image.enabled);
  CHECK(config.models.at("gpt-4o").kind == ModelKind::chat);
}

TEST_CASE("windows may be listed, with named limits beside them") {
  const Config config = parsed(
      "models: {m: {limits: [{requests: 50, per: 10s}, {per: 1h, requests: 1.5k}, "
      "{rpm: 60, concurrency: 2}]}}");
  CHECK(config.models.at("m").limits ==
        limits_of({requests("requests per 10s", 50, seconds{10}),
                   requests("requests per 1h", 1500, hours{1}), requests("rpm", 60, minutes{1})},
                  2));
}

TEST_CASE("bounds are included") {
  CHECK(parsed("workers: 1").workers == 1);
  CHECK(parsed("workers: 10000").workers == 10'000);
  CHECK(parsed("pace_at: 0.5").pace_at_per_mille == 500);
  CHECK(parsed("pace_at: 1.0").pace_at_per_mille == 1000);
  CHECK(parsed("pace_at: 100%").pace_at_per_mille == 1000);
  CHECK(parsed("models: {m: {timeout: 1}}").models.at("m").timeout == seconds{1});
  CHECK(parsed("models: {m: {timeout: 24h}}").models.at("m").timeout == hours{24});
  const auto shortest = parsed("models: {m: {limits: [{requests: 1, per: 1ms}]}}");
  CHECK(shortest.models.at("m").limits.windows[0].window == milliseconds{1});
}

TEST_CASE("one key needs no list") {
  CHECK(parsed("providers: {openai: {keys: env:A}}").providers.at("openai").keys[0].name == "A");
  CHECK(parsed("providers: {openai: {keys: {env: B}}}").providers.at("openai").keys[0].name == "B");
}

TEST_CASE("addresses on this machine may do without TLS") {
  for (const char* url : {"http://localhost:11434/v1", "http://127.0.0.1", "http://127.1.2.3:1",
                          "http://[::1]:8080/v1", "https://[2001:db8::1]/v1"}) {
    CAPTURE(url);
    const auto text = std::string("providers: {p: {base_url: \"") + url + "///\"}}";
    CHECK(parsed(text).providers.at("p").base_url == url);
  }
}

TEST_CASE("long texts may stand in files beside the configuration") {
  const TemporaryFolder folder;
  folder.write("prompts/bio.txt", "About {{artist}}.\n");
  const auto path = folder.write("ratebatch.yaml", "types: {bio: {prompt_file: prompts/bio.txt}}");
  const auto config = read_config(path);
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  CHECK(config->types.at("bio").prompt == "About {{artist}}.\n");
}

TEST_CASE("the folder for assets is a plain path") {
  CHECK(parsed("assets: ./pics/").assets == "conf/pics");
  CHECK(parsed("assets: ../pics//a").assets == "pics/a");
  CHECK(parsed("assets: /data/./pics").assets == "/data/pics");
  CHECK(parsed("assets: .").assets == "conf");
  for (const char* text : {"\nassets: ~/pics", "\nassets: ~ann/pics", "\nassets: '~'"}) {
    CAPTURE(text);
    CHECK(message_of(parse_config(text, "r.yaml")) ==
          "r.yaml:2: key 'assets': ~ is not expanded here; write the whole path");
  }
}

TEST_CASE("a configuration with a byte order mark and Windows line ends is read") {
  CHECK(parsed("\xEF\xBB\xBFworkers: 7\r\npace_at: 0.9\r\n").workers == 7);
}

}  // namespace
}  // namespace ratebatch::config_file_test
