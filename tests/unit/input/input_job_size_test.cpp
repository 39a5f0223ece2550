#include <doctest/doctest.h>

#include <string>

#include "ratebatch/input/config_file.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/input/render_job.hpp"
#include "support/input_support.hpp"

namespace ratebatch::input_job_size_test {

using namespace input;
using namespace input_support;

namespace {

JobSize native(const std::string& fields) {
  const auto job = parse_job_line(R"({"id":"a",)" + fields + "}");
  REQUIRE_MESSAGE(job.has_value(), message_of(job));
  return job->size;
}

JobSize batch(const std::string& body) {
  const auto job =
      parse_job_line(R"({"custom_id":"a","method":"POST","url":"/v1/x","body":)" + body + "}");
  REQUIRE_MESSAGE(job.has_value(), message_of(job));
  return job->size;
}

JobSize sized(std::int64_t bytes) {
  JobSize size;
  size.input_bytes = bytes;
  return size;
}

TEST_CASE("the input of a line is the texts it sends") {
  CHECK(native(R"("prompt":"12345")") == sized(5));
  CHECK(native(R"("prompt":"\u00e4\n")") == sized(3));
  CHECK(native(R"("type":"t","vars":{"a":"123","b":45,"c":true,"d":null})") == sized(9));
  CHECK(native(R"("type":"t","vars":{})") == sized(0));
  CHECK(
      native(R"("messages":[{"role":"system","content":"12"},{"role":"user","content":"345"}])") ==
      sized(5));
  CHECK(native(R"("messages":[{"role":"user","content":[{"type":"text","text":"1234"},)"
               R"({"type":"image_url","image_url":{"url":"data:xxxxxxxxxxxx"}},"56"]}])") ==
        sized(6));
  CHECK(native(R"("messages":[{"role":"user","content":null},{"role":"user"}])") == sized(0));
}

TEST_CASE("the input of a body is that of its messages, prompt or input, else all of it") {
  const auto bytes = [](const std::string& body) {
    const JobSize size = batch(body);
    CHECK(size.raw_body);
    return size.input_bytes;
  };
  CHECK(bytes(R"({"model":"m","messages":[{"role":"user","content":"123"}]})") == 3);
  CHECK(bytes(R"({"model":"m","prompt":"1234"})") == 4);
  CHECK(bytes(R"({"model":"m","input":["12","3"]})") == 3);
  CHECK(bytes(R"({"model":"m","input":[{"role":"user","content":[{"text":"12345"}]}]})") == 5);
  CHECK(bytes(R"({"model":"m"})") == 13);
  CHECK(bytes(R"({"model":"m", "prompt":7})") == 25);
}

TEST_CASE("the longest answer and the images are taken from params or body") {
  const auto params = [](const std::string& text) {
    return native(R"("prompt":"p","params":)" + text);
  };
  CHECK(params(R"({"max_tokens":300})").output_max == 300);
  CHECK(params(R"({"max_completion_tokens":7,"x":1})").output_max == 7);
  CHECK(params(R"({"max_output_tokens":8,"max_tokens":5})").output_max == 8);
  CHECK(params(R"({"n":4})").images == 4);
  CHECK(params(R"({"n":4})").output_max == std::nullopt);
  CHECK(params("{}") == sized(1));
  CHECK(batch(R"({"model":"m","max_tokens":9,"n":2})").output_max == 9);
  CHECK(batch(R"({"model":"m","max_tokens":9,"n":2})").images == 2);
  const JobSize own = native(R"("body":{"model":"m","max_tokens":3})");
  CHECK(own.raw_body);
  CHECK(own.output_max == 3);
}

TEST_CASE("numbers that are none, or beyond every window, do no harm") {
  for (const char* value : {"0", "-1", "1.5", "\"300\"", "null", "true", "[1]"}) {
    CAPTURE(value);
    const JobSize size = native(std::string(R"("prompt":"p","params":{"max_tokens":)") + value +
                                ",\"n\":" + value + "}");
    CHECK(size == sized(1));
  }
  const JobSize huge = native(R"("prompt":"p","params":{"max_tokens":9223372036854775807,"n":)"
                              R"(9223372036854775807})");
  CHECK(huge.output_max == 1'000'000'000);
  CHECK(huge.images == 1'000'000'000);
}

TEST_CASE("a route brings the texts of its type, and what type and model allow") {
  const auto config = parse_config(R"(
models:
  text: {id: gpt-4o, params: {max_tokens: 100}}
  picture: {id: gpt-image-1, params: {n: 3}}
  voice: {id: tts-1}
types:
  bio:
    model: text
    system: "12{{x?}}34"
    prompt: "a{{artist}}b{{genre|music}}c"
    params: {max_tokens: 50}
  plain: {model: text}
  art: {model: picture, prompt: "{{p}}"}
  said: {model: voice, system: "1234", prompt: "ab{{p}}"}
  one: {model: picture, params: {n: 1.5}}
)",
                                   "r.yaml");
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  const RouteEstimate bio = route_estimate(*config, "bio", "");
  CHECK(bio.input_bytes == 7);
  CHECK(bio.output_max == 50);
  CHECK(bio.images == 0);
  // Only the prompt is spoken.
  CHECK(route_estimate(*config, "said", "").input_bytes == 2);
  CHECK(route_estimate(*config, "plain", "").output_max == 100);
  CHECK(route_estimate(*config, "", "text").output_max == 100);
  CHECK(route_estimate(*config, "", "openai/gpt-5").output_max == std::nullopt);
  CHECK(route_estimate(*config, "art", "").images == 3);
  CHECK(route_estimate(*config, "one", "").images == 1);
  CHECK(route_estimate(*config, "bio", "picture").images == 3);
  CHECK(route_estimate(*config, "nobody", "").input_bytes == 0);
}

}  // namespace
}  // namespace ratebatch::input_job_size_test
