#include "ratebatch/provider/accept.hpp"

#include <algorithm>
#include <string_view>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

// Foreign words in a message: enough to recognise them.
constexpr std::size_t shown_bytes_max = 80;

std::string shown(std::string_view text) { return "'" + escaped(text, shown_bytes_max) + "'"; }

bool is_text_answer(const Answer& answer) {
  const bool has_files = !answer.assets.empty() || !answer.links.empty() || !answer.files.empty();
  // A body without a text is a result that is none.
  return !has_files && (!answer.text.empty() || answer.body_json.empty());
}

std::optional<std::string> why_reason_refused(const AcceptRules& rules, const Answer& answer) {
  const auto& accepted = rules.finish_reasons;
  const bool is_accepted = std::ranges::find(accepted, answer.finish_reason) != accepted.end();
  if (accepted.empty() || answer.finish_reason.empty() || is_accepted) return std::nullopt;
  std::string names;
  for (const std::string& name : accepted) names += (names.empty() ? "" : ", ") + escaped(name);
  return "finish_reason is " + shown(answer.finish_reason) + ", and accept.finish_reason is " +
         names;
}

std::optional<std::string> why_length_refused(const AcceptRules& rules, std::string_view text) {
  const std::int64_t characters = code_points(text);
  const std::string has =
      "the text has " + counted(characters, "character", "characters") + ", and accept.";
  if (characters < rules.chars_min) return has + "min_chars is " + grouped(rules.chars_min);
  if (rules.chars_max && characters > *rules.chars_max) {
    return has + "max_chars is " + grouped(*rules.chars_max);
  }
  return std::nullopt;
}

std::optional<std::string> why_words_refused(const AcceptRules& rules, std::string_view text) {
  for (const std::string& part : rules.contains) {
    if (text.find(part) != std::string_view::npos) continue;
    return "the text is without " + shown(part) + ", which accept.contains names";
  }
  for (const std::string& part : rules.lacks) {
    if (text.find(part) == std::string_view::npos) continue;
    return "the text contains " + shown(part) + ", which accept.lacks names";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> why_not_accepted(const AcceptRules& rules, const Answer& answer) {
  if (auto why = why_reason_refused(rules, answer)) return why;
  if (!is_text_answer(answer)) return std::nullopt;
  if (auto why = why_length_refused(rules, trimmed(answer.text))) return why;
  if (auto why = why_words_refused(rules, answer.text)) return why;
  if (rules.json && !json::parse_lenient(answer.text)) {
    return "the text is not one JSON value, as accept.json wants: it starts with " +
           shown(trimmed(answer.text).substr(0, shown_bytes_max));
  }
  return std::nullopt;
}

}  // namespace ratebatch::provider
