// What of the configuration is about quotas and money, beside the limits: tiers, waves, prices,
// fallbacks, keys.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "ratebatch/input/config_file.hpp"
#include "ratebatch/input/read_key.hpp"
#include "support/input_support.hpp"

namespace ratebatch::config_quota_test {

using namespace input;
using namespace input_support;

namespace {

using std::chrono::hours;
using std::chrono::seconds;

Config parsed(const std::string& text) {
  const auto config = parse_config(text, "r.yaml");
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  return *config;
}

ModelSettings model(const std::string& keys) {
  return parsed("models: {m: {" + keys + "}}").models.at("m");
}

// What is said of a model's keys, after the place.
std::string complaint(const std::string& keys) {
  std::string text = message_of(parse_config("models: {m: {" + keys + "}}", "r.yaml"));
  const std::string place = "r.yaml:1: key 'models.m.";
  return text.starts_with(place) ? text.substr(place.size()) : text;
}

TEST_CASE("a tier brings its limits, and those stated replace them by name") {
  const ModelSettings tier = model("id: gpt-4o-mini-2024-07-18, tier: 1");
  CHECK(tier.tier == "tier1");
  REQUIRE(tier.limits.windows.size() == 3);
  CHECK(tier.limits.windows[1].name == "tpm");
  CHECK(tier.limits.stated);
  const Limits over =
      model("id: gpt-4o-mini, tier: tier1, limits: {rpd: 9, ipm: 3, concurrency: 2}").limits;
  REQUIRE(over.windows.size() == 4);
  CHECK(over.windows[0].amount == 500);
  CHECK(over.windows[2].name == "rpd");
  CHECK(over.windows[2].amount == 9);
  CHECK(over.windows[3].name == "ipm");
  CHECK(over.concurrency == 2);
  CHECK(model("id: gpt-4o, tier: 1, limits: none").limits == Limits{{}, {}, true});
}

TEST_CASE("auto states no limits") {
  CHECK(model("id: gpt-4o, tier: auto").limits == Limits{});
  CHECK(model("id: gpt-4o").tier == "auto");
}

constexpr const char* gemini =
    "providers: {gemini: {api: openai, base_url: 'https://g.example/openai'}}\n";

TEST_CASE("the shares and the reset of a tier hold unless the model has its own") {
  const auto of = [](const std::string& keys) {
    return parsed(std::string(gemini) +
                  "pause_at: 0.5\nmodels: {m: {provider: gemini, id: "
                  "gemini-3-pro-image, tier: paid" +
                  keys + "}}")
        .models.at("m")
        .limits;
  };
  const Limits row = of("");
  REQUIRE(row.windows.size() == 2);
  CHECK(row.windows[1].pace_at_per_mille == 900);
  CHECK(row.windows[1].pause_at_per_mille == 960);
  CHECK(row.windows[0].reset == Reset{});
  CHECK(row.windows[1].reset.kind == Reset::Kind::daily);
  CHECK(row.windows[1].reset.zone.name() == "America/Los_Angeles");
  const Limits stated = of(", limits: {rpd: 100}, pause_at: 0.7");
  CHECK(stated.windows[1].amount == 100);
  CHECK(stated.windows[1].pause_at_per_mille == 700);
  CHECK(stated.windows[1].reset.kind == Reset::Kind::daily);
  CHECK(of(", reset: rolling").windows[1].reset == Reset{});
}

TEST_CASE("a provider of another name has the tiers of the service at its address") {
  const Config config = parsed(
      "providers: {work: {base_url: 'https://api.openai.com/v1/', keys: env:A}}\n"
      "models: {m: {provider: work, id: gpt-4o, tier: 2}}");
  CHECK(config.models.at("m").limits.windows[0].amount == 5000);
  CHECK(known_provider(config.providers.at("work")) == "openai");
  CHECK(token_rule(config.providers.at("work")) == TokenRule::larger_of);
  ProviderSettings other;
  other.name = "house";
  other.base_url = "https://house.example";
  CHECK(known_provider(other).empty());
  CHECK(token_rule(other) == TokenRule::total);
}

TEST_CASE("a tier that the table does not have names those it has") {
  CHECK(complaint("id: gpt-4o, tier: 7") ==
        "tier': unknown tier '7' of model 'gpt-4o'; expected one of tier1, tier2, tier3, tier4, "
        "tier5, auto");
  CHECK(complaint("id: gpt-99, tier: 1") ==
        "tier': the built-in table has no tiers for model 'gpt-99' of provider 'openai'; expected "
        "auto, with the limits of your account under limits:");
  CHECK(complaint("tier: [1]") == "tier': expected text, found a list");
}

TEST_CASE("waves are a pair, a text, a name, or switched off") {
  struct Row {
    const char* text;
    Waves waves;
  };
  for (const Row& row : {Row{"{size: 4, delay: 1m}", {4, seconds{60}}},
                         Row{"2x20s", {2, seconds{20}}}, Row{"3 x 15 s", {3, seconds{15}}},
                         Row{"1x0s", {1, seconds{0}}}, Row{"1000x24h", {1000, hours{24}}},
                         Row{"conservative", {2, seconds{20}}}, Row{"balanced", {3, seconds{15}}},
                         Row{"true", {3, seconds{15}}}, Row{"aggressive", {4, seconds{10}}}}) {
    CAPTURE(row.text);
    CHECK(model(std::string("waves: ") + row.text).waves == row.waves);
  }
  CHECK_FALSE(model("waves: false").waves.has_value());
  CHECK_FALSE(model("").waves.has_value());
  const std::string together = "provider: together, id: x/flux, tier: free";
  CHECK(model(together).waves == Waves{3, seconds{15}});
  CHECK(model(together + ", waves: false").waves == std::nullopt);
  CHECK(model(together + ", waves: 2x20s").waves == Waves{2, seconds{20}});
  CHECK_FALSE(model(together).limits.stated);
}

TEST_CASE("waves that cannot be meant are refused") {
  const std::string expected =
      "waves': expected waves such as 3x15s (3 at once, the next ones 15 s after the last of "
      "them), conservative, balanced or aggressive, found '";
  for (const char* text : {"0x5s", "1001x5s", "3x", "x5s", "3x25h", "3", "-1x5s", "3x5s5x"}) {
    CAPTURE(text);
    CHECK(complaint(std::string("waves: ") + text) == expected + text + "'");
  }
  CHECK(complaint("waves: balance") == expected + "balance' (did you mean 'balanced'?)");
  CHECK(complaint("waves: {size: 3}") ==
        "waves': expected both size and delay, such as {size: 3, delay: 15s}");
  CHECK(complaint("waves: {size: 0, delay: 5s}") ==
        "waves.size': expected a whole number from 1 to 1,000, found '0'");
  CHECK(complaint("waves: {size: 1, dely: 5s}") == "waves.dely': unknown (did you mean 'delay'?)");
}

TEST_CASE("prices are exact in pico-USD") {
  const auto price =
      model("price: {input: 0.15, output: 0.60, image: 0.04, characters: 0.0000003}").price;
  REQUIRE(price.has_value());
  CHECK(*price == Price{150'000, 600'000, 40'000'000'000, 300'000});
  CHECK(model("price: {input: 0.000001}").price->input_token == 1);
  CHECK(model("price: {input: 100000}").price->input_token == 100'000'000'000);
  CHECK(model("price: {image: 1000.000000000000}").price->image == 1000 * pico_usd_per_usd);
  CHECK(model("price: {output: 0}").price == Price{});
  CHECK_FALSE(model("").price.has_value());
}

TEST_CASE("prices that are none, or too fine or too large, are refused") {
  const std::string expected =
      "price.input': expected USD from 0 to 100,000 with at most 6 decimals, such as 0.15, found '";
  for (const char* text : {"0.0000001", "100000.000001", "100001", "-1", "1e3", "1.", ".5", "a",
                           "$1", "1.2.3", "9999999999"}) {
    CAPTURE(text);
    CHECK(complaint(std::string("price: {input: ") + text + "}") == expected + text + "'");
  }
  CHECK(complaint("price: {image: 1000.1}") ==
        "price.image': expected USD from 0 to 1,000 with at most 12 decimals, such as 0.15, found "
        "'1000.1'");
  CHECK(complaint("price: {}").starts_with("price': expected USD per million tokens"));
  CHECK(complaint("price: 5").starts_with("price': expected USD per million tokens"));
  CHECK(complaint("price: {imput: 1}") == "price.imput': unknown (did you mean 'input'?)");
}

TEST_CASE("a fallback names models, in any order of the file, and causes") {
  const Config config = parsed(
      "models:\n"
      "  a: {fallback: {to: [b, openai/gpt-5], on: [tripped, pause]}}\n"
      "  b: {id: gpt-4o, fallback: {on: no_key, to: a}}\n");
  const ModelSettings& a = config.models.at("a");
  CHECK(a.fallback_to == std::vector<std::string>{"b", "openai/gpt-5"});
  CHECK(a.fallback_on == FallbackCauses{true, false, true});
  const ModelSettings& b = config.models.at("b");
  CHECK(b.fallback_to == std::vector<std::string>{"a"});
  CHECK(b.fallback_on == FallbackCauses{false, true, false});
  // By its id, a model is found under its name.
  const Config by_id = parsed("models: {a: {fallback: {to: gpt-4o, on: pause}}, b: {id: gpt-4o}}");
  CHECK(by_id.models.at("a").fallback_to == std::vector<std::string>{"b"});
}

TEST_CASE("fallbacks that cannot be meant are refused") {
  const std::string both =
      "fallback': expected both to and on, such as {to: [gpt-4o], on: [tripped, no_key, pause]}";
  CHECK(complaint("fallback: {}") == both);
  CHECK(complaint("fallback: {on: pause}") == both);
  CHECK(complaint("fallback: {to: [m], on: pause}") ==
        "fallback.to[0]': is this model itself; expected another one");
  CHECK(complaint("fallback: {to: openai/m, on: pause}") ==
        "fallback.to': is this model itself; expected another one");
  CHECK(complaint("fallback: {to: [mm], on: pause}") ==
        "fallback.to[0]': unknown model 'mm' (did you mean 'm'?)");
  CHECK(complaint("fallback: {to: [openai/a, openai/a], on: pause}") ==
        "fallback.to[1]': 'openai/a' stands twice");
  CHECK(complaint("fallback: {to: openai/gpt-image-1, on: pause}") ==
        "fallback.to': model 'openai/gpt-image-1' makes something else than 'm'; expected one of "
        "the same kind");
  CHECK(complaint("fallback: {to: [], on: pause}") ==
        "fallback.to': expected models such as [gpt-4o]");
  CHECK(complaint("fallback: {to: openai/a, on: []}") ==
        "fallback.on': expected causes such as [tripped, no_key, pause]");
  CHECK(complaint("fallback: {to: openai/a, on: [pauses]}") ==
        "fallback.on[0]': expected tripped, no_key or pause, found 'pauses' (did you mean "
        "'pause'?)");
}

TEST_CASE("keys are variables, patterns of them, files and credentials, with their groups") {
  const auto keys = parsed(
                        "providers: {openai: {key_scope: separate, keys: [env:A, env:B_*, "
                        "{env: C, group: acme}, {group: acme, file: k}, cred:open-ai.key, "
                        "{cred: x, group: y}]}}")
                        .providers.at("openai");
  CHECK(keys.key_scope == KeyScope::separate);
  REQUIRE(keys.keys.size() == 6);
  CHECK_FALSE(is_pattern(keys.keys[0]));
  CHECK(keys.keys[0].group.empty());
  CHECK(is_pattern(keys.keys[1]));
  CHECK(keys.keys[1].name == "B_*");
  CHECK(keys.keys[2].group == "acme");
  CHECK(keys.keys[3].from == KeySource::From::file);
  CHECK(keys.keys[3].group == "acme");
  CHECK(keys.keys[4].from == KeySource::From::file);
  CHECK(keys.keys[4].name == "$CREDENTIALS_DIRECTORY/open-ai.key");
  CHECK(keys.keys[5].group == "y");
}

TEST_CASE("a server that asks for no key has none") {
  const Config config = parsed("providers: {openai: {keys: none}}");
  const auto& keys = config.providers.at("openai").keys;
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].from == KeySource::From::none);
  const auto key = read_key(keys[0], [](const std::string&) { return std::nullopt; });
  REQUIRE(key.has_value());
  CHECK(key->empty());
}

TEST_CASE("keys that cannot be meant are refused") {
  const auto of = [](const std::string& keys) {
    return message_of(parse_config("providers: {openai: {keys: " + keys + "}}", "r.yaml"));
  };
  const std::string place = "r.yaml:1: key 'providers.openai.keys";
  const std::string where =
      "': expected where the key is found: env:NAME, file:PATH or cred:NAME (never the key "
      "itself), "
      "or none for a server that asks for no key";
  CHECK(of("{group: a}") == place + where);
  CHECK(of("{env: A, file: b}") == place + where);
  CHECK(of("{env: A, gruop: b}") == place + ".gruop': unknown (did you mean 'group'?)");
  CHECK(of("{env: A, group: ''}") == place + ".group': expected text, found ''");
  CHECK(of("['env:*']").find("expected the name of an environment variable") != std::string::npos);
  for (const char* name : {"cred:", "cred:a/b", "cred:..", "cred:.a"}) {
    CAPTURE(name);
    CHECK(of(std::string("['") + name + "']") ==
          place +
              "[0]': expected the name of a systemd credential after cred, such as cred:openai");
  }
  CHECK(message_of(parse_config("providers: {openai: {key_scope: seperate}}", "r.yaml")) ==
        "r.yaml:1: key 'providers.openai.key_scope': expected shared or separate, found "
        "'seperate' (did you mean 'separate'?)");
}

TEST_CASE("the built-in providers need only what differs") {
  const Config config = parsed("providers: {groq: {limits: {rpm: 30}}}");
  const ProviderSettings& groq = config.providers.at("groq");
  CHECK(groq.base_url == "https://api.groq.com/openai/v1");
  CHECK(groq.keys[0].name == "GROQ_API_KEY");
  CHECK_FALSE(groq.assumed);
  CHECK(config.providers.at("together").base_url == "https://api.together.ai/v1");
  CHECK(config.providers.at("together").assumed);
  CHECK_FALSE(config.providers.at("openai").assumed);
  // Beside openai alone, a model needs no provider; beside another one that is configured, it does.
  CHECK(model("").provider == "openai");
  CHECK(message_of(parse_config("providers: {groq: {}}\nmodels: {m: {}}", "r.yaml")) ==
        "r.yaml:2: key 'models.m': missing key provider, the name of one under providers:");
  CHECK(message_of(parse_config("providers: {gemini: {api: openai}}", "r.yaml")) ==
        "r.yaml:1: key 'providers.gemini': missing key base_url, such as "
        "https://api.openai.com/v1");
  CHECK(find_model(built_in_config(), "gpt-4o")->provider == "openai");
  CHECK(find_model(built_in_config(), "groq/llama-3.1-8b-instant")->provider == "groq");
}

TEST_CASE("the keys of the top level have their bounds") {
  const Config config =
      parsed("max_workers: 20\npause_at: 0.5\nslow_at: 1\nwarn_at: 1%\nlog_usage_every: 7\n");
  CHECK(config.workers_max == 20);
  CHECK(config.pause_at_per_mille == 500);
  CHECK(config.slow_at_per_mille == 1000);
  CHECK(config.warn_at_per_mille == 10);
  CHECK(config.log_usage_every == 7);
  const auto top = [](const std::string& text) { return message_of(parse_config(text, "r.yaml")); };
  CHECK(top("warn_at: 1.1") ==
        "r.yaml:1: key 'warn_at': expected a share from 0.001 to 1, such as 0.9 or 90%, found "
        "'1.1'");
  CHECK(top("slow_at: 0").find("'slow_at'") != std::string::npos);
  CHECK(top("log_usage_every: 0").find("from 1 to 1,000,000, found '0'") != std::string::npos);
}

}  // namespace
}  // namespace ratebatch::config_quota_test
