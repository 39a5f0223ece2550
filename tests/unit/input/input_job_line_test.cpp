#include <doctest/doctest.h>

#include <string>

#include "ratebatch/input/job_line.hpp"
#include "support/input_support.hpp"

namespace ratebatch::input_job_line_test {

using namespace input;
using namespace input_support;

namespace {

std::string repeated(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

// A line of exactly this many bytes.
std::string line_of_size(std::size_t bytes) {
  std::string line = R"({"id":"a","model":"m","prompt":")";
  line.append(bytes - line.size() - 2, 'x');
  return line + "\"}";
}

// A native line whose metadata nests so many levels, the line itself counted.
std::string nested(std::size_t depth, const std::string& innermost = "") {
  return R"({"id":1,"model":"m","prompt":"p","metadata":{"a":)" + std::string(depth - 2, '[') +
         innermost + std::string(depth - 2, ']') + "}}";
}

TEST_CASE("a native line gives all its fields") {
  const auto job = parse_job_line(
      R"({"id":"bio-1","type":"bio","model":"m","vars":{"artist":"Nina","year":1933,"live":true,)"
      R"("x":null,"f":1.50},"params":{"b":1,"a":2},"priority":-3,"metadata":{"z":1,"k":[]}})");
  REQUIRE(job.has_value());
  CHECK(job->id == "bio-1");
  CHECK(job->type == "bio");
  CHECK(job->model == "m");
  CHECK(job->form == JobForm::native);
  CHECK(job->has_vars);
  CHECK(job->vars ==
        Variables{{"artist", "Nina"}, {"f", "1.5"}, {"live", "true"}, {"year", "1933"}});
  CHECK(job->priority == -3);
  CHECK(job->params_json == R"({"b":1,"a":2})");
  CHECK(job->metadata_json == R"({"z":1,"k":[]})");
  CHECK(job->messages_json.empty());
  CHECK(job->body_json.empty());
  CHECK(job->path.empty());
}

TEST_CASE("a line of an OpenAI Batch file is recognised") {
  const auto job = parse_job_line(
      R"({"custom_id":"r-1","method":"POST","url":"/v1/chat/completions","priority":5,)"
      R"("body":{"model":"gpt-4o-mini","messages":[]},"metadata":{"a":1}})");
  REQUIRE(job.has_value());
  CHECK(job->form == JobForm::batch);
  CHECK(job->id == "r-1");
  CHECK(job->model == "gpt-4o-mini");
  CHECK(job->type.empty());
  CHECK(job->path == "/v1/chat/completions");
  CHECK(job->body_json == R"({"model":"gpt-4o-mini","messages":[]})");
  CHECK(job->priority == 5);
}

TEST_CASE("JSON inside a line stays as it stands there") {
  JobLineParser parser;
  const auto messages = parser.parse(
      R"( { "id" : 1 , "m\u006fdel":"m\"}", "messages" : [ { "role":"user", "content":"]} \\" } ] )"
      R"(, "params" :{"b" : 1.50,"a":[ {} ] } } )");
  REQUIRE_MESSAGE(messages.has_value(), message_of(messages));
  CHECK(messages->model == "m\"}");
  CHECK(messages->messages_json == R"([ { "role":"user", "content":"]} \\" } ])");
  CHECK(messages->params_json == R"({"b" : 1.50,"a":[ {} ] })");
  const auto body = parser.parse("{\"body\":\t{ \"a\\\\\":\"\\\"\" },\"id\":1,\"model\":\"m\"}");
  REQUIRE_MESSAGE(body.has_value(), message_of(body));
  CHECK(body->metadata_json.empty());
  CHECK(body->body_json == "{ \"a\\\\\":\"\\\"\" }");
  CHECK(body->params_json == "{}");
}

TEST_CASE("a message that instructs the model is known as such") {
  const auto with_roles = [](const std::string& first, const std::string& second) {
    const auto job = parse_job_line(R"({"id":1,"model":"m","messages":[{"role":")" + first +
                                    R"("},{"role":")" + second + "\"}]}");
    REQUIRE(job.has_value());
    return job->has_system_message;
  };
  CHECK_FALSE(with_roles("user", "assistant"));
  CHECK(with_roles("system", "user"));
  CHECK(with_roles("user", "developer"));
  CHECK(with_roles("syst\\u0065m", "user"));
}

TEST_CASE("the same job is the same, whatever the spaces, the order, and how the id is written") {
  struct Pair {
    std::string a, b;
    bool same;
  };
  const Pair pairs[] = {
      {R"({"id":"42","model":"m","prompt":"é"})", R"({"id":"42","model":"m","prompt":"é"})", true},
      {R"({"id":"42","model":"m","prompt":"é"})",
       "  { \"prompt\" : \"\\u00e9\", \"model\":\"m\",\"id\":42 }\t", true},
      {R"({"custom_id":7,"body":{"a":[1,{"c":1,"b":2}]}})",
       R"({"body":{"a":[1,{"b":2,"c":1}]},"custom_id":"7"})", true},
      {R"({"id":1,"params":{"a":1.50,"b":1e2}})", R"({"id":1,"params":{"b":100.0,"a":1.5}})", true},
      {R"({"id":"42","prompt":"p"})", R"({"id":"42","prompt":"P"})", false},
      {R"({"id":"42","prompt":"p"})", R"({"id":"042","prompt":"p"})", false},
      {R"({"id":1,"messages":[1,2]})", R"({"id":1,"messages":[2,1]})", false},
      {R"({"id":1,"params":{"a":1}})", R"({"id":1,"params":{"a":"1"}})", false},
      {R"({"id":1,"priority":0})", R"({"id":1})", false},
  };
  for (const Pair& pair : pairs) {
    CAPTURE(pair.a);
    CAPTURE(pair.b);
    CHECK(same_job_content(pair.a, pair.b) == pair.same);
    CHECK(same_job_content(pair.b, pair.a) == pair.same);
    CHECK((canonical_job_line(pair.a) == canonical_job_line(pair.b)) == pair.same);
  }
  CHECK(canonical_job_line("  { \"prompt\" : \"\\u00e9\", \"model\":\"m\",\"id\":42 }\t") ==
        R"({"id":"42","model":"m","prompt":"é"})");
}

TEST_CASE("the model of a body counts as the line's own") {
  const auto job = parse_job_line(R"({"id":1,"type":"t","body":{"model":"m2","stream":false}})");
  REQUIRE(job.has_value());
  CHECK(job->model == "m2");
  CHECK(message_of(parse_job_line(R"({"id":1,"model":"a","body":{"model":"b"}})")) ==
        "field 'model' is 'a', but body.model is 'b'");
}

TEST_CASE("files are paths below the folder of the job file") {
  const auto files_of = [](const std::string& files) {
    return parse_job_line(R"({"id":1,"model":"m","files":)" + files + "}");
  };
  using Paths = std::vector<std::string>;
  CHECK(files_of(R"("a.mp3")")->files == Paths{"a.mp3"});
  CHECK(files_of(R"(["a b/ü..mp3","./c"])")->files == Paths{"a b/ü..mp3", "./c"});
  for (const char* path :
       {"/etc/passwd", "../a", "a/../b", "a/..", "..", "", "a/", "a\\u0000b", "a\\nb"}) {
    CAPTURE(path);
    const std::string message = message_of(files_of(std::string("[\"") + path + "\"]"));
    CHECK(message.find("field 'files[0]': expected a path below the folder of the job file, such "
                       "as audio/call-17.mp3, found '") == 0);
  }
}

struct BadLine {
  const char* line;
  const char* message;
};

constexpr std::string_view none_given =
    "nothing to ask: a job has one of the fields vars, prompt, messages, body";

const BadLine bad_lines[] = {
    {"", "invalid JSON: the line ends before the value is complete"},
    {R"({"id":)", "invalid JSON: the line ends before the value is complete"},
    {R"({"id":"a)", "invalid JSON: the line ends before the value is complete"},
    {R"({"id":tru})", "invalid JSON at column 10, near '{\"id\":tru}'"},
    {R"({"id":1,})", "invalid JSON at column 9, near '{\"id\":1,}'"},
    {R"({"é":'a'})", "invalid JSON at column 6, near '{\"é\":'a'}'"},
    {R"({"id":1} {})", "invalid JSON at column 10, near '{\"id\":1} {}'"},
    {"{\"id\":\"a\tb\"}", "invalid JSON at column 9, near '{\"id\":\"a\\x09b\"}'"},
    {R"({"id":"\ud800"})", "invalid JSON at column 14, near '\"id\":\"\\ud800\"}'"},
    {R"({"id":"\udc00"})", "invalid JSON at column 13, near '{\"id\":\"\\udc00\"}'"},
    {"{\"id\":\"\xff\"}", "invalid UTF-8"},
    {"{\"id\":\"\xed\xa0\x80\"}", "invalid UTF-8"},
    {"[]", "expected a JSON object such as {\"id\": ...}, found an array"},
    {"42", "expected a JSON object such as {\"id\": ...}, found a number"},
    {"null", "expected a JSON object such as {\"id\": ...}, found null"},
    {R"({"id":1,"id":2})", "key 'id' stands twice in one object"},
    {R"({"id":1,"model":"m","body":{"a":{"b":1,"b":1}}})", "key 'b' stands twice in one object"},
    {R"({"id":1e400})", "number 1e400 is out of range; write it as a string"},
    {R"({"id":123456789012345678901})",
     "number 123456789012345678901 is out of range; write it as a string"},
    {"{}", "missing field 'id'"},
    {R"({"id":1.0})", "field 'id': expected a string or a whole number, found a number"},
    {R"({"id":null})", "field 'id': expected a string or a whole number, found null"},
    {R"({"id":true})", "field 'id': expected a string or a whole number, found true"},
    {R"({"id":[1]})", "field 'id': expected a string or a whole number, found an array"},
    {R"({"id":""})", "field 'id' is empty"},
    {R"({"id":"a\nb"})", "field 'id' holds a control character: 'a\\x0ab'"},
    {R"({"id":"a\u0000b"})", "field 'id' holds a control character: 'a\\x00b'"},
    {R"({"id":1,"priorty":5})", "unknown field 'priorty' (did you mean 'priority'?)"},
    {R"({"Id":1})", "unknown field 'Id' (did you mean 'id'?)"},
    {R"({"id":1,"whatever\u001b[31m":5})", "unknown field 'whatever\\x1b[31m'"},
    {R"({"id":1,"files":[],"model":"m","prompt":"p"})", "field 'files' is empty"},
    {R"({"id":1,"files":7,"prompt":"p"})", "field 'files': expected a path, found a number"},
    {R"({"id":1,"files":["a",{}],"prompt":"p"})",
     "field 'files[1]': expected a path, found an object"},
    {R"({"id":1,"files":"a.mp3","body":{}})",
     "fields body and files stand together: a body is sent as it is"},
    {R"({"id":1,"type":5,"prompt":"p"})", "field 'type': expected a string, found a number"},
    {R"({"id":1,"type":"","prompt":"p"})", "field 'type' is empty"},
    {R"({"id":1,"type":"a\r","prompt":"p"})", "field 'type' holds a control character: 'a\\x0d'"},
    {R"({"id":1,"model":null,"prompt":"p"})", "field 'model': expected a string, found null"},
    {R"({"id":1,"model":"m\u007f","prompt":"p"})",
     "field 'model' holds a control character: 'm\\x7f'"},
    {R"({"id":1,"model":"m"})", none_given.data()},
    {R"({"id":1,"prompt":"p","vars":{}})",
     "fields vars and prompt stand together: a job has only one of vars, prompt, messages, body"},
    {R"({"id":1,"body":{},"prompt":"p","messages":[]})",
     "fields prompt and messages and body stand together: a job has only one of vars, prompt, "
     "messages, body"},
    {R"({"id":1,"vars":[]})", "field 'vars': expected an object, found an array"},
    {R"({"id":1,"vars":{"a":[1]}})",
     "field 'vars.a': expected a string, a number, true or false, found an array"},
    {R"({"id":1,"vars":{"z":[],"y":{},"a":1}})",
     "field 'vars.y': expected a string, a number, true or false, found an object"},
    {R"({"id":1,"zz":1,"yy":1})", "unknown field 'yy'"},
    {R"({"id":1,"prompt":["a"]})", "field 'prompt': expected a string, found an array"},
    {R"({"id":1,"prompt":""})", "field 'prompt' is empty"},
    {R"({"id":1,"messages":"hello"})", "field 'messages': expected an array, found a string"},
    {R"({"id":1,"messages":[]})", "field 'messages' is empty"},
    {R"({"id":1,"messages":["a"]})", "field 'messages[0]': expected an object, found a string"},
    {R"({"id":1,"messages":[{"role":"user"},{"content":"a"}]})",
     "field 'messages[1]': expected a 'role', such as \"user\""},
    {R"({"id":1,"body":"x"})", "field 'body': expected an object, found a string"},
    {R"({"id":1,"body":{"model":7}})", "field 'body.model': expected a string, found a number"},
    {R"({"id":1,"body":{"stream":true}})",
     "field 'body.stream' must be false or absent: every answer is read whole"},
    {R"({"id":1,"body":{},"params":{}})",
     "fields body and params stand together: a body is sent as it is"},
    {R"({"id":1,"prompt":"p","params":[]})", "field 'params': expected an object, found an array"},
    {R"({"id":1,"prompt":"p","params":{"stream":true}})",
     "field 'params': 'stream' cannot be used: every answer is read whole"},
    {R"({"id":1,"prompt":"p","params":{"model":"x"}})",
     "field 'params': 'model' is not a parameter; give it as a field of its own"},
    {R"({"id":1,"prompt":"p","metadata":"x"})",
     "field 'metadata': expected an object, found a string"},
    {R"({"id":1,"prompt":"p","priority":1.5})",
     "field 'priority': expected a whole number, found a number"},
    {R"({"id":1,"prompt":"p","priority":"5"})",
     "field 'priority': expected a whole number, found a string"},
    {R"({"id":1,"prompt":"p","priority":9223372036854775808})",
     "field 'priority': 9223372036854775808 is too large"},
    {R"({"id":1,"prompt":"p","priority":-9223372036854775809})",
     "number -9223372036854775809 is out of range; write it as a string"},
    {R"({"method":"POST","url":"/v1/chat/completions","body":{}})", "missing field 'custom_id'"},
    {R"({"custom_id":"a","url":"/v1/x","body":{"model":"m"}})", "missing field 'method'"},
    {R"({"custom_id":"a","method":"POST","body":{"model":"m"}})", "missing field 'url'"},
    {R"({"custom_id":"a","method":"POST","url":"/v1/x"})", "missing field 'body'"},
    {R"({"custom_id":"a","method":"GET","url":"/v1/x","body":{"model":"m"}})",
     "field 'method': expected \"POST\""},
    {R"({"custom_id":"a","method":"POST","url":"https://evil.example/","body":{"model":"m"}})",
     "field 'url': expected a path such as /v1/chat/completions, found 'https://evil.example/'"},
    {R"({"custom_id":"a","method":"POST","url":"//evil.example","body":{"model":"m"}})",
     "field 'url': expected a path such as /v1/chat/completions, found '//evil.example'"},
    {R"({"custom_id":"a","method":"POST","url":"/v1/../x","body":{"model":"m"}})",
     "field 'url': expected a path such as /v1/chat/completions, found '/v1/../x'"},
    {R"({"custom_id":"a","method":"POST","url":"/v1/x\r\nA: b","body":{"model":"m"}})",
     "field 'url' holds a control character: '/v1/x\\x0d\\x0aA: b'"},
    {R"({"custom_id":"a","method":"POST","url":"/v1/x","body":{}})", "missing field 'body.model'"},
    {R"({"custom_id":"a","method":"POST","url":"/v1/x","body":[]})",
     "field 'body': expected an object, found an array"},
    {R"({"custom_id":"a","method":"POST","url":"/v1/x","body":{"model":"m","stream":true}})",
     "field 'body.stream' must be false or absent: every answer is read whole"},
    {R"({"custom_id":"a","method":"POST","url":"/v1/x","body":{"model":"m"},"type":"t"})",
     "unknown field 'type' in an OpenAI Batch line"},
    {R"({"custom_id":"a","method":"POST","url":"/v1/x","body":{"model":"m"},"metdata":{}})",
     "unknown field 'metdata' in an OpenAI Batch line (did you mean 'metadata'?)"},
};

TEST_CASE("every bad line gets its message") {
  for (const BadLine& bad : bad_lines) {
    CAPTURE(bad.line);
    const auto job = parse_job_line(bad.line);
    CHECK(message_of(job) == bad.message);
    if (!job) CHECK(job.error().code == ErrorCode::invalid_input);
  }
}

TEST_CASE("a parser reads on after a bad line as if it were the first") {
  JobLineParser parser;
  for (const BadLine& bad : bad_lines) {
    CAPTURE(bad.line);
    CHECK(message_of(parser.parse(bad.line)) == bad.message);
    const auto good = parser.parse(R"({"id":1,"model":"m","prompt":"p"})");
    REQUIRE(good.has_value());
    CHECK(good->prompt == "p");
  }
}

TEST_CASE("a name that stands twice is found among many") {
  const auto with_names = [](std::size_t count, const std::string& last) {
    std::string line = R"({"id":1,"model":"m","prompt":"p","metadata":{)";
    for (std::size_t i = 0; i < count; ++i) line += "\"n" + std::to_string(i) + "\":[{\"a\":1}],";
    return message_of(parse_job_line(line + "\"" + last + "\":1}}"));
  };
  for (const std::size_t count : {1U, 15U, 16U, 17U, 40U}) {
    CHECK(with_names(count, "n") == "(no error)");
    CHECK(with_names(count, "n0") == "key 'n0' stands twice in one object");
    CHECK(with_names(count, "\\u006e0") == "key 'n0' stands twice in one object");
  }
}

TEST_CASE("a line with NUL bytes is refused, not cut") {
  const std::string inside("{\"id\":\"a\0b\"}", 12);
  CHECK(message_of(parse_job_line(inside)) ==
        "invalid JSON at column 9, near '{\"id\":\"a\\x00b\"}'");
  const std::string behind("{\"id\":1}\0\0", 10);
  CHECK(message_of(parse_job_line(behind)) ==
        "invalid JSON at column 9, near '{\"id\":1}\\x00\\x00'");
}

TEST_CASE("a line may have 8 MiB and not a byte more") {
  CHECK(parse_job_line(line_of_size(job_line_bytes_max - 1)).has_value());
  CHECK(parse_job_line(line_of_size(job_line_bytes_max)).has_value());
  CHECK(message_of(parse_job_line(line_of_size(job_line_bytes_max + 1))) ==
        "the line has 8,388,609 bytes; at most 8,388,608 (8 MiB) are read");
}

TEST_CASE("an id may have 256 bytes and not one more") {
  const auto with_id = [](const std::string& id) {
    return parse_job_line(R"({"model":"m","prompt":"p","id":")" + id + "\"}");
  };
  CHECK(with_id(std::string(255, 'a')).has_value());
  CHECK(with_id(std::string(256, 'a')).has_value());
  CHECK(message_of(with_id(std::string(257, 'a'))) ==
        "field 'id' has 257 bytes; at most 256 are allowed");
  CHECK(message_of(with_id(repeated("é", 129))) ==
        "field 'id' has 258 bytes; at most 256 are allowed");
}

TEST_CASE("arrays and objects nest 64 deep and no deeper") {
  const std::string too_deep = "arrays and objects are nested more than 64 deep";
  CHECK(parse_job_line(nested(63)).has_value());
  CHECK(parse_job_line(nested(64)).has_value());
  CHECK(message_of(parse_job_line(nested(65))) == too_deep);
  for (const std::string innermost : {"0", "\"a\"", "null"}) {
    CHECK(parse_job_line(nested(63, innermost)).has_value());
    CHECK(parse_job_line(nested(64, innermost)).has_value());
    CHECK(message_of(parse_job_line(nested(65, innermost))) == too_deep);
  }
  CHECK(parse_job_line(nested(63, "{}")).has_value());
  CHECK(message_of(parse_job_line(nested(64, "{}"))) == too_deep);
  CHECK(message_of(parse_job_line(std::string(100'000, '['))) == too_deep);
  CHECK(message_of(parse_job_line(repeated(R"({"a":)", 100'000))) == too_deep);
}

TEST_CASE("whole numbers of 64 bits are ids and priorities") {
  const auto low = parse_job_line(
      R"({"id":18446744073709551615,"model":"m","prompt":"p","priority":-9223372036854775808})");
  REQUIRE(low.has_value());
  CHECK(low->id == "18446744073709551615");
  CHECK(low->priority == INT64_MIN);
  const auto high =
      parse_job_line(R"({"id":-7,"model":"m","prompt":"p","priority":9223372036854775807})");
  REQUIRE(high.has_value());
  CHECK(high->id == "-7");
  CHECK(high->priority == INT64_MAX);
}

}  // namespace
}  // namespace ratebatch::input_job_line_test
