#include "provider/limit_words.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "provider/server_values.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::provider {
namespace {

std::string_view without_plural(std::string_view word) {
  if (word.ends_with('s')) word.remove_suffix(1);
  return word;
}

bool separates_words(char c) { return c == ' ' || c == '-'; }

// The letters that `text` begins with.
std::string_view first_word(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && is_lower(text[end])) ++end;
  return text.substr(0, end);
}

// Takes the last word off `text`, and the blanks around it.
template <typename Predicate>
std::string_view take_last(std::string_view& text, Predicate is_part) {
  while (!text.empty() && separates_words(text.back())) text.remove_suffix(1);
  std::size_t start = text.size();
  while (start > 0 && is_part(text[start - 1])) --start;
  const std::string_view word = text.substr(start);
  text.remove_suffix(word.size());
  return word;
}

std::optional<Resource> resource_of_noun(std::string_view noun) {
  if (noun.starts_with("quer") || noun.starts_with("call")) return Resource::requests;
  return resource_named(noun);
}

// The noun that ends `before`, with what qualifies it and the number before it.
void read_noun(std::string_view before, NamedLimit& phrase) {
  phrase.resource = resource_of_noun(take_last(before, is_letter));
  if (!phrase.resource) return;
  std::string_view rest = before;
  const std::string_view adjective = take_last(rest, is_letter);
  const bool is_input = adjective == "input" || adjective == "prompt";
  const bool is_output = adjective == "output";
  if (phrase.resource == Resource::tokens && is_input) phrase.resource = Resource::input_tokens;
  if (phrase.resource == Resource::tokens && is_output) phrase.resource = Resource::output_tokens;
  if (is_input || is_output || adjective == "api") before = rest;
  const auto is_of_number = [](char c) { return is_digit(c) || c == ',' || c == '.'; };
  const std::string_view number = take_last(before, is_of_number);
  // Not the 4 of "gpt-4".
  if (before.empty() || before.ends_with(' ')) phrase.limit = leading_count(number);
}

// The first "per minute", "/ day" or the like, with the words around it.
NamedLimit first_phrase(std::string_view lower) {
  for (std::size_t at = 0; at < lower.size(); ++at) {
    const bool is_slash = lower[at] == '/';
    const bool is_per = lower.substr(at, 3) == "per" && (at == 0 || separates_words(lower[at - 1]));
    if (!is_slash && !is_per) continue;
    std::string_view after = lower.substr(at + (is_slash ? 1 : 3));
    while (!after.empty() && separates_words(after.front())) after.remove_prefix(1);
    const std::string_view unit = first_word(after);
    NamedLimit phrase{
        .resource = std::nullopt, .window = window_named(unit), .limit = std::nullopt};
    if (!phrase.window) continue;
    read_noun(lower.substr(0, at), phrase);
    // A slash may be of an address.
    if (is_slash && !phrase.resource) continue;
    after.remove_prefix(unit.size());
    if (!phrase.resource && after.starts_with(' ')) {  // "per minute request limit".
      phrase.resource = resource_of_noun(first_word(after.substr(1)));
    }
    return phrase;
  }
  return {};
}

// "tpm", "rpd", "itpm". Groq's audio seconds ("ash", "aspd") are no resource of ours, but have a
// window.
NamedLimit short_name(std::string_view name) {
  if (const auto* known = find_limit_name(name)) {
    return {known->resource, known->window, std::nullopt};
  }
  const bool is_audio =
      (name.size() == 3 && name.starts_with("as")) || (name.size() == 4 && name.starts_with("asp"));
  const auto* same_window = is_audio ? find_limit_name(std::string("rp") + name.back()) : nullptr;
  if (same_window == nullptr) return {};
  return {std::nullopt, same_window->window, std::nullopt};
}

// The first short name in brackets.
NamedLimit first_short_name(std::string_view lower) {
  for (std::size_t at = lower.find('('); at != std::string_view::npos;
       at = lower.find('(', at + 1)) {
    const std::string_view name = first_word(lower.substr(at + 1));
    if (!lower.substr(at + 1 + name.size()).starts_with(')')) continue;
    if (const NamedLimit phrase = short_name(name); phrase.window) return phrase;
  }
  return {};
}

// The number behind the first `word` from `from` on that has one: "limit 3", "limit: 3",
// "limit is 3", "limit of 3", "limited to 3". Sets `from` behind the word.
std::optional<std::int64_t> number_behind(std::string_view lower, std::string_view word,
                                          std::size_t& from) {
  for (std::size_t at = lower.find(word, from); at != std::string_view::npos;
       at = lower.find(word, at + 1)) {
    std::string_view rest = lower.substr(at + word.size());
    for (const std::string_view filler : {":", "ed to", " is", " of"}) {
      if (rest.starts_with(filler)) rest.remove_prefix(filler.size());
    }
    if (!rest.starts_with(' ')) continue;
    if (const auto number = leading_count(rest.substr(1))) {
      from = at + word.size();
      return number;
    }
  }
  return std::nullopt;
}

void read_numbers(std::string_view lower, LimitWords& words) {
  std::size_t at = 0;
  const std::optional<std::int64_t> limit = number_behind(lower, "limit", at);
  if (!limit) return;
  words.limit = limit;
  const std::size_t behind_limit = at;
  words.used = number_behind(lower, "used", at);
  at = behind_limit;
  words.requested = number_behind(lower, "requested", at);
  at = behind_limit;
  // The older form counts this request in: more than the limit was not used before it.
  const std::optional<std::int64_t> current = number_behind(lower, "current", at);
  if (current && !words.used) words.used = std::min(*current, *limit);
}

// Where no window is named.
std::optional<Resource> resource_in(std::string_view type, std::string_view code,
                                    std::string_view lower) {
  if (const auto resource = resource_named(type)) return resource;
  // Together by its type or code; Azure, Mistral and Cohere in their words.
  constexpr std::array<std::pair<std::string_view, Resource>, 6> signs = {
      {{"dynamic_request_limited", Resource::requests},
       {"dynamic_token_limited", Resource::tokens},
       {"token rate limit", Resource::tokens},
       {"call rate limit", Resource::requests},
       {"request rate limit", Resource::requests},
       {"requests rate limit", Resource::requests}}};
  for (const auto& [sign, resource] : signs) {
    if (type == sign || code == sign || contains(lower, sign)) return resource;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Resource> resource_named(std::string_view word) {
  const std::string_view one = without_plural(word);
  if (one == "request" || one == "req") return Resource::requests;
  if (one == "token") return Resource::tokens;
  if (one == "image") return Resource::images;
  return one == "character" ? std::optional(Resource::characters) : std::nullopt;
}

std::optional<Duration> window_named(std::string_view word) {
  const std::string_view one = without_plural(word);
  if (one == "second" || one == "sec") return std::chrono::seconds{1};
  if (one == "minute" || one == "min") return std::chrono::minutes{1};
  if (one == "hour") return std::chrono::hours{1};
  if (one == "day") return std::chrono::hours{24};
  if (one == "week") return std::chrono::days{7};
  return one == "month" ? std::optional(month_window) : std::nullopt;
}

LimitWords limit_in_words(std::string_view type, std::string_view code, std::string_view message) {
  const std::string lower = lower_case(trimmed(message));
  LimitWords words;
  words.never_fits = lower.starts_with("request too large for");
  words.is_trial = contains(lower, "trial key");
  if (contains(code, "concurren") || contains(type, "concurren") || contains(lower, "concurren")) {
    words.is_concurrency = true;
    return words;
  }
  NamedLimit& named = words;
  named = first_short_name(lower);
  const bool has_short_name = words.window.has_value();
  if (!has_short_name) named = first_phrase(lower);
  // What a short name leaves open is no resource of ours.
  if (!words.resource && !has_short_name) words.resource = resource_in(type, code, lower);
  read_numbers(lower, words);
  if (words.limit && *words.limit < 1) words.limit.reset();
  words.is_overload = !words.resource && !words.window && contains(lower, "overloaded");
  return words;
}

}  // namespace ratebatch::provider
