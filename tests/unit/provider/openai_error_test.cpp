// What the errors of OpenAI's API mean, row by row, and what broken transfers mean.
#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/text.hpp"
#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::openai_error_test {

using namespace provider;

namespace {

using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""s;
using Kind = OutcomeClass;

Outcome read(const HttpReply& reply) {
  return find_dialect("openai")->read(reply, {}, {.kind = ModelKind::chat, .raw_body = false});
}

std::string error_body(const std::string& message, const std::string& type,
                       const std::string& code) {
  const auto quoted = [](const std::string& s) { return s.empty() ? "null" : '"' + s + '"'; };
  return R"({"error":{"message":")" + message + R"(","type":)" + quoted(type) +
         R"(,"param":null,"code":)" + quoted(code) + "}}";
}

// As replies have been seen to say it.
constexpr const char* tpm =
    "Rate limit reached for gpt-4o-mini in organization org-X on tokens per min (TPM): Limit "
    "200000, Used 195869, Requested 4412. Please try again in 84ms. Visit https://x to learn "
    "more.";
constexpr const char* project =
    "Rate limit reached for M in project proj_X organization org-X on tokens per min (TPM): "
    "Limit 50000, Used 47949, Requested 3006. Please try again in 1.146s.";
constexpr const char* rpm =
    "Rate limit reached for M in organization org-X on requests per min (RPM): Limit 3, Used 3, "
    "Requested 1. Please try again in 20s.";
constexpr const char* rpd =
    "Rate limit reached for M in organization org-X on requests per day (RPD): Limit 200, Used "
    "200, Requested 1. Please try again in 7m12s.";
constexpr const char* tpd =
    "Rate limit reached for M on tokens per day (TPD): Limit 9, Used 9, Requested 1.";
constexpr const char* ipm =
    "Rate limit reached for M in organization org-X on images per minute (IPM): Limit 5, Used 5, "
    "Requested 1. Please try again in 12s.";
constexpr const char* too_large =
    "Request too large for gpt-4o in organization org-X on tokens per min (TPM): Limit 30000, "
    "Requested 34307. The input or output tokens must be reduced in order to run successfully.";
constexpr const char* quota =
    "You exceeded your current quota, please check your plan and billing details.";
constexpr const char* old_tokens =
    "Rate limit reached for M on tokens per min. Limit: 250000.000000 / min. Current: "
    "275070.000000 / min.";
constexpr const char* old_requests =
    "Rate limit reached on requests per min. Limit: 3 / min. Please try again in 20s. Contact us";

struct LimitRow {
  std::string message, type, code;
  Kind kind;
  LimitedBy limited = LimitedBy::unspecified;
  std::optional<Duration> wait = std::nullopt;
};

TEST_CASE("a 429 is classified by code, type and words, with its wait") {
  const std::vector<LimitRow> table = {
      {tpm, "tokens", "rate_limit_exceeded", Kind::rate_limited, LimitedBy::tokens, 84ms},
      {project, "tokens", "rate_limit_exceeded", Kind::rate_limited, LimitedBy::tokens, 1146ms},
      {rpm, "requests", "rate_limit_exceeded", Kind::rate_limited, LimitedBy::requests, 20s},
      {rpd, "requests", "rate_limit_exceeded", Kind::quota_exhausted, LimitedBy::unspecified, 432s},
      {tpd, "tokens", "rate_limit_exceeded", Kind::quota_exhausted},
      {ipm, "images", "rate_limit_exceeded", Kind::rate_limited, LimitedBy::images, 12s},
      {ipm, "", "", Kind::rate_limited, LimitedBy::images, 12s},
      {too_large, "tokens", "rate_limit_exceeded", Kind::too_large},
      {old_tokens, "", "", Kind::rate_limited, LimitedBy::tokens},
      {old_requests, "", "", Kind::rate_limited, LimitedBy::requests, 20s},
      {"Slow", "tokens", "", Kind::rate_limited, LimitedBy::tokens},
      {"Slow", "requests", "rate_limit_exceeded", Kind::rate_limited, LimitedBy::requests},
      {"Limit (TPM) and not (RPD)", "", "", Kind::rate_limited, LimitedBy::tokens},
      {"Please retry after 7 seconds.", "", "429", Kind::rate_limited, LimitedBy::unspecified, 7s},
      {"Too many", "rate_limit_error", "", Kind::rate_limited},
      {"", "", "", Kind::rate_limited},
      {quota, "insufficient_quota", "insufficient_quota", Kind::quota_exhausted},
      {quota, "insufficient_quota", "", Kind::quota_exhausted},
      {quota, "insufficient_quota", "some_new_code", Kind::quota_exhausted},
      {quota, "insufficient_quota", "credit_balance_exhausted", Kind::no_credit},
      {quota, "insufficient_quota", "organization_spend_limit_exceeded", Kind::no_credit},
      {quota, "insufficient_quota", "project_spend_limit_exceeded", Kind::no_credit},
      {quota, "insufficient_quota", "organization_usage_limit_exceeded", Kind::no_credit},
      {"x", "billing_not_active", "billing_not_active", Kind::no_credit},
      {"Growing too fast", "rate_limit_error", "slow_down", Kind::overloaded},
      {"The engine is currently overloaded, please try again later", "", "", Kind::overloaded},
      {"x", "rate_limit_error", "too_many_concurrent_requests", Kind::rate_limited,
       LimitedBy::concurrency},
      {"Too many concurrent requests", "", "", Kind::rate_limited, LimitedBy::concurrency},
  };
  for (const LimitRow& row : table) {
    CAPTURE(row.message);
    CAPTURE(row.type);
    CAPTURE(row.code);
    const Outcome outcome =
        read({.status = 429, .body = error_body(row.message, row.type, row.code)});
    CHECK(to_string(outcome.kind) == to_string(row.kind));
    CHECK(to_string(outcome.limited) == to_string(row.limited));
    CHECK(outcome.facts.wait == row.wait);
    CHECK(outcome.http_status == 429);
    CHECK(outcome.sent);
    CHECK_FALSE(outcome.answer);
    if (!row.message.empty()) CHECK(outcome.message == row.message);
  }
}

struct StatusRow {
  std::int32_t status;
  std::string type, code;
  Kind kind;
};

TEST_CASE("other statuses mean what they say, unless a code is more exact") {
  const std::vector<StatusRow> table = {
      {400, "invalid_request_error", "", Kind::invalid_request},
      {400, "invalid_request_error", "context_length_exceeded", Kind::too_large},
      {400, "invalid_request_error", "content_policy_violation", Kind::content_policy},
      {400, "image_generation_user_error", "moderation_blocked", Kind::content_policy},
      {400, "image_generation_user_error", "", Kind::invalid_request},
      {400, "invalid_request_error", "billing_hard_limit_reached", Kind::no_credit},
      {400, "invalid_request_error", "invalid_api_key", Kind::refused_key},
      {400, "", "content_filter", Kind::content_policy},
      {400, "invalid_request_error", "model_not_found", Kind::not_found},
      {400, "", "", Kind::invalid_request},
      {401, "invalid_request_error", "invalid_api_key", Kind::refused_key},
      {401, "", "", Kind::refused_key},
      {402, "unknown_error", "invalid_request_error", Kind::no_credit},
      {403, "", "unsupported_country_region_territory", Kind::refused_key},
      {403, "insufficient_quota", "", Kind::quota_exhausted},
      {404, "invalid_request_error", "model_not_found", Kind::not_found},
      {405, "", "", Kind::invalid_request},
      {408, "", "", Kind::timeout},
      {409, "", "", Kind::server_error},
      {413, "", "", Kind::too_large},
      {422, "", "", Kind::invalid_request},
      {422, "", "context_length_exceeded", Kind::too_large},
      {425, "", "", Kind::server_error},
      {451, "", "", Kind::invalid_request},
      {500, "server_error", "", Kind::server_error},
      {500, "", "server_is_overloaded", Kind::overloaded},
      {502, "", "", Kind::server_error},
      {503, "service_unavailable_error", "server_is_overloaded", Kind::overloaded},
      {503, "", "", Kind::overloaded},
      {504, "", "", Kind::timeout},
      {520, "", "", Kind::server_error},
      {524, "", "", Kind::timeout},
      {529, "", "", Kind::overloaded},
      {599, "", "", Kind::server_error},
      {600, "", "", Kind::invalid_request},
  };
  for (const StatusRow& row : table) {
    CAPTURE(row.status);
    CAPTURE(row.type);
    CAPTURE(row.code);
    const Outcome outcome =
        read({.status = row.status, .body = error_body("why", row.type, row.code)});
    CHECK(to_string(outcome.kind) == to_string(row.kind));
    CHECK(outcome.http_status == row.status);
    CHECK(outcome.message == "why");
    CHECK_FALSE(outcome.facts.wait);
  }
}

struct BodyRow {
  std::string body, message;
};

TEST_CASE("the words of an error are found in whatever form it comes") {
  const std::vector<BodyRow> table = {
      {R"({"error":{"message":"why"}})", "why"},
      {R"([{"error":{"message":"why"}}])", "why"},
      {"\n\n \r\n{\"error\":{\"message\":\"why\"}}\n", "why"},
      {R"({"error":"why"})", "why"},
      {R"({"message":"why"})", "why"},
      {R"({"detail":"why"})", "why"},
      {R"({"error":{"code":"some_code"}})", "some_code"},
      {R"({"error":{"message":7,"type":[],"code":{}}})", R"({"error":{"message":7,)"
                                                         R"("type":[],"code":{}}})"},
      {"  plain words \n", "plain words"},
      {"", "HTTP 500 without a message"},
      {"<html><head><TITLE> 502 Bad Gateway </TITLE></head>",
       "HTTP 500, a web page instead of an answer: 502 Bad Gateway"},
      {"\n<!DOCTYPE html><p>no title", "HTTP 500, a web page instead of an answer"},
      {"<title></title", "HTTP 500, a web page instead of an answer"},
      {"{\"error\":{\"message\":\"bad \xFF byte\"}}", "bad \xEF\xBF\xBD byte"},
      {"raw \xFF byte", "raw \\xff byte"},
      {"[]", "[]"},
      {"null", "null"},
  };
  for (const BodyRow& row : table) {
    CAPTURE(row.body);
    const Outcome outcome = read({.status = 500, .body = row.body});
    CHECK(outcome.kind == Kind::server_error);
    CHECK(outcome.message == row.message);
  }
}

TEST_CASE("a message is cut to 1000 bytes at a character") {
  for (const std::size_t length : {999U, 1000U, 1001U, 5000U}) {
    const std::string ascii(length, 'a');
    CHECK(read({.status = 500, .body = error_body(ascii, "", "")}).message ==
          ascii.substr(0, 1000));
  }
  // Two bytes per letter, shifted by one: the 1000th byte is the first half of a letter.
  std::string words = "a";
  while (words.size() < 1200) words += "\xC3\xA9";
  const std::string message = read({.status = 500, .body = error_body(words, "", "")}).message;
  CHECK(message.size() == 999);
  CHECK(is_valid_utf8(message));
}

TEST_CASE("deep or broken JSON in an error is text, not a crash") {
  const std::string deep(100'000, '[');
  const Outcome outcome = read({.status = 500, .body = deep});
  CHECK(outcome.kind == Kind::server_error);
  CHECK(outcome.message == deep.substr(0, 1000));
}

TEST_CASE("a redirect names the host it points to and nothing else of it") {
  struct Row {
    std::string location, message;
  };
  for (const Row& row : std::vector<Row>{
           {"https://user:pw@other.example:8443/secret?key=1",
            "HTTP 307: a redirect to other.example:8443, which is not followed: check base_url"},
           {"/elsewhere?key=1", "HTTP 307: a redirect, which is not followed: check base_url"},
           {"", "HTTP 307: a redirect, which is not followed: check base_url"}}) {
    const Outcome outcome = read({.status = 307,
                                  .headers = {{"location", row.location}},
                                  .body = error_body("ignored", "", "")});
    CHECK(outcome.kind == Kind::invalid_request);
    CHECK(outcome.message == row.message);
  }
}

TEST_CASE("the request id is kept, within bounds") {
  CHECK(read({.status = 500, .headers = {{"x-request-id", "req_1"}}}).request_id == "req_1");
  CHECK(read({.status = 500}).request_id.empty());
  const std::string longer(300, 'r');
  CHECK(read({.status = 500, .headers = {{"x-request-id", longer}}}).request_id.size() == 256);
}

TEST_CASE("waits of headers are read for every error") {
  const Outcome outcome = read({.status = 503, .headers = {{"retry-after", "20"}}});
  CHECK(outcome.kind == Kind::overloaded);
  CHECK(outcome.facts.wait == 20s);
}

TEST_CASE("an error inside a 200 is classified as its code says") {
  struct Row {
    std::string body;
    Kind kind;
  };
  for (const Row& row : std::vector<Row>{
           {R"({"error":{"code":502,"message":"m"}})", Kind::server_error},
           {R"({"error":{"code":429,"message":"m"}})", Kind::rate_limited},
           {R"({"error":{"code":402,"message":"m"}})", Kind::no_credit},
           {R"({"error":{"code":400,"message":"m"}})", Kind::invalid_request},
           {R"({"error":{"code":200,"message":"m"}})", Kind::bad_reply},
           {R"({"error":{"code":99999999999,"message":"m"}})", Kind::bad_reply},
           {R"({"error":{"code":"rate_limit_exceeded","message":"m"}})", Kind::rate_limited},
           {R"({"error":{"code":"insufficient_quota","message":"m"}})", Kind::quota_exhausted},
           {R"({"error":{"code":"context_length_exceeded","message":"m"}})", Kind::too_large},
           {R"({"error":{"code":"moderation_blocked","message":"m"}})", Kind::content_policy},
           {R"({"error":{"code":"invalid_api_key","message":"m"}})", Kind::refused_key},
           {R"({"error":{"code":"model_not_found","message":"m"}})", Kind::not_found},
           {R"({"error":{"type":"server_error","message":"m"}})", Kind::server_error},
           {R"({"error":{"type":"service_unavailable_error","message":"m"}})", Kind::overloaded},
           {R"({"error":{"type":"invalid_request_error","message":"m"}})", Kind::invalid_request},
           {R"({"error":{"code":"who_knows","message":"m"}})", Kind::bad_reply},
           {R"({"error":"m"})", Kind::bad_reply},
           {R"([{"error":{"code":503,"message":"m"}}])", Kind::overloaded},
           {R"({"error":{"code":503,"message":"m"},"choices":[{"message":{"content":"half"}}]})",
            Kind::overloaded},
           {R"({"choices":[{"message":{"content":"half"},"finish_reason":"error",)"
            R"("error":{"code":502,"message":"m"}}]})",
            Kind::server_error}}) {
    CAPTURE(row.body);
    const Outcome outcome = read({.status = 200, .body = row.body});
    CHECK(to_string(outcome.kind) == to_string(row.kind));
    CHECK(outcome.message == "m");
    CHECK(outcome.http_status == 200);
    CHECK_FALSE(outcome.answer);
  }
}

TEST_CASE("a broken transfer has its class, and is sent exactly where it was") {
  struct Row {
    TransferFault fault;
    Kind kind;
  };
  for (const Row& row : std::vector<Row>{{TransferFault::not_allowed, Kind::invalid_request},
                                         {TransferFault::resolve, Kind::network},
                                         {TransferFault::connect, Kind::network},
                                         {TransferFault::tls, Kind::network},
                                         {TransferFault::timeout, Kind::timeout},
                                         {TransferFault::stalled, Kind::timeout},
                                         {TransferFault::broken, Kind::network},
                                         {TransferFault::malformed, Kind::bad_reply},
                                         {TransferFault::too_large, Kind::bad_reply},
                                         {TransferFault::local, Kind::network}}) {
    for (const bool sent : {false, true}) {
      const Outcome outcome = outcome_of(
          {.fault = row.fault, .request_sent = sent, .status = 502, .message = "h: why"});
      CHECK(to_string(outcome.kind) == to_string(row.kind));
      CHECK(outcome.sent == sent);
      CHECK(outcome.http_status == 502);
      CHECK(outcome.message == "h: why");
      CHECK_FALSE(outcome.answer);
    }
  }
}

}  // namespace
}  // namespace ratebatch::openai_error_test
