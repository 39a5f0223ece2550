#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "sandbox/api.hpp"
#include "sandbox/json_body.hpp"
#include "sandbox/openai.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::string_view learn_more =
    "Visit https://platform.openai.com/account/rate-limits to learn more.";

// By index_of, as in RPM. OpenAI itself knows requests, tokens and images; the others follow its
// pattern.
constexpr std::array<std::string_view, resource_count> resource_letters = {"R",  "T", "IT",
                                                                           "OT", "I", "C"};

// "tokens" for those of the input and of the output too.
std::string type_of(const LimitTerms& terms) {
  const std::string words = words_of(terms.resource);
  return words.ends_with("tokens") ? "tokens" : words;
}

struct WindowWords {
  Duration window;
  const char* openai;
  const char* together;
  char letter;
};

constexpr std::array<WindowWords, 4> window_words = {
    {{std::chrono::seconds{1}, "sec", "second", 'S'},
     {std::chrono::minutes{1}, "min", "minute", 'M'},
     {std::chrono::hours{1}, "hour", "hour", 'H'},
     {std::chrono::hours{24}, "day", "day", 'D'}}};

// Letters only where they are common: "RPM" of a month would be read as that of a minute.
std::string dimension_of(const LimitTerms& terms) {
  const std::string resource = words_of(terms.resource);
  for (const WindowWords& known : window_words) {
    if (terms.window != known.window) continue;
    return fmt::format("{} per {} ({}P{})", resource, known.openai,
                       resource_letters[index_of(terms.resource)], known.letter);
  }
  const bool is_month = terms.window == month_window;
  return fmt::format("{} per {}", resource, is_month ? "month" : go_duration(terms.window));
}

// OpenAI's words for a limit that was met, or that the request alone exceeds: no retry helps then.
std::string limit_message(const Trouble& trouble) {
  const LimitView& limit = *trouble.limit;
  const LimitTerms& terms = *limit.terms;
  const bool never_fits = trouble.kind == Trouble::Kind::never_fits;
  const std::string message = fmt::format("{} for {} in organization org-sandbox on {}",
                                          never_fits ? "Request too large" : "Rate limit reached",
                                          trouble.model, dimension_of(terms));
  if (!trouble.tells_numbers) return message + '.';
  if (!never_fits) {
    return fmt::format("{}: Limit {}, Used {}, Requested {}. Please try again in {}. {}", message,
                       terms.amount, terms.amount - limit.reading.room, limit.cost,
                       go_duration(limit.reading.wait), learn_more);
  }
  const std::string type = type_of(terms);
  return fmt::format(
      "{}: Limit {}, Requested {}. The {}{} must be reduced in order to run successfully. {}",
      message, terms.most, limit.cost, type == "tokens" ? "input or output " : "", type,
      learn_more);
}

constexpr const char* invalid_request = "invalid_request_error";

constexpr ErrorTable openai_errors = {
    {{400, invalid_request},
     {413, invalid_request},
     {401, invalid_request, "invalid_api_key", "Incorrect API key provided."},
     {404, invalid_request},
     {405, invalid_request},
     {421, invalid_request},
     {429, "", "rate_limit_exceeded"},
     {429, "", "rate_limit_exceeded"},
     {429, "requests", "too_many_concurrent_requests"},
     {500, "server_error", "",
      "The server had an error while processing your request. Sorry about that!"},
     {503, "service_unavailable_error", "server_is_overloaded",
      "The engine is currently overloaded, please try again later"}}};

std::string together_window(Duration window) {
  const auto known = std::ranges::find(window_words, window, &WindowWords::window);
  return known == window_words.end() ? go_duration(window) : known->together;
}

// Refusals that users published have these two forms, for limits of an account and of a model; the
// words for tokens follow them. Together's documentation gives the types.
ApiError together_limit_error(const Trouble& trouble) {
  const LimitTerms& terms = *trouble.limit->terms;
  const bool is_total = terms.name.starts_with("total ");
  const bool is_requests = terms.resource == Resource::requests;
  const std::string_view unit = is_requests ? "queries" : to_string(terms.resource);
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

constexpr ErrorTable make_together_errors() {
  ErrorTable table = openai_errors;
  const auto words_of_kind = [&](Trouble::Kind kind) -> ErrorWords& {
    return table.at(static_cast<std::size_t>(kind));
  };
  words_of_kind(Trouble::Kind::wrong_key) = {
      401, invalid_request, "invalid_api_key",
      "Invalid API key provided. You can find your API key at "
      "https://api.together.ai/settings/api-keys."};
  words_of_kind(Trouble::Kind::too_many_at_once) = {
      429, "dynamic_request_limited", "",
      "You have been rate limited: too many requests are in progress."};
  words_of_kind(Trouble::Kind::overloaded) = {503, "server_error", "",
                                              "The server is overloaded or not ready yet."};
  return table;
}

class OpenAiApi final : public Api {
 public:
  using Api::Api;

  [[nodiscard]] ReadRequest read(const Question& question, std::string_view rest) const override {
    return read_openai(question, rest, OpenAiFlavour::openai);
  }

  // Its rate limit guide: reserved are the larger of max_tokens and a quarter of the characters.
  // Output tokens follow it, as max_tokens where that is given.
  [[nodiscard]] Cost cost(const Generation& asked, const Amounts& use) const override {
    Cost cost{use, use};
    if (options().token_count == TokenCount::usage) return cost;
    cost.reserved[index_of(Resource::tokens)] =
        std::max(asked.tokens_max.value_or(0), use[index_of(Resource::input_tokens)]);
    if (asked.tokens_max) cost.reserved[index_of(Resource::output_tokens)] = *asked.tokens_max;
    return cost;
  }

  [[nodiscard]] std::vector<Header> limit_headers(const Decision& decision,
                                                  Now /*now*/) const override {
    std::vector<Header> headers;
    for (const Resource resource : {Resource::requests, Resource::tokens}) {
      const std::optional<LimitView>& limit = decision.of(resource);
      if (!limit) continue;
      const auto add = [&](std::string_view what, std::string value) {
        headers.push_back(
            {fmt::format("x-ratelimit-{}-{}", what, to_string(resource)), std::move(value)});
      };
      add("limit", std::to_string(limit->terms->most));
      add("remaining", std::to_string(std::max<std::int64_t>(limit->reading.room, 0)));
      add("reset", go_duration(limit->reading.reset));
    }
    return headers;
  }

  [[nodiscard]] Reply answer(const Generation& asked, const AnswerMark& mark) const override {
    Reply reply = openai_answer(asked, mark, options(), OpenAiFlavour::openai);
    add_trace(reply, mark.id);
    reply.headers.push_back({"openai-processing-ms", std::to_string(to_ms(mark.took))});
    return reply;
  }

  [[nodiscard]] Reply error(const Trouble& trouble, const std::string& id) const override {
    const ApiError error = openai_error(trouble);
    Reply reply = json_reply(error.status, error_body(error));
    add_trace(reply, id);
    add_wait(reply, "Retry-After", trouble);
    return reply;
  }

 private:
  static void add_trace(Reply& reply, const std::string& id) {
    reply.headers.push_back({"x-request-id", "req_" + id});
    reply.headers.push_back({"openai-organization", "org-sandbox"});
  }
};

// Its documentation: successful responses have no headers of limits.
class TogetherApi final : public Api {
 public:
  using Api::Api;

  [[nodiscard]] ReadRequest read(const Question& question, std::string_view rest) const override {
    return read_openai(question, rest, OpenAiFlavour::together);
  }

  [[nodiscard]] Reply answer(const Generation& asked, const AnswerMark& mark) const override {
    Reply reply = openai_answer(asked, mark, options(), OpenAiFlavour::together);
    reply.headers.push_back({"x-request-id", mark.id});
    return reply;
  }

  [[nodiscard]] Reply error(const Trouble& trouble, const std::string& id) const override {
    static constexpr ErrorTable together_errors = make_together_errors();
    const ApiError error =
        trouble.is_of_limit() ? together_limit_error(trouble) : error_of(together_errors, trouble);
    Reply reply = json_reply(error.status, error_body(error), {{"x-request-id", id}});
    add_wait(reply, "x-ratelimit-reset", trouble);
    return reply;
  }
};

}  // namespace

ApiError openai_error(const Trouble& trouble) {
  ApiError error = error_of(openai_errors, trouble);
  if (trouble.is_of_limit()) {
    error.message = limit_message(trouble);
    error.type = type_of(*trouble.limit->terms);
  } else if (trouble.kind == Trouble::Kind::too_many_at_once) {
    error.message = fmt::format(
        "Too many concurrent requests for {} in organization org-sandbox: at most {} may be in "
        "progress at once.",
        trouble.model, trouble.concurrency_max);
  }
  return error;
}

std::string error_body(const ApiError& error) {
  return filled(R"({"error":{"code":$code,"message":$message,"param":$param,"type":$type}})",
                {{"code", or_null(error.code)},
                 {"message", error.message},
                 {"param", or_null(error.param)},
                 {"type", error.type}});
}

std::unique_ptr<Api> make_openai_api(const SandboxOptions& options) {
  return std::make_unique<OpenAiApi>(options, "openai", KeyPlace{"Authorization", "Bearer "});
}

std::unique_ptr<Api> make_together_api(const SandboxOptions& options) {
  return std::make_unique<TogetherApi>(options, "together", KeyPlace{"Authorization", "Bearer "});
}

}  // namespace ratebatch::sandbox
