// What a reply means, and of the kinds of answers the chat, which most of them are.
#include "provider/openai_reply.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "provider/openai.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/json/writer.hpp"

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
  json::Array parts;
  if (!content || content->get(parts) != simdjson::SUCCESS) return text;
  for (const json::Value part : parts) text += json::text_of(json::find_member(part, "text"));
  return text;
}

// Ends that no model comes to by itself: of OpenRouter, vLLM and DeepSeek, in this order.
bool is_broken_off(std::string_view finish_reason) {
  return finish_reason == "error" || finish_reason == "abort" ||
         finish_reason == "insufficient_system_resource";
}

// Whether a list of content has a part that is neither text nor a thought.
bool has_other_part(std::optional<json::Value> content) {
  json::Array parts;
  if (!content || content->get(parts) != simdjson::SUCCESS) return false;
  return std::any_of(parts.begin(), parts.end(), [](json::Value part) {
    const std::string_view type = json::text_of(json::find_member(part, "type"));
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
  const std::string_view refusal = json::text_of(json::find_member(message, "refusal"));
  if (!refusal.empty()) return failed(OutcomeClass::content_policy, refusal);
  if (finish_reason == "content_filter") {
    return failed(OutcomeClass::content_policy, "the answer was withheld by a content filter");
  }
  const auto calls = json::find_member(message, "tool_calls");
  if (calls && json::holds_something(*calls)) {
    return failed(OutcomeClass::invalid_request,
                  "the answer is a tool call, not a text: give the whole request as body to keep "
                  "it");
  }
  return failed(OutcomeClass::bad_reply, "the answer is empty");
}

Outcome read_content(json::Value value, const Reply& reply, const AskedFor& asked) {
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

Outcome read_json_reply(const Reply& reply, const AskedFor& asked) {
  json::Parser parser;
  const auto value = parser.parse_lenient(reply.http.body);
  if (!value || !(value->is_object() || value->is_array())) {
    return unreadable_body(reply.http.body);
  }
  // Some put an error into an array.
  const json::Value body = json::first_element(value).value_or(*value);
  Outcome outcome;
  if (json::find_member(body, "error")) {
    outcome = read_error_in(body, reply);
  } else if (!json::has_members(*value)) {
    outcome = unreadable("the reply is no JSON object with content");
  } else {
    outcome = read_content(*value, reply, asked);
  }
  if (outcome.answer && asked.raw_body)
    outcome.answer->body_json = json::on_one_line(reply.http.body);
  add_usage(body, outcome.usage);
  return outcome;
}

}  // namespace

// Errors are rare, and read where all of them are.
Outcome read_error_in(json::Value value, const Reply& reply) {
  const auto read = json::parse_lenient(json::written(value));
  return read_error_in_success(reply.http, reply.headers, read ? error_words(*read) : ErrorWords{});
}

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
  answer.finish_reason = json::text_of(json::find_member(*choice, "finish_reason"));
  if (is_broken_off(answer.finish_reason)) {
    return failed(OutcomeClass::bad_reply,
                  "the answer broke off with finish_reason " + answer.finish_reason);
  }
  const auto message = json::find_member(*choice, "message");
  answer.text = content_text(json::find_member(message, "content"));
  answer.truncated = answer.finish_reason == "length";
  const bool is_refused = answer.finish_reason == "content_filter" ||
                          !json::text_of(json::find_member(message, "refusal")).empty();
  const bool is_kept = raw_body && !is_refused && has_more_than_text(message);
  if (trimmed(answer.text).empty() && !is_kept) {
    return read_empty_choice(message, answer.finish_reason);
  }
  return answered(std::move(answer));
}

Outcome OpenAiDialect::read(const HttpReply& reply, const Endpoint& /*endpoint*/,
                            const AskedFor& asked) const {
  return read_framed(reply, [&](const Reply& success) {
    if (asked.kind == ModelKind::speech) return read_speech(success);
    if (asked.kind == ModelKind::transcription) return read_transcription(success);
    return read_json_reply(success, asked);
  });
}

}  // namespace ratebatch::provider
