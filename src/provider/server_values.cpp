#include "provider/server_values.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - from;
}

// The number that `text` begins with, as far as it is one: "1.146" of "1.146s." and "2" of "2.".
std::string_view leading_number(std::string_view text) {
  std::size_t end = digits_at(text, 0);
  if (end > 0 && end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) {
    end += 1 + digits_at(text, end + 1);
  }
  return text.substr(0, end);
}

// A duration as Go writes it, at the start of a text in lower case: "6m0s", "20ms", "1.5s". Written
// as parse_duration knows it; empty if there is none.
std::string leading_go_duration(std::string_view text) {
  std::string duration;
  while (!text.empty()) {
    const std::string_view number = leading_number(text);
    std::string_view rest = text.substr(number.size());
    std::string_view unit;
    // The micro sign has two code points.
    for (const std::string_view candidate :
         {"\xC2\xB5s", "\xCE\xBCs", "us", "ns", "ms", "s", "m", "h", "d"}) {
      if (unit.empty() && rest.starts_with(candidate)) {
        unit = candidate.size() == 3 ? "us" : candidate;
        rest.remove_prefix(candidate.size());
      }
    }
    if (number.empty() || unit.empty()) return duration;
    duration.append(number).append(unit);
    text = rest;
  }
  return duration;
}

// The beginnings of words, and their units as parse_duration knows them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> word_units = {
    {{"millisecond", "ms"}, {"sec", "s"}, {"min", "m"}, {"hour", "h"}, {"day", "d"}, {"ms", "ms"}}};

// nullopt for zero, for what is no duration, and for centuries, which are no wait but a broken
// header: our own backoff knows better.
std::optional<Duration> positive(std::string_view text) {
  const Result<Duration> parsed = parse_duration(text);
  return parsed && *parsed > Duration::zero() ? std::optional(*parsed) : std::nullopt;
}

// The wait that `text`, in lower case, begins with.
std::optional<Duration> leading_wait(std::string_view text) {
  const std::string_view number = leading_number(text);
  if (number.empty()) return std::nullopt;
  const std::string_view rest = text.substr(number.size());
  const std::string_view word = trimmed(rest.substr(0, 16));
  if (rest.starts_with(" ") || rest.starts_with("sec") || rest.starts_with("min")) {
    for (const auto& [start, unit] : word_units) {
      if (word.starts_with(start)) return positive(std::string(number).append(unit));
    }
  }
  const std::string go = leading_go_duration(text);
  return go.empty() ? std::nullopt : positive(go);
}

std::optional<Duration> until(std::optional<WallTime> at, std::optional<WallTime> now) {
  return at && now && *at > *now ? std::optional(*at - *now) : std::nullopt;
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
  return until(parse_http_date(after), parse_http_date(reply.header("date")));
}

constexpr std::int64_t epoch_ms_min = 1'000'000'000'000;  // 2001 in milliseconds.
constexpr std::int64_t epoch_s_min = 1'000'000'000;       // 2001 in seconds.
// 2200: later instants do not fit 64 bits of nanoseconds for long.
constexpr std::int64_t epoch_ms_max = 7'258'118'400'000;

std::optional<Duration> number_until_reset(std::string_view number,
                                           std::optional<WallTime> server_time) {
  const std::optional<std::int64_t> whole = leading_count(number);
  if (!whole) return std::nullopt;
  if (*whole < epoch_s_min) return positive(number);
  const std::int64_t ms = *whole >= epoch_ms_min ? *whole : *whole * 1000;
  if (ms > epoch_ms_max) return std::nullopt;
  return until(wall_from_ms(ms), server_time);
}

// As until_reset, but as far away as it likes.
std::optional<Duration> until_any_reset(std::string_view value,
                                        std::optional<WallTime> server_time) {
  if (value.empty() || !is_digit(value.front())) return std::nullopt;
  if (leading_number(value).size() == value.size()) return number_until_reset(value, server_time);
  if (value.find_first_of("Tt:") != std::string_view::npos) {
    return until(parse_rfc3339(value), server_time);
  }
  const bool has_micro_sign = value.find_first_of("\xC2\xCE") != std::string_view::npos;
  return positive(has_micro_sign ? leading_go_duration(value) : std::string(value));
}

}  // namespace

std::optional<std::int64_t> leading_count(std::string_view text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  std::int64_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool is_comma = text[at] == ',' && digits_at(text, at + 1) == 3;
    if (is_comma) continue;
    if (!is_digit(text[at])) break;
    count = count * 10 + (text[at] - '0');
    if (count > count_max) return std::nullopt;
  }
  return count;
}

std::optional<std::int64_t> header_count(std::string_view value) {
  const std::size_t end = value.find_first_of(",;");
  // A list, or thousands: nobody knows.
  const bool is_list = end != std::string_view::npos && value[end] == ',';
  if (is_list && end + 1 < value.size() && is_digit(value[end + 1])) return std::nullopt;
  const std::string_view first = trimmed(value.substr(0, end));
  if (leading_number(first).size() != first.size()) return std::nullopt;
  return leading_count(first);
}

std::optional<Duration> wait_hint(const HttpReply& reply, std::string_view message) {
  const std::optional<Duration> in_headers = wait_in_headers(reply);
  const std::optional<Duration> in_message = wait_in_message(message);
  const std::optional<Duration> longer = std::max(in_headers, in_message);
  return longer ? std::min(*longer, wait_hint_max) : longer;
}

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

std::optional<Duration> until_reset(std::string_view value, std::optional<WallTime> server_time) {
  const std::optional<Duration> wait = until_any_reset(trimmed(value), server_time);
  return wait <= reset_max ? wait : std::nullopt;
}

}  // namespace ratebatch::provider
