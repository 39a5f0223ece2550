// What a reply means.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "provider/apis.hpp"
#include "provider/asset_bytes.hpp"
#include "provider/reply_frame.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/json/reader.hpp"

namespace ratebatch::provider {
namespace {

// The API reference, FinishReason: of content_policy where what was asked, or the answer to it, is
// not allowed; a bad_reply where it went wrong, and may go better next time. What there is of an
// answer then is not to be used.
constexpr std::array<std::pair<std::string_view, OutcomeClass>, 13> failed_reasons = {{
    {"SAFETY", OutcomeClass::content_policy},
    {"RECITATION", OutcomeClass::content_policy},
    {"LANGUAGE", OutcomeClass::content_policy},
    {"BLOCKLIST", OutcomeClass::content_policy},
    {"SPII", OutcomeClass::content_policy},
    {"IMAGE_SAFETY", OutcomeClass::content_policy},
    {"PROHIBITED_CONTENT", OutcomeClass::content_policy},
    {"IMAGE_PROHIBITED_CONTENT", OutcomeClass::content_policy},
    {"IMAGE_RECITATION", OutcomeClass::content_policy},
    {"NO_IMAGE", OutcomeClass::bad_reply},
    {"IMAGE_OTHER", OutcomeClass::bad_reply},
    {"OTHER", OutcomeClass::bad_reply},
    {"MALFORMED_FUNCTION_CALL", OutcomeClass::bad_reply},
}};

// Some servers write names with capitals, some with underscores.
std::optional<json::Value> find_either(std::optional<json::Value> value, std::string_view name,
                                       std::string_view other_name) {
  const auto found = json::find_member(value, name);
  return found ? found : json::find_member(value, other_name);
}

struct GeminiContent {
  std::string text;
  std::int64_t files = 0;
  bool has_broken_data = false;
  bool has_function_call = false;
  bool has_more = false;  // Than text and thoughts: calls, files, code.
};

// Pictures go to `answer` where they are asked for; those of a raw body stay in it, unless the
// transport has put them into files.
GeminiContent content_of(std::optional<json::Value> candidate, const HttpReply& reply,
                         const AskedFor& asked, Answer& answer) {
  GeminiContent content;
  const auto parts = json::find_member(json::find_member(candidate, "content"), "parts");
  for (const json::Value part : json::elements_of(parts)) {
    if (json::as<bool>(json::find_member(part, "thought")) == true) continue;
    content.text += json::text_member(part, "text");
    if (json::has_members(part) && !json::find_member(part, "text")) content.has_more = true;
    if (find_either(part, "functionCall", "function_call")) content.has_function_call = true;
    const auto data = json::find_member(find_either(part, "inlineData", "inline_data"), "data");
    if (!data) continue;
    ++content.files;
    const bool is_taken = asked.kind == ModelKind::image && !asked.raw_body;
    if (is_taken && !add_asset(json::text_of(data), reply, answer)) content.has_broken_data = true;
  }
  return content;
}

std::string with_words(std::string_view what, std::string_view words) {
  words = trimmed(words);
  return std::string(what) + (words.empty() ? "" : ": ") + std::string(words);
}

// Why there is no candidate, or none of use.
Outcome read_no_candidate(json::Value body) {
  const auto feedback = find_either(body, "promptFeedback", "prompt_feedback");
  const std::string_view reason =
      json::text_of(find_either(feedback, "blockReason", "block_reason"));
  if (reason.empty()) {
    // Seen with nothing but the usage: the server's fault, and of its form.
    const bool is_of_form = find_either(body, "usageMetadata", "usage_metadata").has_value();
    constexpr std::string_view words = "the reply has no candidates";
    return is_of_form ? failed(OutcomeClass::bad_reply, words) : unreadable(words);
  }
  return failed(OutcomeClass::content_policy,
                with_words("the prompt was blocked (" + std::string(reason) + ")",
                           json::text_of(find_either(feedback, "blockReasonMessage",
                                                     "block_reason_message"))));
}

Outcome read_without_content(std::string_view reason, const GeminiContent& content, bool is_image) {
  if (reason == "MAX_TOKENS") return cut_before_first_word();
  if (is_image) {
    return failed(OutcomeClass::bad_reply, with_words("the answer has no image", content.text));
  }
  if (content.has_function_call) return call_instead_of_text("function call");
  if (content.files > 0) {
    return failed(OutcomeClass::invalid_request,
                  "the answer is a file, not a text: set kind: image for this model");
  }
  return failed(OutcomeClass::bad_reply, reason.empty()
                                             ? "the answer is empty"
                                             : "the answer is empty (" + std::string(reason) + ")");
}

Outcome read_candidate(const Reply& reply, json::Value body, const AskedFor& asked) {
  if (!json::has_members(body)) return unreadable("the reply is no JSON object with content");
  const auto candidate = json::first_element(json::find_member(body, "candidates"));
  if (!candidate) return read_no_candidate(body);
  const bool is_image = asked.kind == ModelKind::image;
  Answer answer;
  GeminiContent content = content_of(candidate, reply.http, asked, answer);
  answer.finish_reason = json::text_of(find_either(candidate, "finishReason", "finish_reason"));
  const std::string& reason = answer.finish_reason;
  for (const auto& [known, kind] : failed_reasons) {
    if (known != reason) continue;
    const std::string_view said =
        json::text_of(find_either(candidate, "finishMessage", "finish_message"));
    return failed(kind, with_words("the answer was stopped (" + reason + ")",
                                   said.empty() ? content.text : said));
  }
  if (content.has_broken_data) {
    return failed(OutcomeClass::bad_reply, "an image of the answer is not base64");
  }
  answer.truncated = reason == "MAX_TOKENS";
  const bool has_content = is_image ? content.files > 0 : !trimmed(content.text).empty();
  const bool is_kept = asked.raw_body && !is_image && content.has_more;
  if (!has_content && !is_kept) return read_without_content(reason, content, is_image);
  // What is said beside an image is no result of its own.
  if (!is_image) answer.text = std::move(content.text);
  if (asked.raw_body) add_reply_files(reply.http, answer);
  Outcome outcome = answered(std::move(answer));
  if (is_image) outcome.usage.images = content.files;
  return outcome;
}

void add_gemini_usage(json::Value body, Outcome& outcome) {
  const auto counts = find_either(body, "usageMetadata", "usage_metadata");
  const auto count = [&](std::string_view name, std::string_view other_name) {
    return json::count_of(find_either(counts, name, other_name), usage_max);
  };
  outcome.usage.input_tokens = count("promptTokenCount", "prompt_token_count") +
                               count("toolUsePromptTokenCount", "tool_use_prompt_token_count");
  outcome.usage.output_tokens = count("candidatesTokenCount", "candidates_token_count") +
                                count("thoughtsTokenCount", "thoughts_token_count");
  // No header names a request.
  outcome.request_id = as_message(json::text_of(find_either(body, "responseId", "response_id")));
}

}  // namespace

Outcome read_gemini(const HttpReply& reply, const Endpoint& /*endpoint*/, const AskedFor& asked) {
  return read_framed(reply, [&](const Reply& read) {
    return read_json_body(
        read, asked.raw_body,
        [&](json::Value value) {
          return read_candidate(read, json::first_element(value).value_or(value), asked);
        },
        add_gemini_usage);
  });
}

}  // namespace ratebatch::provider
