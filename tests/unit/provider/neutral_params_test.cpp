// Parameters by their neutral names.
#include "provider/neutral_params.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace ratebatch::neutral_params_test {

using namespace provider;

namespace {

using nlohmann::json;

NeutralParams params_of(const std::string& text) {
  Result<NeutralParams> params = NeutralParams::read(text);
  if (!params) FAIL(params.error().message);
  return std::move(*params);
}

// What remains of the parameters.
json rest_of(NeutralParams& params) {
  json body = json::object();
  CHECK(params.pour(body, {}));
  return body;
}

TEST_CASE("parameters are an object that does not ask to be streamed") {
  for (const std::string text :
       {"{}", R"({"stream":false})", R"({"stream":null})", R"( {"a":1} )"}) {
    CAPTURE(text);
    NeutralParams params = params_of(text);
    CHECK_FALSE(rest_of(params).contains("stream"));
  }
  for (const std::string text : {"", "[]", "1", "{", R"({"stream":true})", R"({"stream":1})"}) {
    CAPTURE(text);
    const Result<NeutralParams> params = NeutralParams::read(text);
    REQUIRE_FALSE(params);
    CHECK(params.error().code == ErrorCode::invalid_input);
  }
}

TEST_CASE("what is taken no longer remains, and null is taken as nothing") {
  NeutralParams params = params_of(R"({"a":1,"b":null,"c":"x","d":[1]})");
  CHECK(params.take("a") == json(1));
  CHECK_FALSE(params.take("a"));
  CHECK_FALSE(params.take("b"));
  CHECK(params.take_text("c").value() == "x");
  CHECK_FALSE(params.take_text("c").value());
  const Result<std::optional<std::string>> no_text = params.take_text("d");
  REQUIRE_FALSE(no_text);
  CHECK(no_text.error().message == "params.d must be a text");
  CHECK(rest_of(params) == json::object());
}

TEST_CASE("a size is read from one text or two numbers") {
  struct Row {
    std::string params;
    std::optional<PictureSize> size;
  };
  for (const Row& row : std::vector<Row>{
           {"{}", std::nullopt},
           {R"({"size":"auto"})", std::nullopt},
           {R"({"size":null,"width":null})", std::nullopt},
           {R"({"size":"1024x768"})", PictureSize{1024, 768}},
           {R"({"size":"1x65535"})", PictureSize{1, 65535}},
           {R"({"width":512,"height":256})", PictureSize{512, 256}},
           {R"({"size":"auto","width":512,"height":256})", PictureSize{512, 256}},
           {R"({"size":"512x256","width":512,"height":256})", PictureSize{512, 256}}}) {
    CAPTURE(row.params);
    NeutralParams params = params_of(row.params);
    const Result<std::optional<PictureSize>> size = params.take_size();
    REQUIRE(size);
    CHECK(*size == row.size);
    CHECK(rest_of(params) == json::object());
  }
  for (const std::string text :
       {R"({"size":"0x1"})", R"({"size":"65536x1"})", R"({"size":"1024"})", R"({"size":"1024x"})",
        R"({"size":"x1024"})", R"({"size":"10.5x20"})", R"({"size":"-1x20"})",
        R"({"size":"1x1x1"})", R"({"size":"1 x1"})", R"({"size":""})", R"({"size":1024})",
        R"({"width":512})", R"({"height":512})", R"({"width":0,"height":1})",
        R"({"width":1,"height":65536})", R"({"width":"512","height":512})",
        R"({"width":18446744073709551615,"height":1})", R"({"size":"1x2","width":2,"height":1})"}) {
    CAPTURE(text);
    NeutralParams params = params_of(text);
    const Result<std::optional<PictureSize>> size = params.take_size();
    REQUIRE_FALSE(size);
    CHECK(size.error().code == ErrorCode::invalid_input);
  }
}

TEST_CASE("a parameter moves to the API's own name, unless that is given too") {
  NeutralParams params = params_of(R"({"max_tokens":5,"stop":"a","own_stop":["b"],"none":null})");
  json body = {{"model", "m"}};
  params.move("max_tokens", body, "max_completion_tokens");
  params.move("stop", body, "own_stop");
  params.move("none", body, "own_none");
  params.move("absent", body, "own_absent");
  CHECK(body == json{{"model", "m"}, {"max_completion_tokens", 5}});
  CHECK(params.pour(body, {"model"}));
  CHECK(body == json{{"model", "m"}, {"max_completion_tokens", 5}, {"own_stop", {"b"}}});
}

TEST_CASE("what remains goes into the body, over what is there, but never over the job's fields") {
  NeutralParams params = params_of(R"({"voice":"x","seed":1})");
  json body = {{"voice", "alloy"}};
  CHECK(params.pour(body, {"model"}));
  CHECK(body == json{{"voice", "x"}, {"seed", 1}});
  NeutralParams wrong = params_of(R"({"model":null})");
  const Result<void> poured = wrong.pour(body, {"input", "model"});
  REQUIRE_FALSE(poured);
  CHECK(poured.error().message == "params must not name model: it has its own field in the job");
}

}  // namespace
}  // namespace ratebatch::neutral_params_test
