// The schema that is shipped, against what is read: neither knows a key that the other does not.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "input/yaml_tree.hpp"
#include "ratebatch/input/config_file.hpp"
#include "ratebatch/provider/dialect.hpp"
#include "support/input_support.hpp"

namespace ratebatch::config_schema_test {

using namespace input;
using namespace provider;
using namespace input_support;

namespace {

using Json = nlohmann::json;
using Names = std::set<std::string>;

const std::string jobs_folder = RATEBATCH_SOURCE_DIR "/jobs";

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const Json& followed(const Json& schema, const Json& part) {
  if (!part.contains("$ref")) return part;
  const auto reference = part["$ref"].get<std::string>();
  return schema.at(Json::json_pointer(reference.substr(1)));
}

Names properties(const Json& schema, const Json& part) {
  Names names;
  for (const auto& [name, value] : followed(schema, part).at("properties").items()) {
    names.insert(name);
  }
  return names;
}

// The keys that the reader names when it sees one that is like none of them.
Names known_keys(const std::string& before, const std::string& after) {
  const std::string message =
      message_of(parse_config(before + "{\"%%%%%%%%%%%%%%%%%%\": 1}" + after, "r.yaml"));
  const std::string mark = "expected one of ";
  const std::size_t at = message.find(mark);
  REQUIRE_MESSAGE(at != std::string::npos, message);
  std::istringstream rest(
      message.substr(at + mark.size(), message.find('\n', at) - at - mark.size()));
  Names names;
  for (std::string name; rest >> name;) {
    if (name.ends_with(',')) name.pop_back();
    names.insert(name);
  }
  return names;
}

TEST_CASE("schema and reader know the same keys") {
  const Json schema = Json::parse(text_of(jobs_folder + "/config.schema.json"));
  const Json& definitions = schema.at("$defs");
  const auto of = [&](const char* name) { return properties(schema, definitions.at(name)); };
  CHECK(properties(schema, schema) == known_keys("", ""));
  CHECK(of("provider") == known_keys("providers: {openai: ", "}"));
  CHECK(of("model") == known_keys("models: {m: ", "}"));
  CHECK(of("job_type") == known_keys("types: {t: ", "}"));
  CHECK(of("retry") == known_keys("retry: ", ""));
  CHECK(of("backoff") == known_keys("retry: {server: ", "}"));
  CHECK(of("quota_backoff") == known_keys("retry: {quota: ", "}"));
  CHECK(of("named_limits") == known_keys("models: {m: {limits: ", "}}"));
  const Json& model = definitions.at("model").at("properties");
  CHECK(properties(schema, model.at("price")) == known_keys("models: {m: {price: ", "}}"));
  CHECK(properties(schema, model.at("fallback")) == known_keys("models: {m: {fallback: ", "}}"));
  CHECK(properties(schema, schema.at("properties").at("breaker")) == known_keys("breaker: ", ""));
  CHECK(properties(schema, definitions.at("waves").at("oneOf").at(3)) ==
        known_keys("models: {m: {waves: ", "}}"));
  CHECK(of("window_limit").size() == 9);
  const Json& type = definitions.at("job_type").at("properties");
  CHECK(properties(schema, type.at("accept")) == known_keys("types: {t: {accept: ", "}}"));
  CHECK(of("http_api") == known_keys("models: {m: {http: ", "}}"));
  const Json& http = definitions.at("http_api").at("properties");
  for (const char* part : {"usage", "error", "key_header"}) {
    CHECK(properties(schema, http.at(part)) ==
          known_keys(std::string("models: {m: {http: {") + part + ": ", "}}}"));
  }
}

TEST_CASE("schema and reader know the same kinds and APIs") {
  const Json schema = Json::parse(text_of(jobs_folder + "/config.schema.json"));
  const Json& definitions = schema.at("$defs");
  Names kinds;
  for (const Json& kind : definitions["model"]["properties"]["kind"]["enum"]) kinds.insert(kind);
  Names expected;
  for (const char* kind : {"chat", "responses", "image", "speech", "transcription", "embedding"}) {
    expected.insert(kind);
    const std::string text = std::string("models: {m: {kind: ") + kind + "}}";
    CHECK(to_string(parse_config(text, "r.yaml")->models.at("m").kind) == kind);
  }
  CHECK(kinds == expected);
  Names apis;
  for (const Json& api : definitions["provider"]["properties"]["api"]["enum"]) apis.insert(api);
  const auto known = dialect_names();
  CHECK(apis == Names(known.begin(), known.end()));
}

// Complains about each key of the file that the schema does not have.
void check_keys(const Json& schema, const Json& place, const YamlNode& node) {
  const Json& part = followed(schema, place);
  for (const YamlNode& child : node.items) {
    if (child.key.empty()) continue;
    CAPTURE(child.key);
    CAPTURE(child.line);
    const bool listed = part.contains("properties") && part["properties"].contains(child.key);
    if (listed) {
      check_keys(schema, part["properties"][child.key], child);
    } else if (part.contains("additionalProperties") && part["additionalProperties"].is_object()) {
      check_keys(schema, part["additionalProperties"], child);
    } else if (part.contains("properties")) {
      FAIL_CHECK("not in the schema");
    }
  }
}

TEST_CASE("the sample and what init writes use keys of the schema only") {
  const Json schema = Json::parse(text_of(jobs_folder + "/config.schema.json"));
  for (const std::string& text :
       {text_of(jobs_folder + "/ratebatch.yaml"), std::string(config_template())}) {
    const auto root = parse_yaml(text);
    REQUIRE(root.has_value());
    CHECK(root->items.size() >= 5);
    check_keys(schema, schema, *root);
  }
}

}  // namespace
}  // namespace ratebatch::config_schema_test
