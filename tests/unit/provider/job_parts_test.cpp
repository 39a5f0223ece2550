// The pieces of a job that dialects with a form of their own share.
#include "provider/job_parts.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "ratebatch/base/url.hpp"

namespace ratebatch::job_parts_test {

using namespace provider;

namespace {

using nlohmann::json;

TEST_CASE("pictures and sounds of messages are taken out of OpenAI's form") {
  struct Row {
    std::string part, type, base64, url;
  };
  const std::vector<Row> table = {
      {R"({"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}})", "image/png",
       "QUJD", ""},
      {R"({"type":"image_url","image_url":"data:image/png;base64,QUJD"})", "image/png", "QUJD", ""},
      {R"({"type":"image_url","image_url":{"url":"data:image/png;x=y;base64,QUJD"}})", "image/png",
       "QUJD", ""},
      {R"({"type":"image_url","image_url":{"url":"data:text/plain,abc"}})", "", "",
       "data:text/plain,abc"},
      {R"({"type":"image_url","image_url":{"url":"data:"}})", "", "", "data:"},
      {R"({"type":"image_url","image_url":{"url":"https://a/b,c"}})", "", "", "https://a/b,c"},
      {R"({"type":"image_url"})", "", "", ""},
      {R"({"type":"image_url","image_url":7})", "", "", ""},
      {R"({"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}})", "audio/wav",
       "UklG", ""},
      {R"({"type":"input_audio"})", "", "", ""},
  };
  for (const Row& row : table) {
    CAPTURE(row.part);
    const auto media = media_in_part(json::parse(row.part));
    REQUIRE(media);
    CHECK(media->media_type == row.type);
    CHECK(media->base64 == row.base64);
    CHECK(media->url == row.url);
  }
  for (const std::string part : {R"({"type":"text","text":"a"})", R"({"image_url":"x"})", "{}"}) {
    CHECK_FALSE(media_in_part(json::parse(part)));
  }
}

TEST_CASE("percent-encoding leaves what RFC 3986 calls unreserved, and what is to be kept") {
  CHECK(percent_encoded("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encoded(std::string("/?#% +\"\0\xC3\xA9", 10)) == "%2F%3F%23%25%20%2B%22%00%C3%A9");
  CHECK(percent_encoded("a/b?c", "/") == "a/b%3Fc");
  CHECK(percent_encoded("").empty());
}

TEST_CASE("stops are a list, whatever the job has") {
  const auto stops = [](const std::string& params) {
    Result<NeutralParams> read = NeutralParams::read(params);
    REQUIRE(read);
    const auto taken = take_stops(*read);
    return taken ? taken->dump() : "none";
  };
  CHECK(stops(R"({"stop":"a"})") == R"(["a"])");
  CHECK(stops(R"({"stop":["a","b"]})") == R"(["a","b"])");
  CHECK(stops(R"({"stop":null})") == "none");
  CHECK(stops("{}") == "none");
}

TEST_CASE("one answer may be asked for, and no other number") {
  for (const auto& [params, is_fine] :
       std::vector<std::pair<std::string, bool>>{{"{}", true},
                                                 {R"({"n":1})", true},
                                                 {R"({"n":1.0})", true},
                                                 {R"({"n":null})", true},
                                                 {R"({"n":0})", false},
                                                 {R"({"n":2})", false},
                                                 {R"({"n":"1"})", false}}) {
    CAPTURE(params);
    Result<NeutralParams> read = NeutralParams::read(params);
    REQUIRE(read);
    CHECK(take_one_answer(*read).has_value() == is_fine);
  }
}

}  // namespace
}  // namespace ratebatch::job_parts_test
