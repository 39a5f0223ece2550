#include "sandbox/together_api.hpp"

#include <fmt/format.h>

#include "sandbox/json_body.hpp"
#include "sandbox/openai_bodies.hpp"
#include "sandbox/openai_errors.hpp"
#include "sandbox/openai_requests.hpp"

namespace ratebatch::sandbox {
namespace {

std::string together_window(Duration window) {
  if (window == std::chrono::seconds{1}) return "second";
  if (window == std::chrono::minutes{1}) return "minute";
  if (window == std::chrono::hours{1}) return "hour";
  if (window == std::chrono::hours{24}) return "day";
  return go_duration(window);
}

// Refusals that users published have these two forms, for limits of an account and of a model; the
// words for tokens follow them. Together's documentation gives the types.
ApiError limit_error(const Trouble& trouble) {
  const LimitTerms& terms = *trouble.limit->terms;
  const bool is_total = terms.name.starts_with("total ");
  const bool is_requests = terms.resource == Resource::requests;
  const std::string unit = is_requests ? "queries" : std::string(to_string(terms.resource));
  ApiError error{.status = 429,
                 .type = is_total      ? "credit_limit"
                         : is_requests ? "dynamic_request_limited"
                                       : "dynamic_token_limited"};
  if (!trouble.tells_numbers) {
    error.message = "You have been rate limited.";
  } else if (is_total) {
    error.message = fmt::format(
        "You have been rate limited. Your rate limit is {} {} per {}. Please navigate to "
        "https://api.together.xyz/settings/billing to upgrade to a paid plan.",
        terms.amount, unit, together_window(terms.window));
  } else {
    error.message = fmt::format(
        "You have reached the rate limit specific to this model {}. The maximum rate limit for "
        "this model is {:.1f} {} per {}. This limit differs from the general rate limits published "
        "at https://docs.together.ai/docs/rate-limits.",
        trouble.model, static_cast<double>(terms.amount), unit, together_window(terms.window));
  }
  return error;
}

ApiError together_error(const Trouble& trouble) {
  switch (trouble.kind) {
    case Trouble::Kind::rate_limited:
    case Trouble::Kind::never_fits:
      return limit_error(trouble);
    case Trouble::Kind::too_many_at_once:
      return {.status = 429,
              .message = "You have been rate limited: too many requests are in progress.",
              .type = "dynamic_request_limited"};
    case Trouble::Kind::wrong_key:
      return {.status = 401,
              .message =
                  "Invalid API key provided. You can find your API key at "
                  "https://api.together.ai/settings/api-keys.",
              .code = "invalid_api_key"};
    case Trouble::Kind::overloaded:
      return {.status = 503,
              .message = "The server is overloaded or not ready yet.",
              .type = "server_error"};
    case Trouble::Kind::bad_request:
    case Trouble::Kind::body_too_large:
    case Trouble::Kind::not_found:
    case Trouble::Kind::wrong_method:
    case Trouble::Kind::elsewhere:
    case Trouble::Kind::failed:
      break;
  }
  return openai_error(trouble);
}

}  // namespace

KeyPlace TogetherApi::key_place(const Question& /*question*/, std::string_view /*rest*/) const {
  return {"Authorization", "Bearer "};
}

tl::expected<Generation, Trouble> TogetherApi::read(const Question& question,
                                                    std::string_view rest) const {
  return read_openai(question, rest, OpenAiFlavour::together);
}

// Its documentation: successful responses have none.
std::vector<Header> TogetherApi::limit_headers(const Decision& /*decision*/, Now /*now*/) const {
  return {};
}

Reply TogetherApi::answer(const Generation& asked, const AnswerMark& mark) const {
  Reply reply = openai_answer(asked, mark, options(), OpenAiFlavour::together);
  reply.headers.push_back({"x-request-id", mark.id});
  return reply;
}

Reply TogetherApi::error(const Trouble& trouble, const std::string& id) const {
  const ApiError error = together_error(trouble);
  Reply reply = json_reply(error.status, error_body(error), {{"x-request-id", id}});
  if (const auto wait = wait_of(trouble)) {
    reply.headers.push_back({"x-ratelimit-reset", whole_seconds(*wait)});
  }
  return reply;
}

}  // namespace ratebatch::sandbox
