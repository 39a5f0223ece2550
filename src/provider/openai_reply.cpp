// What a reply means, and of the kinds of answers the chat, which most of them are.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "provider/apis.hpp"
#include "provider/openai_parts.hpp"
#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

// The count of the first of these names that has one: chat and images name the same differently.
std::int64_t count_in(std::optional<json::Value> counts, std::string_view name,
                      std::string_view other_name) {
  const std::int64_t count = json::count_of(json::find_member(counts, name), usage_max);
  return count != 0 ? count : json::count_of(json::find_member(counts, other_name), usage_max);
}

// A content is a text, or a list of parts of which some are text.
std::string content_text(std::optional<json::Value> content) {
  std::string text(json::text_of(content));
  for (const json::Value part : json::elements_of(content)) text += json::text_member(part, "text");
  return text;
}

// Ends that no model comes to by itself: of OpenRouter, vLLM and DeepSeek, in this order.
bool is_broken_off(std::string_view finish_reason) {
  return finish_reason == "error" || finish_reason == "abort" ||
         finish_reason == "insufficient_system_resource";
}

// Whether a list of content has a part that is neither text nor a thought.
bool has_other_part(std::optional<json::Value> content) {
  const json::Elements parts = json::elements_of(content);
  return std::any_of(parts.begin(), parts.end(), [](json::Value part) {
    const std::string_view type = json::text_member(part, "type");
    return !type.empty() && type != "text" && type != "thinking" && type != "refusal";
  });
}

// Whether a message has something beside its text and its thoughts: a call, sound, pictures. The
// names are those of OpenAI and, of pictures, of OpenRouter.
bool has_more_than_text(std::optional<json::Value> message) {
  for (const char* name : {"tool_calls", "function_call", "audio", "images"}) {
    const auto found = json::find_member(message, name);
    if (found && json::holds_something(*found)) return true;
  }
  return has_other_part(json::find_member(message, "content"));
}

// A choice without text: why there is none decides whether another try helps.
Outcome read_empty_choice(std::optional<json::Value> message, std::string_view finish_reason) {
  if (finish_reason == "length") return cut_before_first_word();
  const std::string_view refusal = json::text_member(message, "refusal");
  if (!refusal.empty()) return failed(OutcomeClass::content_policy, refusal);
  if (finish_reason == "content_filter") return withheld_by_filter();
  const auto calls = json::find_member(message, "tool_calls");
  const bool has_call = calls && json::holds_something(*calls);
  return has_call ? call_instead_of_text("tool call") : empty_answer();
}

Outcome read_content(json::Value value, const Reply& reply, const AskedFor& asked) {
  if (!json::has_members(value)) return unreadable("the reply is no JSON object with content");
  switch (asked.kind) {
    case ModelKind::chat:
      return read_chat(value, reply, asked.raw_body);
    case ModelKind::responses:
      return read_responses(value, asked.raw_body);
    case ModelKind::image:
      return read_images(value, reply, asked.raw_body);
    case ModelKind::embedding:
      return read_embeddings(value, reply);
    case ModelKind::speech:
    case ModelKind::transcription:
    case ModelKind::raw:
      break;
  }
  return answered({});  // To a path we know nothing of: its body is the result.
}

}  // namespace

void add_usage(json::Value value, Usage& usage) {
  const auto counts = json::find_member(value, "usage");
  usage.input_tokens = count_in(counts, "prompt_tokens", "input_tokens");
  usage.output_tokens = count_in(counts, "completion_tokens", "output_tokens");
}

Outcome read_chat(json::Value value, const Reply& reply, bool raw_body) {
  const auto choices = json::find_member(value, "choices");
  if (!choices || !choices->is_array()) return unreadable("the reply has no choices");
  const auto choice = json::first_element(choices);
  if (!choice) return failed(OutcomeClass::bad_reply, "the reply has no choices");
  // Gateways put an error here that struck after the answer had begun.
  if (json::find_member(*choice, "error")) return read_error_in(*choice, reply);
  Answer answer;
  answer.finish_reason = json::text_member(*choice, "finish_reason");
  if (is_broken_off(answer.finish_reason)) {
    return failed(OutcomeClass::bad_reply,
                  "the answer broke off with finish_reason " + answer.finish_reason);
  }
  const auto message = json::find_member(*choice, "message");
  answer.text = content_text(json::find_member(message, "content"));
  answer.truncated = answer.finish_reason == "length";
  const bool is_refused =
      answer.finish_reason == "content_filter" || !json::text_member(message, "refusal").empty();
  const bool is_kept = raw_body && !is_refused && has_more_than_text(message);
  if (trimmed(answer.text).empty() && !is_kept) {
    return read_empty_choice(message, answer.finish_reason);
  }
  return answered(std::move(answer));
}

Outcome read_openai(const HttpReply& reply, const Endpoint& /*endpoint*/, const AskedFor& asked) {
  return read_framed(reply, [&](const Reply& success) {
    if (asked.kind == ModelKind::speech) return read_speech(success);
    if (asked.kind == ModelKind::transcription) return read_transcription(success);
    return read_json_body(
        success, asked.raw_body,
        [&](json::Value value) { return read_content(value, success, asked); },
        [](json::Value body, Outcome& outcome) { add_usage(body, outcome.usage); });
  });
}

}  // namespace ratebatch::provider
