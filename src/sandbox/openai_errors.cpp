#include "sandbox/openai_errors.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "sandbox/json_body.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::string_view learn_more =
    "Visit https://platform.openai.com/account/rate-limits to learn more.";

struct ResourceWords {
  std::string_view words;
  std::string_view letters;
  std::string_view type;
};

// By index_of. OpenAI itself knows requests, tokens and images; the others follow its pattern.
constexpr std::array<ResourceWords, resource_count> resource_words = {
    {{"requests", "R", "requests"},
     {"tokens", "T", "tokens"},
     {"input tokens", "IT", "tokens"},
     {"output tokens", "OT", "tokens"},
     {"images", "I", "images"},
     {"characters", "C", "characters"}}};

const ResourceWords& words_of(const LimitTerms& terms) {
  return resource_words[index_of(terms.resource)];
}

struct WindowWords {
  Duration window;
  std::string_view words;
  std::string_view letter;
};

constexpr std::array<WindowWords, 4> window_words = {{{std::chrono::seconds{1}, "sec", "S"},
                                                      {std::chrono::minutes{1}, "min", "M"},
                                                      {std::chrono::hours{1}, "hour", "H"},
                                                      {std::chrono::hours{24}, "day", "D"}}};

ApiError limit_error(const LimitView& limit, std::string message) {
  return {.status = 429,
          .message = std::move(message),
          .type = std::string(words_of(*limit.terms).type),
          .code = "rate_limit_exceeded"};
}

ApiError rate_limit_error(const std::string& model, const LimitView& limit, bool tells_numbers) {
  const LimitTerms& terms = *limit.terms;
  std::string message = fmt::format("Rate limit reached for {} in organization org-sandbox on {}",
                                    model, openai_dimension(terms));
  if (!tells_numbers) return limit_error(limit, message + '.');
  message += fmt::format(": Limit {}, Used {}, Requested {}. Please try again in {}. {}",
                         terms.amount, terms.amount - limit.reading.room, limit.cost,
                         go_duration(limit.reading.wait), learn_more);
  return limit_error(limit, std::move(message));
}

// The request alone exceeds the limit: no retry helps.
ApiError too_large_error(const std::string& model, const LimitView& limit, bool tells_numbers) {
  const LimitTerms& terms = *limit.terms;
  std::string message = fmt::format("Request too large for {} in organization org-sandbox on {}",
                                    model, openai_dimension(terms));
  if (!tells_numbers) return limit_error(limit, message + '.');
  const bool is_tokens = words_of(terms).type == "tokens";
  message += fmt::format(
      ": Limit {}, Requested {}. The {} must be reduced in order to run successfully. {}",
      terms.most, limit.cost, is_tokens ? "input or output tokens" : words_of(terms).words,
      learn_more);
  return limit_error(limit, std::move(message));
}

ApiError concurrency_error(const Trouble& trouble) {
  return {.status = 429,
          .message = fmt::format("Too many concurrent requests for {} in organization org-sandbox: "
                                 "at most {} may be in progress at once.",
                                 trouble.model, trouble.concurrency_max),
          .type = "requests",
          .code = "too_many_concurrent_requests"};
}

}  // namespace

ApiError openai_error(const Trouble& trouble) {
  switch (trouble.kind) {
    case Trouble::Kind::bad_request:
    case Trouble::Kind::body_too_large:
    case Trouble::Kind::not_found:
    case Trouble::Kind::wrong_method:
    case Trouble::Kind::elsewhere:
      break;
    case Trouble::Kind::wrong_key:
      return {.status = 401, .message = "Incorrect API key provided.", .code = "invalid_api_key"};
    case Trouble::Kind::rate_limited:
      return rate_limit_error(trouble.model, *trouble.limit, trouble.tells_numbers);
    case Trouble::Kind::never_fits:
      return too_large_error(trouble.model, *trouble.limit, trouble.tells_numbers);
    case Trouble::Kind::too_many_at_once:
      return concurrency_error(trouble);
    case Trouble::Kind::failed:
      return {.status = 500,
              .message = "The server had an error while processing your request. Sorry about that!",
              .type = "server_error"};
    case Trouble::Kind::overloaded:
      return {.status = 503,
              .message = "The engine is currently overloaded, please try again later",
              .type = "service_unavailable_error",
              .code = "server_is_overloaded"};
  }
  return {.status = usual_status(trouble.kind),
          .message = trouble.message,
          .code = trouble.code,
          .param = trouble.param};
}

std::string error_body(const ApiError& error) {
  return written({{"error",
                   {{"message", error.message},
                    {"type", error.type},
                    {"param", text_or_null(error.param)},
                    {"code", text_or_null(error.code)}}}});
}

// Letters only where they are common: "RPM" of a month would be read as that of a minute.
std::string openai_dimension(const LimitTerms& terms) {
  const ResourceWords& resource = words_of(terms);
  for (const WindowWords& known : window_words) {
    if (terms.window != known.window) continue;
    return fmt::format("{} per {} ({}P{})", resource.words, known.words, resource.letters,
                       known.letter);
  }
  if (terms.window == month_window) return fmt::format("{} per month", resource.words);
  return fmt::format("{} per {}", resource.words, go_duration(terms.window));
}

std::string go_duration(Duration d) {
  const std::int64_t ms = (d.count() + 999'999) / 1'000'000;
  if (ms <= 0) return "0s";
  if (ms < 1000) return fmt::format("{}ms", ms);
  const std::int64_t s = ms / 1000;
  std::string seconds = fmt::format("{}", s % 60);
  if (ms % 1000 != 0) {
    seconds += fmt::format(".{:03}", ms % 1000);
    seconds.erase(seconds.find_last_not_of('0') + 1);
  }
  if (s < 60) return seconds + "s";
  if (s < 3600) return fmt::format("{}m{}s", s / 60, seconds);
  return fmt::format("{}h{}m{}s", s / 3600, s / 60 % 60, seconds);
}

}  // namespace ratebatch::sandbox
