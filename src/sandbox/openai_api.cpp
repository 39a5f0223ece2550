#include "sandbox/openai_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sandbox/json_body.hpp"
#include "sandbox/openai_bodies.hpp"
#include "sandbox/openai_errors.hpp"
#include "sandbox/openai_requests.hpp"

namespace ratebatch::sandbox {
namespace {

void add_triple(std::vector<Header>& headers, std::string_view resource,
                const std::optional<LimitView>& limit) {
  if (!limit) return;
  const auto add = [&](std::string_view what, std::string value) {
    headers.push_back({fmt::format("x-ratelimit-{}-{}", what, resource), std::move(value)});
  };
  add("limit", std::to_string(limit->terms->most));
  add("remaining", std::to_string(std::max<std::int64_t>(limit->reading.room, 0)));
  add("reset", go_duration(limit->reading.reset));
}

void add_trace(std::vector<Header>& headers, const std::string& id) {
  headers.push_back({"x-request-id", "req_" + id});
  headers.push_back({"openai-organization", "org-sandbox"});
}

}  // namespace

KeyPlace OpenAiApi::key_place(const Question& /*question*/, std::string_view /*rest*/) const {
  return {"Authorization", "Bearer "};
}

tl::expected<Generation, Trouble> OpenAiApi::read(const Question& question,
                                                  std::string_view rest) const {
  return read_openai(question, rest, OpenAiFlavour::openai);
}

Cost OpenAiApi::cost(const Generation& asked, const Amounts& use) const {
  const bool reserves = options().token_count == TokenCount::reserve;
  return {reserves ? reserve_of(asked, use) : use, use};
}

std::vector<Header> OpenAiApi::limit_headers(const Decision& decision, Now /*now*/) const {
  std::vector<Header> headers;
  add_triple(headers, "requests", decision.of(Resource::requests));
  add_triple(headers, "tokens", decision.of(Resource::tokens));
  return headers;
}

Reply OpenAiApi::answer(const Generation& asked, const AnswerMark& mark) const {
  Reply reply = openai_answer(asked, mark, options(), OpenAiFlavour::openai);
  add_trace(reply.headers, mark.id);
  reply.headers.push_back({"openai-processing-ms", std::to_string(to_ms(mark.took))});
  return reply;
}

Reply OpenAiApi::error(const Trouble& trouble, const std::string& id) const {
  const ApiError error = openai_error(trouble);
  Reply reply = json_reply(error.status, error_body(error));
  add_trace(reply.headers, id);
  if (const auto wait = wait_of(trouble)) {
    reply.headers.push_back({"Retry-After", whole_seconds(*wait)});
  }
  return reply;
}

}  // namespace ratebatch::sandbox
