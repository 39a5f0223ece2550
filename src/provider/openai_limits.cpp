#include "provider/openai_limits.hpp"

#include <array>
#include <string>
#include <utility>

#include "provider/foreign_text.hpp"

namespace ratebatch {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

LimitedBy by_letter(char letter) {
  if (letter == 'r') return LimitedBy::requests;
  if (letter == 't') return LimitedBy::tokens;
  return letter == 'i' ? LimitedBy::images : LimitedBy::unspecified;
}

// The short name in brackets, "(TPM)" or "(RPD)", of a message in lower case.
void read_short_name(std::string_view lower, LimitWords& words) {
  for (std::size_t at = lower.find('('); at != std::string_view::npos;
       at = lower.find('(', at + 1)) {
    const std::string_view name = lower.substr(at, 5);
    if (name.size() < 5 || name[2] != 'p' || name[4] != ')') continue;
    const LimitedBy limited = by_letter(name[1]);
    if (limited == LimitedBy::unspecified || (name[3] != 'm' && name[3] != 'd')) continue;
    words.limited = limited;
    words.per_day = name[3] == 'd';
    return;
  }
}

}  // namespace

LimitWords limit_in_words(std::string_view type, std::string_view code, std::string_view message) {
  constexpr std::array<std::pair<std::string_view, LimitedBy>, 3> names = {
      {{"requests", LimitedBy::requests},
       {"tokens", LimitedBy::tokens},
       {"images", LimitedBy::images}}};
  const std::string lower = in_lower_case(without_blanks(message));
  LimitWords words;
  words.never_fits = lower.starts_with("request too large for");
  read_short_name(lower, words);
  words.per_day = words.per_day || contains(lower, " per day");
  for (const auto& [name, limited] : names) {
    const bool is_named = type == name || contains(lower, std::string(name) + " per ");
    if (is_named && words.limited == LimitedBy::unspecified) words.limited = limited;
  }
  if (contains(code, "concurren") || contains(type, "concurren") || contains(lower, "concurren")) {
    words.limited = LimitedBy::concurrency;
    words.per_day = false;
  }
  words.is_overload = words.limited == LimitedBy::unspecified && contains(lower, "overloaded");
  return words;
}

}  // namespace ratebatch
