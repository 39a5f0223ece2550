// What a reply means.
#include <optional>
#include <string>
#include <utility>

#include "provider/asset_bytes.hpp"
#include "provider/foreign_json.hpp"
#include "provider/foreign_text.hpp"
#include "provider/openai.hpp"
#include "provider/openai_error.hpp"
#include "provider/refusal.hpp"
#include "provider/reply_json.hpp"

namespace ratebatch {
namespace {

constexpr std::size_t request_id_bytes_max = 256;  // Of ours: those seen have 36.

Outcome failed(OutcomeClass kind, std::string_view message) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.message = as_message(message);
  return outcome;
}

Outcome answered(Answer answer) {
  Outcome outcome;
  outcome.kind = OutcomeClass::done;
  outcome.answer = std::move(answer);
  return outcome;
}

// The count of the first of these names that has one: chat and images name the same differently.
std::int64_t count_in(std::optional<JsonValue> counts, std::string_view name,
                      std::string_view other_name) {
  const std::int64_t count = count_of(find_member(counts, name));
  return count != 0 ? count : count_of(find_member(counts, other_name));
}

Usage usage_in(JsonValue value) {
  Usage usage;
  const auto counts = find_member(value, "usage");
  usage.input_tokens = count_in(counts, "prompt_tokens", "input_tokens");
  usage.output_tokens = count_in(counts, "completion_tokens", "output_tokens");
  return usage;
}

// A content is a text, or a list of parts of which some are text.
std::string content_text(std::optional<JsonValue> content) {
  std::string text(text_of(content));
  JsonArray parts;
  if (!content || content->get(parts) != simdjson::SUCCESS) return text;
  for (const JsonValue part : parts) text += text_of(find_member(part, "text"));
  return text;
}

// A reply, and what its headers say.
struct Reply {
  const HttpReply& http;
  const HeaderFacts& headers;
};

// Errors are rare, and read where all of them are.
Outcome read_error_in(JsonValue value, const Reply& reply) {
  const auto read = read_json(written_json(value));
  return read_error_in_success(reply.http, reply.headers, read ? error_words(*read) : ErrorWords{});
}

// A choice without text: why there is none decides whether another try helps.
Outcome read_empty_choice(std::optional<JsonValue> message, std::string_view finish_reason) {
  if (finish_reason == "length") {
    return failed(OutcomeClass::invalid_request,
                  "the answer was cut before its first word: raise max_tokens (models that think "
                  "first spend them on that)");
  }
  const std::string_view refusal = text_of(find_member(message, "refusal"));
  if (!refusal.empty()) return failed(OutcomeClass::content_policy, refusal);
  if (finish_reason == "content_filter") {
    return failed(OutcomeClass::content_policy, "the answer was withheld by a content filter");
  }
  if (find_member(message, "tool_calls")) {
    return failed(OutcomeClass::invalid_request,
                  "the answer is a tool call, not a text: give the whole request as body to keep "
                  "it");
  }
  return failed(OutcomeClass::bad_reply, "the answer is empty");
}

Outcome read_chat(const Reply& reply, JsonValue value, bool raw_body) {
  const auto choice = first_element(find_member(value, "choices"));
  if (!choice) return failed(OutcomeClass::bad_reply, "the reply has no choices");
  // Gateways put an error here that struck after the answer had begun.
  if (find_member(*choice, "error")) return read_error_in(*choice, reply);
  Answer answer;
  answer.finish_reason = text_of(find_member(*choice, "finish_reason"));
  if (answer.finish_reason == "error") {
    return failed(OutcomeClass::bad_reply, "the answer broke off with finish_reason error");
  }
  const auto message = find_member(*choice, "message");
  answer.text = content_text(find_member(message, "content"));
  answer.truncated = answer.finish_reason == "length";
  const bool is_kept_as_tool_call = raw_body && find_member(message, "tool_calls").has_value();
  if (without_blanks(answer.text).empty() && !is_kept_as_tool_call) {
    return read_empty_choice(message, answer.finish_reason);
  }
  return answered(std::move(answer));
}

Outcome read_images(JsonValue value) {
  const auto data = find_member(value, "data");
  JsonArray items;
  if (!first_element(data) || data->get(items) != simdjson::SUCCESS) {
    return failed(OutcomeClass::bad_reply, "the reply has no images");
  }
  Answer answer;
  for (const JsonValue item : items) {
    const auto encoded = find_member(item, "b64_json");
    if (!encoded || !encoded->is_string()) {
      return failed(OutcomeClass::bad_reply,
                    find_member(item, "url")
                        ? "the reply holds a link instead of an image: ask for b64_json"
                        : "the reply holds an item without an image");
    }
    std::optional<std::string> bytes = decode_base64(text_of(encoded));
    if (!bytes || bytes->empty()) {
      return failed(OutcomeClass::bad_reply, "an image of the reply is not base64");
    }
    std::string extension = image_extension(*bytes);
    answer.assets.push_back({.bytes = std::move(*bytes), .extension = std::move(extension)});
  }
  const auto images = static_cast<std::int64_t>(answer.assets.size());
  Outcome outcome = answered(std::move(answer));
  outcome.usage.images = images;
  return outcome;
}

// An answer to a body we know nothing of: only what surely is a chat is looked into.
Outcome read_raw(const Reply& reply, JsonValue value) {
  Outcome outcome = find_member(value, "choices") ? read_chat(reply, value, true) : answered({});
  if (outcome.answer) outcome.answer->body_json = on_one_line(reply.http.body);
  return outcome;
}

Outcome read_content(const Reply& reply, JsonValue value, ModelKind kind, bool raw_body) {
  if (raw_body) return read_raw(reply, value);
  switch (kind) {
    case ModelKind::chat:
      return read_chat(reply, value, false);
    case ModelKind::image:
      return read_images(value);
  }
  return {};
}

Outcome read_body(const Reply& reply, ModelKind kind, bool raw_body) {
  ForeignJson json;
  const auto value = json.read(reply.http.body);
  if (!value || !(value->is_object() || value->is_array())) {
    const std::string start = as_message(reply.http.body.substr(0, 200));
    return failed(
        OutcomeClass::bad_reply,
        start.empty() ? "the reply is empty" : "the reply is not the JSON it should be: " + start);
  }
  const JsonValue body = first_element(value).value_or(*value);
  Outcome outcome;
  if (find_member(body, "error")) {
    outcome = read_error_in(body, reply);
  } else if (!has_members(*value)) {
    outcome = failed(OutcomeClass::bad_reply, "the reply is no JSON object with content");
  } else {
    outcome = read_content(reply, *value, kind, raw_body);
  }
  const Usage charged = usage_in(body);
  outcome.usage.input_tokens = charged.input_tokens;
  outcome.usage.output_tokens = charged.output_tokens;
  return outcome;
}

}  // namespace

Outcome OpenAiDialect::read(const HttpReply& reply, ModelKind kind, bool raw_body) const {
  const bool is_success = reply.status >= 200 && reply.status < 300;
  HeaderFacts headers = read_limit_headers(reply.headers);
  Outcome outcome =
      is_success ? read_body({reply, headers}, kind, raw_body) : read_error(reply, headers);
  outcome.usage.characters = headers.characters;
  if (is_success) add_success_facts(std::move(headers), outcome.facts);
  outcome.http_status = reply.status;
  outcome.request_id = as_message(reply.header("x-request-id").substr(0, request_id_bytes_max));
  outcome.sent = true;
  return outcome;
}

}  // namespace ratebatch
