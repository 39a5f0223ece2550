#include "ratebatch/base/time.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::inline base {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ns;
};

// Longest names first, so that "ms" is not read as "m".
constexpr std::array<Unit, 7> units = {{{"ns", 1},
                                        {"us", 1'000},
                                        {"ms", 1'000'000},
                                        {"s", 1'000'000'000},
                                        {"m", 60'000'000'000},
                                        {"h", 3'600'000'000'000},
                                        {"d", 86'400'000'000'000}}};

constexpr std::int64_t ns_max = 36'525LL * 86'400 * 1'000'000'000 / 10;

tl::unexpected<Error> not_a_duration(std::string_view text) {
  return fail(
      ErrorCode::invalid_input,
      fmt::format("'{}' is not a duration; expected for example 500ms, 30s, 1m30s, 24h", text));
}

// Reads digits and an optional fraction as a number of `unit_ns`-sized units. Integer arithmetic:
// the fraction keeps nine digits, enough for one nanosecond in a second.
std::optional<std::int64_t> scaled(std::string_view whole, std::string_view fraction,
                                   std::int64_t unit_ns) {
  const auto number = whole_number<std::int64_t>(whole);
  if (!number || *number > ns_max / unit_ns) return std::nullopt;
  std::int64_t total = *number * unit_ns;
  std::int64_t place = unit_ns;
  for (const char digit : fraction) {
    place /= 10;
    total += place * (digit - '0');
  }
  return total;
}

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t at = from;
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// Writes the last `width` digits of `value`, and returns the place behind them.
char* put_digits(char* to, std::int64_t value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return to + width;
}

// "2026-11-22T08:30:00": every result bears one, so it is written digit by digit.
std::string utc_seconds(std::chrono::sys_seconds at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{at - day};
  std::string text = "0000-00-00T00:00:00";
  char* at_digit = put_digits(text.data(), static_cast<int>(date.year()), 4) + 1;
  at_digit = put_digits(at_digit, static_cast<unsigned>(date.month()), 2) + 1;
  at_digit = put_digits(at_digit, static_cast<unsigned>(date.day()), 2) + 1;
  at_digit = put_digits(at_digit, time.hours().count(), 2) + 1;
  at_digit = put_digits(at_digit, time.minutes().count(), 2) + 1;
  put_digits(at_digit, time.seconds().count(), 2);
  return text;
}

// Whole milliseconds, rounded towards the past.
std::chrono::sys_time<std::chrono::milliseconds> utc_ms(WallTime at) {
  return std::chrono::sys_time<std::chrono::milliseconds>{
      std::chrono::floor<std::chrono::milliseconds>(std::chrono::nanoseconds{at.ns})};
}

// The numbers of a date, each under the letter that stands for its digits in a pattern.
using DateNumbers = std::array<int, 128>;

// Reads a date of this form: y, o, d, h, m and s are digits of the year, month, day, hour, minute
// and second, nnn is the name of a month, ? is any byte, and all else stands for itself.
bool matches(std::string_view text, std::string_view pattern, DateNumbers& read) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  read = {};
  if (text.size() != pattern.size()) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char form = pattern[at];
    int& number = read[static_cast<unsigned char>(form)];
    if (form == 'n') {
      const std::size_t month = months.find(text.substr(at, 3));
      if (month == std::string_view::npos || month % 3 != 0) return false;
      read['o'] = static_cast<int>(month / 3) + 1;
      at += 2;
    } else if (is_lower(form)) {
      if (!is_digit(text[at])) return false;
      number = number * 10 + (text[at] - '0');
    } else if (form != '?' && form != text[at]) {
      return false;
    }
  }
  return true;
}

// nullopt if there is no such date or time of day.
std::optional<WallTime> wall_time(const DateNumbers& read) {
  const std::chrono::year_month_day date{std::chrono::year{read['y']},
                                         std::chrono::month{static_cast<unsigned>(read['o'])},
                                         std::chrono::day{static_cast<unsigned>(read['d'])}};
  // What nanoseconds since 1970 can hold in 64 bits, with room.
  const bool fits = read['y'] >= 1970 && read['y'] <= 2200;
  const bool is_time = read['h'] <= 23 && read['m'] <= 59 && read['s'] <= 60;
  if (!fits || !date.ok() || !is_time) return std::nullopt;
  const std::chrono::seconds time = std::chrono::hours{read['h']} +
                                    std::chrono::minutes{read['m']} +
                                    std::chrono::seconds{read['s']};
  return WallTime{} + (std::chrono::sys_days{date}.time_since_epoch() + time);
}

// The difference to UTC that an instant ends with: "Z", "+02:00".
std::optional<Duration> utc_offset(std::string_view text) {
  DateNumbers read{};
  if (equal_ignoring_case(text, "Z")) return Duration{};
  if (!matches(text, "?hh:mm", read) || read['h'] > 23 || read['m'] > 59) return std::nullopt;
  const Duration offset = std::chrono::hours{read['h']} + std::chrono::minutes{read['m']};
  if (text.front() == '-') return -offset;
  return text.front() == '+' ? std::optional(offset) : std::nullopt;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  std::int64_t total = 0;
  std::size_t at = 0;
  if (text.empty()) return not_a_duration(text);
  while (at < text.size()) {
    const std::size_t whole_end = digits_at(text, at);
    const std::string_view whole = text.substr(at, whole_end - at);
    at = whole_end;
    std::string_view fraction;
    if (at < text.size() && text[at] == '.') {
      const std::size_t end = digits_at(text, at + 1);
      fraction = text.substr(at + 1, end - at - 1);
      if (fraction.empty()) return not_a_duration(text);
      at = end;
    }
    std::int64_t unit_ns = 0;
    if (at == text.size() && total == 0) unit_ns = 1'000'000'000;
    for (const Unit& unit : units) {
      if (unit_ns == 0 && text.substr(at, unit.name.size()) == unit.name) {
        unit_ns = unit.ns;
        at += unit.name.size();
      }
    }
    const auto part = unit_ns == 0 ? std::nullopt : scaled(whole, fraction, unit_ns);
    if (!part || *part > ns_max - total) return not_a_duration(text);
    total += *part;
  }
  return Duration{total};
}

std::string format_duration(Duration d) {
  if (d.count() < 0) return "-" + format_duration(-d);
  const std::int64_t ms = to_ms(d);
  const std::int64_t s = ms / 1000;
  const std::int64_t min = s / 60;
  const std::int64_t h = min / 60;
  if (ms < 1000) return fmt::format("{}ms", ms);
  if (s < 10)
    return ms % 1000 == 0 ? fmt::format("{}s", s) : fmt::format("{}.{}s", s, ms % 1000 / 100);
  if (min < 1) return fmt::format("{}s", s);
  if (h < 1) return s % 60 == 0 ? fmt::format("{}min", min) : fmt::format("{}min {}s", min, s % 60);
  if (h < 48) return min % 60 == 0 ? fmt::format("{}h", h) : fmt::format("{}h {}min", h, min % 60);
  return h % 24 == 0 ? fmt::format("{}d", h / 24) : fmt::format("{}d {}h", h / 24, h % 24);
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  const std::string_view date = trimmed(parted(text, ' ').after.value_or(""));
  DateNumbers read{};
  // Behind the day of the week: those of the RFC, and two that are seen beside them.
  for (const std::string_view form :
       {"dd nnn yyyy hh:mm:ss GMT", "dd-nnn-yy hh:mm:ss GMT", "nnn dd hh:mm:ss yyyy",
        "nnn  d hh:mm:ss yyyy", "d nnn yyyy hh:mm:ss GMT", "dd-nnn-yyyy hh:mm:ss GMT"}) {
    if (!matches(date, form, read)) continue;
    // RFC 9110: a year of two digits that seems far in the future is of the past century. Without
    // a clock the usual turning point has to do.
    if (read['y'] < 100) read['y'] += read['y'] < 70 ? 2000 : 1900;
    return wall_time(read);
  }
  return std::nullopt;
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  constexpr std::string_view form = "yyyy-oo-dd?hh:mm:ss";
  DateNumbers read{};
  if (!matches(text.substr(0, form.size()), form, read)) return std::nullopt;
  if (!contains("Tt ", text.substr(10, 1))) return std::nullopt;
  std::string_view rest = text.substr(form.size());
  Duration fraction{};
  if (rest.starts_with('.')) {
    const std::size_t end = digits_at(rest, 1);
    if (end == 1) return std::nullopt;
    Duration place = std::chrono::seconds{1};
    for (const char digit : rest.substr(1, end - 1)) fraction += (place /= 10) * (digit - '0');
    rest.remove_prefix(end);
  }
  const std::optional<WallTime> seconds = wall_time(read);
  const std::optional<Duration> offset = utc_offset(rest);
  if (!seconds || !offset) return std::nullopt;
  return *seconds + fraction - *offset;
}

std::string format_utc(WallTime at) {
  return utc_seconds(std::chrono::floor<std::chrono::seconds>(utc_ms(at))) + "Z";
}

std::string format_utc_ms(WallTime at) {
  const auto ms = utc_ms(at);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(ms);
  std::string text = utc_seconds(seconds) + ".000Z";
  put_digits(text.data() + text.size() - 4, (ms - seconds).count(), 3);
  return text;
}

}  // namespace ratebatch::inline base
