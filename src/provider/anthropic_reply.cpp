// What a reply means.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "provider/anthropic.hpp"
#include "provider/openai_reply.hpp"
#include "provider/reply_frame.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/json/reader.hpp"

namespace ratebatch::provider {
namespace {

Usage anthropic_usage(json::Value body) {
  const auto counts = json::find_member(body, "usage");
  const auto count = [&](std::string_view name) {
    return json::count_of(json::find_member(counts, name), usage_max);
  };
  // What counts against input tokens per minute (its rate limits page). Tokens read from the cache
  // do not, and are left out, so that the cost lacks them: they are billed at a tenth.
  Usage usage;
  usage.input_tokens = count("input_tokens") + count("cache_creation_input_tokens");
  usage.output_tokens = count("output_tokens");
  return usage;
}

struct AnthropicContent {
  std::string text;
  bool has_tool_use = false;
  bool has_more = false;  // Than text and thoughts: tools of any kind, and what they gave.
};

AnthropicContent content_of(json::Array blocks) {
  AnthropicContent content;
  for (const json::Value block : blocks) {
    const std::string_view type = json::text_of(json::find_member(block, "type"));
    if (type == "text") content.text += json::text_of(json::find_member(block, "text"));
    if (type == "tool_use") content.has_tool_use = true;
    if (type != "text" && type != "thinking" && type != "redacted_thinking") {
      content.has_more = true;
    }
  }
  return content;
}

// Why there is no text decides whether another try helps.
Outcome read_without_text(std::string_view stop_reason, bool has_tool_use) {
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded") {
    return cut_before_first_word();
  }
  if (has_tool_use) {
    return failed(OutcomeClass::invalid_request,
                  "the answer is a tool call, not a text: give the whole request as body to keep "
                  "it");
  }
  return failed(OutcomeClass::bad_reply, "the answer is empty");
}

Outcome read_message(json::Value body, bool raw_body) {
  const auto blocks = json::find_member(body, "content");
  json::Array array;
  if (!blocks || blocks->get(array) != simdjson::SUCCESS) {
    return unreadable("the reply has no content");
  }
  AnthropicContent content = content_of(array);
  Answer answer;
  answer.finish_reason = json::text_of(json::find_member(body, "stop_reason"));
  const std::string& reason = answer.finish_reason;
  if (reason == "refusal") {
    // What was written before the refusal is not to be used (its documentation).
    return failed(
        OutcomeClass::content_policy,
        "the model refused to answer" + (content.text.empty() ? "" : ", after: " + content.text));
  }
  // pause_turn: a long turn that another request would go on with. We do not.
  answer.truncated =
      reason == "max_tokens" || reason == "model_context_window_exceeded" || reason == "pause_turn";
  // Who gave the body can go on with a paused turn, whatever it holds.
  const bool is_paused = reason == "pause_turn" && array.size() > 0;
  const bool is_kept = raw_body && (content.has_more || is_paused);
  if (trimmed(content.text).empty() && !is_kept) {
    return read_without_text(reason, content.has_tool_use);
  }
  answer.text = std::move(content.text);
  return answered(std::move(answer));
}

Outcome read_body(const Reply& reply, bool raw_body) {
  json::Parser parser;
  const auto body = parser.parse_lenient(reply.http.body);
  if (!body || !body->is_object()) return unreadable_body(reply.http.body);
  Outcome outcome;
  if (json::find_member(*body, "error")) {
    outcome = read_error_in(*body, reply);
  } else {
    outcome = read_message(*body, raw_body);
  }
  outcome.usage = anthropic_usage(*body);
  if (outcome.answer && raw_body) outcome.answer->body_json = json::on_one_line(reply.http.body);
  return outcome;
}

}  // namespace

Outcome AnthropicDialect::read(const HttpReply& reply, const Endpoint& /*endpoint*/,
                               const AskedFor& asked) const {
  return read_framed(reply, [&](const Reply& read) { return read_body(read, asked.raw_body); });
}

}  // namespace ratebatch::provider
