// A sandbox without sockets, for tests: requests in, replies out, at times that the test chooses.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ratebatch/base/ascii.hpp"
#include "sandbox/service.hpp"

namespace ratebatch::sandbox_bench {

using namespace sandbox;

constexpr Now at(std::int64_t ms) {
  return {Instant{ms * 1'000'000}, WallTime{1'700'000'000'000'000'000 + ms * 1'000'000}};
}

inline bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

inline std::string header(const std::vector<Header>& headers, std::string_view name) {
  for (const Header& h : headers) {
    if (equal_ignoring_case(h.name, name)) return h.value;
  }
  return "(absent)";
}

using Json = nlohmann::json;

struct Bench {
  explicit Bench(SandboxOptions wanted = {}, Script script = {})
      : options(std::move(wanted)), service(options, ledger, at(0), std::move(script)) {}
  explicit Bench(std::string_view text) : Bench(parse_sandbox_options(text).value()) {}

  // `path` may have a query.
  std::variant<Reply, Admitted> ask(std::string_view method, std::string_view path,
                                    std::string_view body, std::vector<HeaderView> headers = {},
                                    std::int64_t ms = 0) {
    const std::size_t mark = std::min(path.find('?'), path.size());
    Question question{.method = method, .path = path.substr(0, mark)};
    question.query = path.substr(std::min(mark + 1, path.size()));
    question.headers = std::move(headers);
    question.body = body;
    return service.ask(question, at(ms));
  }
  std::variant<Reply, Admitted> post(std::string_view path, std::string_view body,
                                     std::vector<HeaderView> headers = {}, std::int64_t ms = 0) {
    return ask("POST", path, body, std::move(headers), ms);
  }

  // The final reply: that of an admitted request is taken at once, and the request ended.
  Reply reply_to(std::variant<Reply, Admitted> verdict, std::int64_t ms = 0) {
    if (const auto* reply = std::get_if<Reply>(&verdict)) return *reply;
    const Admitted& admitted = std::get<Admitted>(verdict);
    Reply reply = service.answer(admitted, at(ms).steady);
    service.end(admitted, false, at(ms));
    return reply;
  }
  Reply reply(std::string_view path, std::string_view body, std::vector<HeaderView> headers = {}) {
    return reply_to(post(path, body, std::move(headers)));
  }

  SandboxOptions options;
  Ledger ledger;
  Service service;
};

inline Json json_of(const Reply& reply) {
  CHECK(header(reply.headers, "Content-Type") == "application/json");
  Json json = Json::parse(reply.body, nullptr, false);
  CHECK_FALSE(json.is_discarded());
  return json;
}

}  // namespace ratebatch::sandbox_bench
