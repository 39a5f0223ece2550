// Scripted replies, and the pictures that answers link to.
#include <set>

#include "support/sandbox_bench.hpp"

namespace ratebatch::sandbox_scripted_test {

using namespace sandbox;
using namespace sandbox_bench;

namespace {

const std::string chat_path = "/v1/chat/completions";

std::string chat_of(const std::string& text) {
  return Json{{"model", "m"}, {"messages", Json::array({{{"role", "user"}, {"content", text}}})}}
      .dump();
}

Bench scripted_bench(std::string_view lines) {
  auto read = Script::read(lines, "replies.jsonl");
  REQUIRE(read.has_value());
  return Bench(SandboxOptions{}, std::move(*read));
}

TEST_CASE("a scripted reply comes as often as it says, at any API, and then a normal answer") {
  Bench bench = scripted_bench(R"(
{"name":"slow","kind":"chat","status":429,"headers":{"retry-after":"2","x-n":7},"body":{"a":[1]}}

{"name":"twice","times":2,"status":502,"body":"<html>bad</html>","final":"done"})");
  const Reply first = bench.reply(chat_path, chat_of("say [[slow]] and [[twice]]"));
  CHECK(first.status == 429);
  CHECK(first.body == R"({"a":[1]})");
  CHECK(header(first.headers, "retry-after") == "2");
  CHECK(header(first.headers, "x-n") == "7");
  CHECK(header(first.headers, "content-type") == "application/json");
  // The first mark has had its turn, so the next one in the body has.
  const Reply second = bench.reply("/anthropic/v1/messages", chat_of("say [[slow]] and [[twice]]"));
  CHECK(second.status == 502);
  CHECK(second.body == "<html>bad</html>");
  CHECK(header(second.headers, "content-type") == "text/html");
  CHECK(bench.reply("/v1/nowhere/%5B%5Btwice%5D%5D", "").status == 502);
  CHECK(bench.reply(chat_path, chat_of("say [[slow]] and [[twice]] [[other]]")).status == 200);
  const SandboxStats stats = bench.ledger.snapshot();
  CHECK(stats.scripted == std::map<std::string, std::int64_t>{{"slow", 1}, {"twice", 2}});
  CHECK(stats.total.granted == 1);
  CHECK(stats.total.refused == 0);
}

TEST_CASE("a scripted success is charged to its client, another status is not") {
  Bench bench = scripted_bench(R"({"name":"good","body":"\n\n {}"}
{"name":"bad","status":500}
{"name":"gone","status":0})");
  const std::vector<HeaderView> job{{"x-client-request-id", "job-1"}};
  const Reply good = bench.reply(chat_path, chat_of("[[good]]"), job);
  CHECK(good.status == 200);
  CHECK(good.body == "\n\n {}");
  CHECK(header(good.headers, "content-type") == "application/json");
  CHECK(bench.reply(chat_path, chat_of("[[bad]]"), job).status == 500);
  CHECK(bench.reply(chat_path, chat_of("[[gone]]"), job).status == 0);
  CHECK(bench.ledger.snapshot().charged == 1);
  CHECK(bench.ledger.snapshot().bill == std::map<std::string, std::int64_t>{{"job-1", 1}});
}

TEST_CASE("headers of the connection itself are the server's") {
  Bench bench =
      scripted_bench(R"({"name":"x","headers":{"Content-Length":"9","transfer-encoding":"chunked",)"
                     R"("Connection":"close","Content-Type":"text/plain; charset=x"},"body":{}})");
  const Reply reply = bench.reply(chat_path, chat_of("[[x]]"));
  REQUIRE(reply.headers.size() == 1);
  CHECK(reply.headers[0].value == "text/plain; charset=x");
}

TEST_CASE("lines that are no scripted reply are refused by their number") {
  struct Row {
    std::string line;
    std::string reason;
  };
  const std::vector<Row> rows = {
      {"nonsense", "a JSON object"},
      {"[]", "a JSON object"},
      {"{}", "a 'name' of 1 to 128"},
      {R"({"name":7})", "a 'name' of 1 to 128"},
      {R"({"name":"a]]b"})", "a 'name' of 1 to 128"},
      {R"({"name":")" + std::string(129, 'x') + R"("})", "a 'name' of 1 to 128"},
      {R"({"name":"first"})", "another name than 'first'"},
      {R"({"name":"x","status":199})", "a 'status' of 200 to 599, or 0"},
      {R"({"name":"x","status":600})", "a 'status' of 200 to 599, or 0"},
      {R"({"name":"x","status":"200"})", "a 'status' of 200 to 599, or 0"},
      {R"({"name":"x","times":0})", "'times' of at least 1"},
      {R"({"name":"x","headers":[]})", "'headers' to be an object"},
      {R"({"name":"x","headers":{"a":"b\r\nc"}})", "headers without control bytes"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    const auto read = Script::read("{\"name\":\"first\"}\n\n" + row.line, "r.jsonl");
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == ErrorCode::invalid_input);
    INFO(read.error().message);
    CHECK(holds(read.error().message, "sandbox: r.jsonl:3: expected " + row.reason));
  }
}

TEST_CASE("a file of replies that is not there is named before anything is served") {
  const auto options = parse_sandbox_options("replies=/nowhere/r.jsonl");
  REQUIRE(options.has_value());
  const auto server = SandboxServer::start(*options);
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().code == ErrorCode::invalid_input);
  CHECK(holds(server.error().message, "cannot read the file of replies /nowhere/r.jsonl"));
}

// The address behind `"url":"http://HOST` in the body.
std::string linked_path(const Json& body, std::size_t index) {
  const std::string url = body["data"][index]["url"];
  const std::string origin = "http://127.0.0.1:4711";
  REQUIRE(url.starts_with(origin + "/files/"));
  return url.substr(origin.size());
}

TEST_CASE("links lead to pictures, which are served without a key and to nobody with one") {
  Bench bench(parse_sandbox_options("links=on").value());
  const Json body =
      json_of(bench.reply("/v1/images/generations", R"({"model":"i","prompt":"whale","n":2})",
                          {{"Host", "127.0.0.1:4711"}}));
  CHECK(bench.ledger.snapshot().links == SandboxLinkStats{2, 0, 0});
  std::set<std::string> pictures;
  for (const std::size_t index : {0U, 1U}) {
    const std::string path = linked_path(body, index);
    const Reply picture = bench.reply_to(bench.ask("GET", path, ""));
    CHECK(picture.status == 200);
    CHECK(header(picture.headers, "Content-Type") == "image/png");
    CHECK(picture.body.starts_with("\x89PNG"));
    pictures.insert(picture.body);
    for (const char* name : {"authorization", "X-Api-Key", "x-goog-api-key", "xi-api-key"}) {
      CHECK(bench.reply_to(bench.ask("GET", path, "", {{name, "secret"}})).status == 400);
    }
  }
  CHECK(pictures.size() == 2);
  const SandboxStats stats = bench.ledger.snapshot();
  CHECK(stats.links == SandboxLinkStats{2, 2, 0});
  CHECK(stats.keys_leaked == 8);
  CHECK(stats.charged == 1);
}

TEST_CASE("files that no answer can name are not found, and some downloads fail if asked for") {
  Bench bench;
  for (const char* path : {"/files/", "/files/0123456789abcdef", "/files/0123456789abcde.png",
                           "/files/0123456789abcdeg.png", "/files/0123456789abcdef0.png"}) {
    CAPTURE(path);
    CHECK(bench.reply_to(bench.ask("GET", path, "")).status == 404);
  }
  Bench failing(parse_sandbox_options("link_error_rate=0.5").value());
  std::map<int, int> statuses;
  for (int i = 0; i < 200; ++i) {
    ++statuses[failing.reply_to(failing.ask("GET", "/files/0123456789abcdef.png", "")).status];
  }
  CHECK(statuses.size() == 2);
  CHECK(statuses[200] > 60);
  CHECK(statuses[503] > 60);
  CHECK(failing.ledger.snapshot().links == SandboxLinkStats{0, statuses[200], statuses[503]});
}

}  // namespace
}  // namespace ratebatch::sandbox_scripted_test
