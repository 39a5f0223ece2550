#include "provider/http_date.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "provider/number_text.hpp"

namespace ratebatch::provider {
namespace {

constexpr std::array<std::string_view, 12> month_names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// The words of a date; `count` is above their number where there are too many.
struct Words {
  std::array<std::string_view, 6> word;
  std::size_t count = 0;
};

Words words_of(std::string_view text, std::string_view separators) {
  Words words;
  for (std::size_t at = text.find_first_not_of(separators); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    if (words.count == words.word.size()) return {.word = {}, .count = words.count + 1};
    words.word[words.count] = text.substr(at, end - at);
    ++words.count;
    at = text.find_first_not_of(separators, end);
  }
  return words;
}

std::optional<int> number_in(std::string_view word) {
  int number = 0;
  const char* end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end || number < 0) return std::nullopt;
  return number;
}

std::optional<int> month_in(std::string_view word) {
  const auto found = std::find(month_names.begin(), month_names.end(), word);
  if (found == month_names.end()) return std::nullopt;
  return static_cast<int>(found - month_names.begin()) + 1;
}

std::optional<std::chrono::seconds> time_of_day(std::string_view text) {
  const Words parts = words_of(text, ":");
  if (parts.count != 3) return std::nullopt;
  const auto hour = number_in(parts.word[0]);
  const auto minute = number_in(parts.word[1]);
  const auto second = number_in(parts.word[2]);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  return std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

// RFC 9110: a year of two digits that seems far in the future is of the past century. Without a
// clock the usual turning point has to do.
std::optional<int> year_in(std::string_view word) {
  const std::optional<int> year = number_in(word);
  if (!year || word.size() > 4) return std::nullopt;
  if (word.size() != 2) return year;
  return *year < 70 ? 2000 + *year : 1900 + *year;
}

std::optional<WallTime> wall_time(std::optional<int> year, std::optional<int> month,
                                  std::optional<int> day,
                                  std::optional<std::chrono::seconds> time) {
  if (!year || !month || !day || !time) return std::nullopt;
  if (*month > 12 || *day > 31) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  // What nanoseconds since 1970 can hold in 64 bits, with room.
  if (!date.ok() || date.year() > std::chrono::year{2200}) return std::nullopt;
  if (date.year() < std::chrono::year{1970}) return std::nullopt;
  const std::chrono::seconds since_1970 = std::chrono::sys_days{date}.time_since_epoch() + *time;
  return WallTime{} + Duration{since_1970};
}

// The difference to UTC that a time ends with: "Z", "+02:00".
std::optional<Duration> zone_offset(std::string_view text) {
  if (text == "Z" || text == "z") return Duration{};
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = number_in(text.substr(1, 2));
  const auto minutes = number_in(text.substr(4, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const Duration offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  return text[0] == '-' ? -offset : offset;
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text) {
  const Words words = words_of(text, " ,-");
  const auto& word = words.word;
  if (words.count == 6 && word[5] == "GMT") {
    return wall_time(year_in(word[3]), month_in(word[2]), number_in(word[1]), time_of_day(word[4]));
  }
  if (words.count != 5) return std::nullopt;
  return wall_time(year_in(word[4]), month_in(word[1]), number_in(word[2]), time_of_day(word[3]));
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  constexpr std::size_t seconds_end = 19;
  if (text.size() <= seconds_end || text[4] != '-' || text[7] != '-') return std::nullopt;
  if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return std::nullopt;
  const auto seconds = wall_time(number_in(text.substr(0, 4)), number_in(text.substr(5, 2)),
                                 number_in(text.substr(8, 2)), time_of_day(text.substr(11, 8)));
  std::string_view rest = text.substr(seconds_end);
  Duration fraction{};
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    Duration place = std::chrono::seconds{1};
    if (rest.empty() || !is_digit(rest.front())) return std::nullopt;
    for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1)) {
      place /= 10;
      fraction += place * (rest.front() - '0');
    }
  }
  const std::optional<Duration> offset = zone_offset(rest);
  if (!seconds || !offset) return std::nullopt;
  return *seconds + fraction - *offset;
}

}  // namespace ratebatch::provider
