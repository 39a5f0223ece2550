#include "provider/http_date.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <vector>

namespace ratebatch {
namespace {

constexpr std::array<std::string_view, 12> month_names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::vector<std::string_view> words_of(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> words;
  for (std::size_t at = text.find_first_not_of(separators); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(separators, at), text.size());
    words.push_back(text.substr(at, end - at));
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

std::optional<unsigned> month_in(std::string_view word) {
  for (unsigned i = 0; i < month_names.size(); ++i) {
    if (month_names[i] == word) return i + 1;
  }
  return std::nullopt;
}

std::optional<std::chrono::seconds> time_of_day(std::string_view word) {
  const std::vector<std::string_view> parts = words_of(word, ":");
  if (parts.size() != 3) return std::nullopt;
  const auto hour = number_in(parts[0]);
  const auto minute = number_in(parts[1]);
  const auto second = number_in(parts[2]);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  return std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
}

// RFC 9110: a year of two digits that seems far in the future is of the past century. Without a
// clock the usual turning point has to do.
int full_year(std::string_view word, int year) {
  if (word.size() != 2) return year;
  return year < 70 ? 2000 + year : 1900 + year;
}

std::optional<WallTime> wall_time(std::string_view year_word, std::string_view month_word,
                                  std::string_view day_word, std::string_view time_word) {
  const auto year = number_in(year_word);
  const auto month = month_in(month_word);
  const auto day = number_in(day_word);
  const auto time = time_of_day(time_word);
  if (!year || !month || !day || !time || year_word.size() > 4) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{full_year(year_word, *year)},
                                         std::chrono::month{*month},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  // What nanoseconds since 1970 can hold in 64 bits, with room.
  if (!date.ok() || date.year() > std::chrono::year{2200}) return std::nullopt;
  if (date.year() < std::chrono::year{1970}) return std::nullopt;
  const std::chrono::seconds since_1970 = std::chrono::sys_days{date}.time_since_epoch() + *time;
  return WallTime{} + Duration{since_1970};
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text) {
  const std::vector<std::string_view> words = words_of(text, " ,-");
  if (words.size() == 6 && words[5] == "GMT") {
    return wall_time(words[3], words[2], words[1], words[4]);
  }
  if (words.size() == 5) return wall_time(words[4], words[1], words[2], words[3]);
  return std::nullopt;
}

}  // namespace ratebatch
