#include "ratebatch/run/catalog.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace ratebatch::catalog_test {

using namespace provider;
using namespace run;
using namespace store;

namespace {

Config two_providers() {
  Config config;
  for (const std::string name : {"openai", "other"}) {
    ProviderSettings provider;
    provider.name = name;
    provider.base_url = "https://" + name + ".example/v1";
    provider.keys = {{KeySource::From::environment, name + "_KEY_1", ""},
                     {KeySource::From::environment, name + "_KEY_2", ""}};
    config.providers[name] = provider;
  }
  for (const auto& [name, provider] : std::vector<std::pair<std::string, std::string>>{
           {"text", "openai"}, {"image", "openai"}, {"far", "other"}}) {
    ModelSettings model;
    model.name = model.id = name;
    model.provider = provider;
    config.models[name] = model;
  }
  TypeSettings bio;
  bio.name = "bio";
  bio.model = "text";
  config.types["bio"] = bio;
  return config;
}

Result<Secret> every_key(const KeySource& source) { return Secret{"secret of " + source.name}; }

Result<Secret> only_second_keys(const KeySource& source) {
  if (source.name.back() == '2') return every_key(source);
  return fail(ErrorCode::no_key, source.name + " is not set");
}

Result<Secret> no_keys(const KeySource& source) {
  return fail(ErrorCode::no_key, source.name + " is not set");
}

TEST_CASE("routes to the same model share a lane, and lanes of a provider its keys") {
  std::vector<std::string> warnings;
  const auto catalog = make_catalog(
      two_providers(),
      {{RouteId{1}, "bio", ""}, {RouteId{2}, "bio", "image"}, {RouteId{3}, "", "text"}}, every_key,
      {}, warnings);
  REQUIRE(catalog.has_value());
  REQUIRE(catalog->lanes.lanes.size() == 2);
  CHECK(catalog->lanes.pools.size() == 1);
  CHECK(catalog->lanes.keys.size() == 2);
  CHECK(catalog->keys[1].reveal() == "secret of openai_KEY_2");
  CHECK(catalog->lanes.routes[0].lane == catalog->lanes.routes[2].lane);
  CHECK(catalog->lanes.routes[0].lane != catalog->lanes.routes[1].lane);
  CHECK(catalog->recipes.size() == 3);
  CHECK(catalog->origins[0] == "https://openai.example:443");
  CHECK(warnings.empty());
}

TEST_CASE("a missing key beside a readable one is a warning, none at all an error") {
  std::vector<std::string> warnings;
  const std::vector<StoredRoute> routes = {{RouteId{1}, "bio", ""}};
  const auto one = make_catalog(two_providers(), routes, only_second_keys, {}, warnings);
  REQUIRE(one.has_value());
  CHECK(one->lanes.keys.size() == 1);
  CHECK(warnings == std::vector<std::string>{"openai_KEY_1 is not set"});
  const auto none = make_catalog(two_providers(), routes, no_keys, {}, warnings);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == ErrorCode::no_key);
}

TEST_CASE("the sandbox takes every lane, and asks for no key") {
  std::vector<std::string> warnings;
  const auto catalog =
      make_catalog(two_providers(), {{RouteId{1}, "", "text"}, {RouteId{2}, "", "far"}}, no_keys,
                   {.sandbox_base_url = "http://127.0.0.1:4711/v1", .variables = {}}, warnings);
  REQUIRE(catalog.has_value());
  CHECK(catalog->endpoints[1].base_url == "http://127.0.0.1:4711/v1");
  CHECK(catalog->origins[1] == "http://127.0.0.1:4711");
  CHECK(catalog->keys[0].reveal() == "sandbox-default");
}

TEST_CASE("the sandbox has an address for each API") {
  struct Row {
    const char* api;
    const char* base_url;
  };
  for (const Row& row : {Row{"openai", "http://127.0.0.1:4711/v1"},
                         Row{"together", "http://127.0.0.1:4711/together/v1"},
                         Row{"anthropic", "http://127.0.0.1:4711/anthropic/v1"},
                         Row{"gemini", "http://127.0.0.1:4711/gemini/v1"},
                         Row{"elevenlabs", "http://127.0.0.1:4711/elevenlabs/v1"},
                         Row{"http", "http://127.0.0.1:4711/http/a%20b%2Fc%C3%A9-._~"}}) {
    CAPTURE(row.api);
    Config config = two_providers();
    config.providers["openai"].api = row.api;
    config.models["a b/c\xC3\xA9-._~"] = config.models["text"];
    config.models["a b/c\xC3\xA9-._~"].name = "a b/c\xC3\xA9-._~";
    std::vector<std::string> warnings;
    const auto catalog =
        make_catalog(config, {{RouteId{1}, "", "a b/c\xC3\xA9-._~"}}, no_keys,
                     {.sandbox_base_url = "http://127.0.0.1:4711/v1", .variables = {}}, warnings);
    REQUIRE(catalog.has_value());
    CHECK(catalog->endpoints[0].base_url == row.base_url);
    CHECK(catalog->origins[0] == "http://127.0.0.1:4711");
  }
}

TEST_CASE("keys share a quota, have one each, or stand in groups of their own") {
  struct Row {
    KeyScope scope;
    const char* group_of_second;
    std::vector<std::string> groups;
  };
  const Row rows[] = {{KeyScope::shared, "", {"default"}},
                      {KeyScope::separate, "", {"openai_KEY_1", "openai_KEY_2"}},
                      {KeyScope::shared, "acme", {"default", "acme"}},
                      {KeyScope::separate, "openai_KEY_1", {"openai_KEY_1"}}};
  for (const Row& row : rows) {
    Config config = two_providers();
    config.providers["openai"].key_scope = row.scope;
    config.providers["openai"].keys[1].group = row.group_of_second;
    std::vector<std::string> warnings;
    const auto catalog = make_catalog(config, {{RouteId{1}, "", "text"}}, every_key, {}, warnings);
    REQUIRE(catalog.has_value());
    std::vector<std::string> groups;
    for (const KeyGroup& group : catalog->lanes.groups) groups.push_back(group.name);
    CHECK(groups == row.groups);
    for (const KeyEntry& key : catalog->lanes.keys) {
      CHECK(index_of(key.group) < catalog->lanes.groups.size());
    }
  }
}

TEST_CASE("a fallback has a lane without routes, one that cannot be used is none, and is named") {
  Config config = two_providers();
  config.models["text"].fallback_to = {"far", "gone", "image"};
  config.models["text"].fallback_on.pause = true;
  std::vector<std::string> warnings;
  const auto catalog = make_catalog(config, {{RouteId{1}, "bio", ""}}, every_key, {}, warnings);
  REQUIRE(catalog.has_value());
  REQUIRE(catalog->lanes.lanes.size() == 3);
  CHECK(catalog->lanes.lanes[0].fallbacks == std::vector<LaneId>{LaneId{1}, LaneId{2}});
  CHECK(catalog->lanes.lanes[1].model == "far");
  CHECK(catalog->lanes.lanes[0].fallback_on.pause);
  CHECK(catalog->lanes.routes.size() == 1);
  CHECK(catalog->endpoints.size() == 3);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("gone") != std::string::npos);
}

TEST_CASE("a route whose type is gone from the configuration is named") {
  std::vector<std::string> warnings;
  const auto catalog =
      make_catalog(two_providers(), {{RouteId{1}, "boi", ""}}, every_key, {}, warnings);
  REQUIRE_FALSE(catalog.has_value());
  CHECK(catalog.error().code == ErrorCode::invalid_input);
  CHECK(catalog.error().message.find("boi") != std::string::npos);
}

TEST_CASE("an origin is scheme, host and port, whatever the rest of the URL") {
  struct Row {
    const char* url;
    const char* origin;
  };
  constexpr Row rows[] = {{"https://API.openai.com/v1", "https://api.openai.com:443"},
                          {"HTTP://localhost:8080", "http://localhost:8080"},
                          {"http://[::1]:80/x", "http://[::1]:80"},
                          {"http://[::1]/x", "http://[::1]:80"},
                          {"https://h?x=1", "https://h:443"},
                          {"ftp://h/", ""},
                          {"no url", ""},
                          {"https://", ""}};
  for (const Row& row : rows) {
    CAPTURE(row.url);
    CHECK(origin_of(row.url) == row.origin);
  }
}

}  // namespace
}  // namespace ratebatch::catalog_test
