// When a long window begins anew: "rolling", "00:00 America/Los_Angeles", "day 15 00:00 UTC".
#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "input/config_parts.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

constexpr std::string_view reset_expected =
    R"(expected rolling, "00:00 America/Los_Angeles" or "day 15 00:00 UTC")";

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

// A whole number of one or two digits up to `max`; -1 where it is none.
std::int32_t small_number(std::string_view text, std::int32_t max) {
  std::int32_t number = -1;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = code == std::errc{} && end == text.data() + text.size() && text.size() <= 2;
  return whole && number >= 0 && number <= max ? number : -1;
}

// "00:00" to "23:59".
std::optional<Duration> time_of_day(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() - colon != 3) return std::nullopt;
  const std::int32_t hour = small_number(text.substr(0, colon), 23);
  const std::int32_t minute = small_number(text.substr(colon + 1), 59);
  if (hour < 0 || minute < 0) return std::nullopt;
  return std::chrono::hours{hour} + std::chrono::minutes{minute};
}

}  // namespace

void read_reset(const ConfigNode& node, std::optional<Reset>& out) {
  const auto wrong = [&] {
    node.complain(fmt::format("{}, found '{}'{}", reset_expected, escaped(node.yaml.text, 60),
                              node.yaml.text.find(' ') == std::string::npos
                                  ? did_you_mean(node.yaml.text, {"rolling"})
                                  : ""));
  };
  std::vector<std::string_view> words = words_of(node.yaml.text);
  if (words.empty()) return wrong();
  Reset reset;
  if (words.size() == 1 && words[0] == "rolling") {
    out = reset;
    return;
  }
  reset.kind = Reset::Kind::daily;
  if (words[0] == "day" && words.size() > 1) {
    reset.kind = Reset::Kind::monthly;
    reset.day_of_month = small_number(words[1], 31);
    if (reset.day_of_month < 1) return wrong();
    words.erase(words.begin(), words.begin() + 2);
  }
  const auto time = words.empty() ? std::nullopt : time_of_day(words[0]);
  if (!time || words.size() > 2) return wrong();
  if (words.size() == 1) {
    return node.complain(fmt::format("a time zone is missing; {}", reset_expected));
  }
  auto zone = TimeZone::find(words[1]);
  if (!zone) return node.complain(zone.error().message);
  reset.time_of_day = *time;
  reset.zone = *zone;
  out = reset;
}

}  // namespace ratebatch::input
