// Every reply of tests/corpus, one a line, means what the line expects.
//
// A line has: name (unique in all files), kind (chat), status, headers, body (JSON, or the text
// itself), raw_body (false), http (of the dialect http: members of HttpApi), expect, and final: the
// job's state after a run in which this reply comes once and good ones follow. The sandbox serves
// the same lines, see its option `replies`. Of expect, only what stands there is compared.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::corpus_test {

using namespace provider;

namespace {

using nlohmann::json;

struct CorpusLine {
  std::string file;  // Without its extension.
  json row;
};

std::vector<CorpusLine> read_corpus() {
  std::vector<CorpusLine> lines;
  std::set<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(RATEBATCH_SOURCE_DIR "/tests/corpus")) {
    if (entry.path().extension() == ".jsonl") paths.insert(entry.path());
  }
  for (const std::filesystem::path& path : paths) {
    std::ifstream in(path);
    std::string text;
    for (int number = 1; std::getline(in, text); ++number) {
      json row = json::parse(text, nullptr, false);
      if (row.is_discarded()) FAIL(path.string() << ":" << number << ": not JSON");
      lines.push_back({path.stem().string(), std::move(row)});
    }
  }
  return lines;
}

// Servers that speak OpenAI's API have a file of their own.
const Dialect& dialect_of(const std::string& file) {
  const Dialect* dialect = find_dialect(file == "compatible" ? "openai" : file);
  if (dialect == nullptr) FAIL("no dialect of the name " << file);
  return *dialect;
}

ModelKind kind_of(const json& row) {
  const std::string name = row.value("kind", "chat");
  for (std::size_t i = 0; i < model_kind_count; ++i) {
    if (to_string(static_cast<ModelKind>(i)) == name) return static_cast<ModelKind>(i);
  }
  FAIL("unknown kind " << name);
  return ModelKind::chat;
}

HttpReply reply_of(const json& row) {
  HttpReply reply;
  reply.status = row.at("status");
  const json headers = row.value("headers", json::object());
  for (const auto& [name, value] : headers.items()) {
    reply.headers.push_back({name, value.get<std::string>()});
  }
  const json& body = row.at("body");
  reply.body = body.is_string() ? body.get<std::string>() : body.dump();
  return reply;
}

std::optional<HttpApi> http_of(const json& row) {
  if (!row.contains("http")) return std::nullopt;
  HttpApi http;
  for (const auto& [name, value] : row.at("http").items()) {
    const auto set = [&, text = value.get<std::string>(), &name = name](const char* own,
                                                                        std::string& member) {
      if (name == own) member = text;
      return name == own;
    };
    CHECK_MESSAGE((set("result", http.result) || set("finish_reason", http.finish_reason) ||
                   set("input_tokens", http.input_tokens) ||
                   set("output_tokens", http.output_tokens) || set("characters", http.characters) ||
                   set("error_message", http.error_message) || set("error_code", http.error_code)),
                  "unknown member of http: " << name);
  }
  return http;
}

// Reads the line's reply by its dialect.
Outcome outcome_of(const CorpusLine& line) {
  Endpoint endpoint;
  endpoint.kind = kind_of(line.row);
  endpoint.http = http_of(line.row);
  const AskedFor asked{.kind = endpoint.kind, .raw_body = line.row.value("raw_body", false)};
  return dialect_of(line.file).read(reply_of(line.row), endpoint, asked);
}

json shown(const LimitFact& fact) {
  json value = {{"resource", to_string(fact.resource)}, {"violated", fact.violated}};
  if (fact.window) value["window_s"] = *fact.window / std::chrono::seconds{1};
  if (fact.limit) value["limit"] = *fact.limit;
  if (fact.remaining) value["remaining"] = *fact.remaining;
  if (fact.used) value["used"] = *fact.used;
  return value;
}

// All that a line may expect, as its members are called.
json shown(const Outcome& outcome) {
  const Answer answer = outcome.answer.value_or(Answer{});
  json value = {{"class", to_string(outcome.kind)},
                {"limited", to_string(outcome.limited)},
                {"scope", outcome.facts.scope == RefusalScope::lane ? "lane" : "provider"},
                {"unreadable", outcome.unreadable},
                {"request_id", outcome.request_id},
                {"message", outcome.message},
                {"text", answer.text},
                {"finish_reason", answer.finish_reason},
                {"truncated", answer.truncated},
                {"body_kept", !answer.body_json.empty()},
                {"files", answer.assets.size()},
                {"links", answer.links.size()},
                {"limits", json::array()}};
  if (outcome.facts.wait) value["wait_ms"] = to_ms(*outcome.facts.wait);
  if (outcome.facts.requested) value["requested"] = *outcome.facts.requested;
  if (outcome.facts.concurrency_max) value["concurrency_max"] = *outcome.facts.concurrency_max;
  const Usage& usage = outcome.usage;
  value["usage"] = {{"input_tokens", usage.input_tokens},
                    {"output_tokens", usage.output_tokens},
                    {"images", usage.images},
                    {"characters", usage.characters}};
  for (const LimitFact& fact : outcome.facts.limits) value["limits"].push_back(shown(fact));
  return value;
}

bool has_all_of(const json& value, const json& expected) {
  json both = value;
  both.update(expected);
  return both == value;
}

void check_expected(const json& outcome, const std::string& name, const json& expected) {
  if (name == "message_contains") {
    CHECK(outcome.at("message").get<std::string>().find(expected.get<std::string>()) !=
          std::string::npos);
  } else if (name == "usage") {
    // What is not named was not charged.
    json usage = {{"input_tokens", 0}, {"output_tokens", 0}, {"images", 0}, {"characters", 0}};
    usage.update(expected);
    CHECK(outcome.at("usage") == usage);
  } else if (name == "limits") {
    for (const json& fact : expected) {
      CAPTURE(fact);
      CHECK(std::any_of(outcome.at("limits").begin(), outcome.at("limits").end(),
                        [&](const json& found) { return has_all_of(found, fact); }));
    }
  } else {
    CAPTURE(name);
    CHECK(outcome.value(name, json()) == expected);
  }
}

// The states that a job of this class can be in when the run ends, other replies being good.
std::set<std::string> finals_of(const json& expect) {
  const std::string outcome_class = expect.at("class");
  // A link of a recorded reply leads nowhere: its file cannot be had.
  if (outcome_class == "done") return {expect.value("links", 0) == 0 ? "done" : "failed"};
  for (const char* name : {"invalid_request", "too_large", "content_policy", "not_found"}) {
    if (outcome_class == name) return {"failed"};
  }
  if (outcome_class == "no_credit" || outcome_class == "refused_key") return {"pending"};
  return {"done", "pending"};
}

TEST_CASE("every reply of the corpus means what its line expects") {
  const std::vector<CorpusLine> corpus = read_corpus();
  CHECK(corpus.size() >= 200);
  for (const CorpusLine& line : corpus) {
    const std::string name = line.row.value("name", "");
    CAPTURE(name);
    const json outcome = shown(outcome_of(line));
    CAPTURE(outcome);
    for (const auto& [member, expected] : line.row.at("expect").items()) {
      check_expected(outcome, member, expected);
    }
    const bool has_answer = outcome.at("class") == "done";
    CHECK(has_answer == outcome.at("message").get<std::string>().empty());
  }
}

TEST_CASE("every line of the corpus is well formed, and its name stands once") {
  const std::set<std::string> members = {"name",     "kind", "status", "headers", "body",
                                         "raw_body", "http", "times",  "expect",  "final"};
  std::set<std::string> names;
  for (const CorpusLine& line : read_corpus()) {
    const std::string name = line.row.value("name", "");
    CAPTURE(name);
    CHECK_FALSE(name.empty());
    CHECK(names.insert(name).second);
    for (const auto& [member, value] : line.row.items()) {
      CAPTURE(member);
      CHECK(members.count(member) == 1);
    }
    const json expect = line.row.value("expect", json::object());
    REQUIRE(expect.contains("class"));
    CHECK(finals_of(expect).count(line.row.value("final", "")) == 1);
    // The transport gives all names in lower case.
    const json headers = line.row.value("headers", json::object());
    for (const auto& [header, value] : headers.items()) {
      CHECK(
          std::none_of(header.begin(), header.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
    }
  }
}

}  // namespace
}  // namespace ratebatch::corpus_test
