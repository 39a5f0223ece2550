// Bare request bodies, one a line.
#include <doctest/doctest.h>

#include <string>

#include "ratebatch/input/job_line.hpp"
#include "support/input_support.hpp"

namespace ratebatch::input_script_test {

using namespace input;
using namespace input_support;

namespace {

LineOrigin origin(KindOfModel kind_of = {}) { return {"requests", 17, std::move(kind_of)}; }

Result<JobLine> parse(const std::string& line, KindOfModel kind_of = {}) {
  const LineOrigin from = origin(std::move(kind_of));
  return JobLineParser{}.parse(line, &from);
}

TEST_CASE("a bare request body is a job, named by its file and line") {
  const auto job = parse(R"({"model": "gpt-4o-mini", "messages": [{"role":"user"}],)"
                         R"( "metadata": {"row": 1}, "temperature": 0.50})");
  REQUIRE_MESSAGE(job.has_value(), message_of(job));
  CHECK(job->form == JobForm::script);
  CHECK(job->id == "requests-17");
  CHECK(job->model == "gpt-4o-mini");
  CHECK(job->path == "/v1/chat/completions");
  CHECK(job->body_json ==
        R"({"model":"gpt-4o-mini","messages":[{"role":"user"}],"temperature":0.50})");
  CHECK(job->metadata_json == R"({"row": 1})");
  CHECK(job->size.raw_body);
  CHECK(job->as_stored ==
        R"({"custom_id":"requests-17","method":"POST","url":"/v1/chat/completions","body":)"
        R"({"model":"gpt-4o-mini","messages":[{"role":"user"}],"temperature":0.50},)"
        R"("metadata":{"row": 1}})");
}

TEST_CASE("as it is stored it needs no origin, and is the same job") {
  const auto job = parse(R"({"model":"m","input":"text","metadata":{}})");
  REQUIRE(job.has_value());
  const auto again = parse_job_line(job->as_stored);
  REQUIRE_MESSAGE(again.has_value(), message_of(again));
  CHECK(again->form == JobForm::batch);
  CHECK(again->as_stored.empty());
  CHECK(again->id == job->id);
  CHECK(again->body_json == job->body_json);
  CHECK(again->path == job->path);
  CHECK(again->metadata_json == "{}");
  CHECK(again->size == job->size);
  CHECK(same_job_content(job->as_stored, job->as_stored));
}

TEST_CASE("what the body holds tells where it goes") {
  const auto path = [](const std::string& fields, KindOfModel kind_of = {}) {
    const auto job = parse("{" + fields + "}", std::move(kind_of));
    REQUIRE_MESSAGE(job.has_value(), message_of(job));
    return job->path;
  };
  CHECK(path(R"("model":"m","messages":[])") == "/v1/chat/completions");
  CHECK(path(R"("model":"text-embedding-3-small","input":"a")") == "/v1/embeddings");
  CHECK(path(R"("model":"gpt-4o","input":"a")") == "/v1/responses");
  CHECK(path(R"("model":"tts-1","input":"a","voice":"alloy")") == "/v1/audio/speech");
  CHECK(path(R"("model":"omni-moderation-latest","input":"a")") == "/v1/moderations");
  CHECK(path(R"("model":"gpt-3.5-turbo-instruct","prompt":"a")") == "/v1/completions");
  CHECK(path(R"("model":"gpt-image-1","prompt":"a")") == "/v1/images/generations");
  CHECK(path(R"("model":"openai/davinci-002","prompt":"a")") == "/v1/completions");
  const KindOfModel all_images = [](std::string_view) { return ModelKind::image; };
  CHECK(path(R"("model":"mine","prompt":"a")", all_images) == "/v1/images/generations");
  const KindOfModel all_embeddings = [](std::string_view) { return ModelKind::embedding; };
  CHECK(path(R"("model":"mine","input":["a"])", all_embeddings) == "/v1/embeddings");
}

TEST_CASE("a line with a field that only jobs have is a job") {
  const auto message = [](const std::string& fields) {
    return message_of(parse(R"({"model":"m","prompt":"p",)" + fields + "}"));
  };
  for (const char* fields :
       {R"("type":"t")", R"("params":{})", R"("files":"a")", R"("vars":{})", R"("priority":1)"}) {
    CAPTURE(fields);
    CHECK(message(fields) == "missing field 'id'");
  }
  CHECK(message(R"("url":"/v1/x")") == "unknown field 'model' in an OpenAI Batch line");
  const auto native = parse(R"({"id":1,"model":"m","prompt":"p"})");
  REQUIRE(native.has_value());
  CHECK(native->form == JobForm::native);
  CHECK(native->as_stored.empty());
  CHECK(message_of(parse("{}")) == "missing field 'id'");
  // Without an origin nothing names the job.
  CHECK(message_of(parse_job_line(R"({"model":"m","messages":[]})")) == "missing field 'id'");
}

TEST_CASE("a job without its id is not sent elsewhere") {
  for (const char* model : {"openai/gpt-4o-mini", "claude-sonnet-4-5", "tts-1", "m",
                            "meta-llama/Llama-3.3-70B-Instruct-Turbo"}) {
    CAPTURE(model);
    const auto job = parse(R"({"model":")" + std::string(model) + R"(","prompt":"hello"})");
    CHECK(message_of(job).starts_with("missing field 'id'"));
  }
}

TEST_CASE("what is wrong with a bare request body is said") {
  CHECK(message_of(parse(R"({"messages":[]})")) ==
        "missing field 'model' in a bare request body, or field 'id' in a job");
  CHECK(message_of(parse(R"({"messages":[],"model":7})")) ==
        "field 'model': expected a string, found a number");
  CHECK(message_of(parse(R"({"messages":[],"model":"m","metadata":7})")) ==
        "field 'metadata': expected an object, found a number");
  CHECK(message_of(parse(R"({"messages":[],"model":"m","stream":true})")) ==
        "field 'body.stream' must be false or absent: every answer is read whole");
  const LineOrigin strange{"a\nb", 1, {}};
  CHECK(message_of(JobLineParser{}.parse(R"({"messages":[],"model":"m"})", &strange)) ==
        "field 'custom_id' holds a control character: 'a\\x0ab-1'");
}

}  // namespace
}  // namespace ratebatch::input_script_test
