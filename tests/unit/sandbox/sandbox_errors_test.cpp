// The words of OpenAI's refusals, to the letter, and durations as Go prints them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sandbox/openai.hpp"

namespace ratebatch::sandbox_errors_test {

using namespace sandbox;

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const std::string learn_more =
    " Visit https://platform.openai.com/account/rate-limits to learn more.";

ApiError error_of(Trouble::Kind kind, const std::string& model, const LimitView& limit,
                  bool tells_numbers = true) {
  Trouble trouble{.kind = kind, .model = model};
  trouble.limit = limit;
  trouble.tells_numbers = tells_numbers;
  return openai_error(trouble);
}

ApiError rate_limit_error(const std::string& model, const LimitView& limit, bool tells = true) {
  return error_of(Trouble::Kind::rate_limited, model, limit, tells);
}

ApiError too_large_error(const std::string& model, const LimitView& limit, bool tells = true) {
  return error_of(Trouble::Kind::never_fits, model, limit, tells);
}

TEST_CASE("a refusal has the words, the type and the numbers of OpenAI") {
  const LimitTerms terms{"tpm", Resource::tokens, 10'000, minutes{1}, 10'000};
  const LimitView view{&terms, 333, {.room = 311, .reset = seconds{58}, .wait = milliseconds{132}}};
  CHECK(error_body(rate_limit_error("gpt-4o-mini", view)) ==
        R"({"error":{"code":"rate_limit_exceeded","message":"Rate limit reached for gpt-4o-mini )"
        R"(in organization org-sandbox on tokens per min (TPM): Limit 10000, Used 9689, Requested )"
        R"(333. Please try again in 132ms.)" +
            learn_more + R"(","param":null,"type":"tokens"}})");
  CHECK(rate_limit_error("m", view, false).message ==
        "Rate limit reached for m in organization org-sandbox on tokens per min (TPM).");
}

TEST_CASE("a request that never fits has words of its own") {
  const LimitTerms terms{"tpm", Resource::tokens, 30'000, minutes{1}, 30'000};
  const LimitView view{&terms, 34'307, {.room = 30'000}};
  const ApiError error = too_large_error("gpt-4o", view);
  CHECK(error.status == 429);
  CHECK(error.type == "tokens");
  CHECK(error.code == "rate_limit_exceeded");
  CHECK(error.message ==
        "Request too large for gpt-4o in organization org-sandbox on tokens per min (TPM): Limit "
        "30000, Requested 34307. The input or output tokens must be reduced in order to run "
        "successfully." +
            learn_more);
  CHECK(too_large_error("m", view, false).message ==
        "Request too large for m in organization org-sandbox on tokens per min (TPM).");
  const LimitTerms images{"ipm", Resource::images, 2, minutes{1}, 2};
  CHECK(too_large_error("m", {&images, 3, {}})
            .message.find("Limit 2, Requested 3. The images must be reduced") != std::string::npos);
}

TEST_CASE("resources and windows are named as OpenAI names them") {
  struct Row {
    Resource resource;
    Duration window;
    std::string words;
    std::string type;
  };
  const std::vector<Row> rows = {
      {Resource::requests, seconds{1}, "on requests per sec (RPS): Limit", "requests"},
      {Resource::requests, minutes{1}, "on requests per min (RPM): Limit", "requests"},
      {Resource::requests, hours{1}, "on requests per hour (RPH): Limit", "requests"},
      {Resource::requests, hours{24}, "on requests per day (RPD): Limit", "requests"},
      {Resource::tokens, hours{24}, "on tokens per day (TPD): Limit", "tokens"},
      {Resource::images, minutes{1}, "on images per min (IPM): Limit", "images"},
      {Resource::input_tokens, minutes{1}, "on input tokens per min (ITPM): Limit", "tokens"},
      {Resource::output_tokens, minutes{1}, "on output tokens per min (OTPM): Limit", "tokens"},
      {Resource::characters, month_window, "on characters per month: Limit", "characters"},
      {Resource::requests, seconds{10}, "on requests per 10s: Limit", "requests"},
      {Resource::requests, milliseconds{500}, "on requests per 500ms: Limit", "requests"},
      {Resource::requests, hours{5}, "on requests per 5h0m0s: Limit", "requests"},
  };
  for (const Row& row : rows) {
    const LimitTerms terms{"x", row.resource, 5, row.window, 5};
    const ApiError error = rate_limit_error("m", {&terms, 1, {}});
    INFO(error.message);
    CHECK(error.message.find(row.words) != std::string::npos);
    CHECK(error.type == row.type);
  }
}

TEST_CASE("what a burst and a debt leave is told as used") {
  const LimitTerms terms{"rpm", Resource::requests, 600, minutes{1}, 10};
  const auto used = [&](std::int64_t room) {
    return rate_limit_error("m", {&terms, 1, {.room = room}}).message;
  };
  CHECK(used(0).find("Limit 600, Used 600, ") != std::string::npos);
  CHECK(used(-7).find("Limit 600, Used 607, ") != std::string::npos);
}

TEST_CASE("other errors have their codes, and bytes that are no text are replaced") {
  Trouble crowd{.kind = Trouble::Kind::too_many_at_once, .model = "m"};
  crowd.concurrency_max = 8;
  CHECK(openai_error(crowd).code == "too_many_concurrent_requests");
  CHECK(openai_error(crowd).message.find("at most 8 may be") != std::string::npos);
  CHECK(openai_error({.kind = Trouble::Kind::failed}).type == "server_error");
  CHECK(openai_error({.kind = Trouble::Kind::overloaded}).code == "server_is_overloaded");
  CHECK(error_body({.message = "bad \xFF byte"}).find("bad \xEF\xBF\xBD byte") !=
        std::string::npos);
}

TEST_CASE("durations look as Go prints them, rounded up to milliseconds") {
  struct Row {
    std::int64_t ns;
    std::string text;
  };
  const std::vector<Row> rows = {
      {0, "0s"},
      {1, "1ms"},
      {6'000'000, "6ms"},
      {999'000'000, "999ms"},
      {999'000'001, "1s"},
      {1'146'000'000, "1.146s"},
      {8'640'000'000, "8.64s"},
      {86'400'000'000, "1m26.4s"},
      {179'560'000'000, "2m59.56s"},
      {360'000'000'000, "6m0s"},
      {3'600'000'000'000, "1h0m0s"},
      {86'400'000'000'000, "24h0m0s"},
  };
  for (const Row& row : rows) CHECK(go_duration(Duration{row.ns}) == row.text);
}

}  // namespace
}  // namespace ratebatch::sandbox_errors_test
