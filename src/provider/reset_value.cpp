#include "provider/reset_value.hpp"

#include <cstdint>

#include "provider/http_date.hpp"
#include "provider/number_text.hpp"
#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

constexpr std::int64_t epoch_ms_min = 1'000'000'000'000;  // 2001 in milliseconds.
constexpr std::int64_t epoch_s_min = 1'000'000'000;       // 2001 in seconds.
// 2200: later instants do not fit 64 bits of nanoseconds for long.
constexpr std::int64_t epoch_ms_max = 7'258'118'400'000;

std::optional<Duration> sensible(Duration d) {
  if (d <= Duration::zero() || d > reset_max) return std::nullopt;
  return d;
}

std::optional<Duration> until(std::optional<WallTime> at, std::optional<WallTime> server_time) {
  if (!at || !server_time) return std::nullopt;
  return sensible(*at - *server_time);
}

std::optional<Duration> length(std::string_view text) {
  const Result<Duration> parsed = parse_duration(text);
  return parsed ? sensible(*parsed) : std::nullopt;
}

std::optional<Duration> number_until_reset(std::string_view number,
                                           std::optional<WallTime> server_time) {
  const std::optional<std::int64_t> whole = leading_count(number);
  if (!whole) return std::nullopt;
  if (*whole < epoch_s_min) return length(number);
  const std::int64_t ms = *whole >= epoch_ms_min ? *whole : *whole * 1000;
  if (ms > epoch_ms_max) return std::nullopt;
  return until(wall_from_ms(ms), server_time);
}

}  // namespace

std::optional<Duration> until_reset(std::string_view value, std::optional<WallTime> server_time) {
  value = trimmed(value);
  if (value.empty() || !is_digit(value.front())) return std::nullopt;
  if (leading_number(value).size() == value.size()) return number_until_reset(value, server_time);
  if (value.find_first_of("Tt:") != std::string_view::npos) {
    return until(parse_rfc3339(value), server_time);
  }
  if (value.find_first_of("\xC2\xCE") != std::string_view::npos) {
    return length(leading_go_duration(value));  // With a micro sign.
  }
  return length(value);
}

}  // namespace ratebatch::provider
