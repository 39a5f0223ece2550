#include "provider/wait_hint.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "provider/http_date.hpp"
#include "provider/number_text.hpp"
#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

struct WordUnit {
  std::string_view word;
  std::string_view unit;  // As parse_duration knows it.
};

// Longer words first, where one begins with another.
constexpr std::array<WordUnit, 8> word_units = {{{"millisecond", "ms"},
                                                 {"second", "s"},
                                                 {"sec", "s"},
                                                 {"minute", "m"},
                                                 {"min", "m"},
                                                 {"hour", "h"},
                                                 {"day", "d"},
                                                 {"ms", "ms"}}};

// Precondition: `text` has the form of a duration, so that only its size can be wrong with it.
std::optional<Duration> positive(std::string_view text) {
  const Result<Duration> parsed = parse_duration(text);
  // Centuries are no wait but a broken header: our own backoff knows better.
  if (!parsed) return std::nullopt;
  if (*parsed == Duration::zero()) return std::nullopt;
  return *parsed;
}

// The wait that `text`, in lower case, begins with.
std::optional<Duration> leading_wait(std::string_view text) {
  const std::string_view number = leading_number(text);
  if (number.empty()) return std::nullopt;
  const std::string_view rest = text.substr(number.size());
  const std::string_view word = trimmed(rest.substr(0, 16));
  if (rest.starts_with(" ") || rest.starts_with("sec") || rest.starts_with("min")) {
    for (const WordUnit& unit : word_units) {
      if (word.starts_with(unit.word)) return positive(std::string(number).append(unit.unit));
    }
  }
  const std::string go = leading_go_duration(text);
  return go.empty() ? std::nullopt : positive(go);
}

std::optional<Duration> wait_in_headers(const HttpReply& reply) {
  const std::string_view ms = trimmed(reply.header("retry-after-ms"));
  if (!ms.empty() && leading_number(ms).size() == ms.size()) {
    if (const std::optional<Duration> wait = positive(std::string(ms) + "ms")) return wait;
  }
  const std::string_view after = trimmed(reply.header("retry-after"));
  if (after.empty()) return std::nullopt;
  // Whole seconds by RFC 9110; decimals are seen.
  if (leading_number(after).size() == after.size()) return positive(std::string(after) + "s");
  const std::optional<WallTime> until = parse_http_date(after);
  const std::optional<WallTime> now = parse_http_date(reply.header("date"));
  if (!until || !now || *until <= *now) return std::nullopt;
  return *until - *now;
}

}  // namespace

std::optional<Duration> wait_in_message(std::string_view message) {
  const std::string lower = lower_case(message);
  for (const std::string_view phrase : {"try again in ", "retry after ", "retry in "}) {
    for (std::size_t at = lower.find(phrase); at != std::string::npos;
         at = lower.find(phrase, at + 1)) {
      const std::string_view rest = std::string_view(lower).substr(at + phrase.size());
      if (const std::optional<Duration> wait = leading_wait(rest)) return wait;
    }
  }
  return std::nullopt;
}

std::optional<Duration> wait_hint(const HttpReply& reply, std::string_view message) {
  const std::optional<Duration> in_headers = wait_in_headers(reply);
  const std::optional<Duration> in_message = wait_in_message(message);
  if (!in_headers && !in_message) return std::nullopt;
  const Duration longer =
      std::max(in_headers.value_or(Duration::zero()), in_message.value_or(Duration::zero()));
  return std::min(longer, wait_hint_max);
}

}  // namespace ratebatch::provider
