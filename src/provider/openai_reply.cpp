// What a reply means.
#include <optional>
#include <string>
#include <utility>

#include "provider/asset_bytes.hpp"
#include "provider/foreign_text.hpp"
#include "provider/openai.hpp"
#include "provider/openai_error.hpp"
#include "provider/reply_json.hpp"

namespace ratebatch {
namespace {

using nlohmann::json;

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

// Chat and images name the same things differently.
Usage usage_in(const json& value) {
  Usage usage;
  const json* counts = member(value, "usage");
  if (counts == nullptr) return usage;
  usage.input_tokens = count_member(*counts, "prompt_tokens");
  if (usage.input_tokens == 0) usage.input_tokens = count_member(*counts, "input_tokens");
  usage.output_tokens = count_member(*counts, "completion_tokens");
  if (usage.output_tokens == 0) usage.output_tokens = count_member(*counts, "output_tokens");
  return usage;
}

// A content is a text, or a list of parts of which some are text.
std::string content_text(const json& message) {
  const json* content = member(message, "content");
  if (content == nullptr) return {};
  if (content->is_string()) return content->get<std::string>();
  std::string text;
  if (content->is_array()) {
    for (const json& part : *content) text += text_member(part, "text");
  }
  return text;
}

// A choice without text: why there is none decides whether another try helps.
Outcome read_empty_choice(const json& message, const std::string& finish_reason) {
  if (finish_reason == "length") {
    return failed(OutcomeClass::invalid_request,
                  "the answer was cut before its first word: raise max_tokens (models that think "
                  "first spend them on that)");
  }
  const std::string refusal = text_member(message, "refusal");
  if (!refusal.empty()) return failed(OutcomeClass::content_policy, refusal);
  if (finish_reason == "content_filter") {
    return failed(OutcomeClass::content_policy, "the answer was withheld by a content filter");
  }
  if (member(message, "tool_calls") != nullptr) {
    return failed(OutcomeClass::invalid_request,
                  "the answer is a tool call, not a text: give the whole request as body to keep "
                  "it");
  }
  return failed(OutcomeClass::bad_reply, "the answer is empty");
}

Outcome read_chat(const HttpReply& reply, const json& value, bool raw_body) {
  const json* choice = first_element(member(value, "choices"));
  if (choice == nullptr) return failed(OutcomeClass::bad_reply, "the reply has no choices");
  // Gateways put an error here that struck after the answer had begun.
  if (member(*choice, "error") != nullptr) {
    return read_error_in_success(reply, error_words(*choice));
  }
  Answer answer;
  answer.finish_reason = text_member(*choice, "finish_reason");
  if (answer.finish_reason == "error") {
    return failed(OutcomeClass::bad_reply, "the answer broke off with finish_reason error");
  }
  const json* found = member(*choice, "message");
  const json message = found == nullptr ? json::object() : *found;
  answer.text = content_text(message);
  answer.truncated = answer.finish_reason == "length";
  const bool is_kept_as_tool_call = raw_body && member(message, "tool_calls") != nullptr;
  if (without_blanks(answer.text).empty() && !is_kept_as_tool_call) {
    return read_empty_choice(message, answer.finish_reason);
  }
  return answered(std::move(answer));
}

Outcome read_images(const json& value) {
  const json* data = member(value, "data");
  if (first_element(data) == nullptr) {
    return failed(OutcomeClass::bad_reply, "the reply has no images");
  }
  Answer answer;
  for (const json& item : *data) {
    const json* encoded = member(item, "b64_json");
    if (encoded == nullptr || !encoded->is_string()) {
      return failed(OutcomeClass::bad_reply,
                    member(item, "url") != nullptr
                        ? "the reply holds a link instead of an image: ask for b64_json"
                        : "the reply holds an item without an image");
    }
    std::optional<std::string> bytes = decode_base64(encoded->get_ref<const std::string&>());
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
Outcome read_raw(const HttpReply& reply, const json& value) {
  const bool is_chat = member(value, "choices") != nullptr;
  Outcome outcome = is_chat ? read_chat(reply, value, true) : answered({});
  if (outcome.answer) outcome.answer->body_json = with_utf8_repaired(without_blanks(reply.body));
  return outcome;
}

Outcome read_success(const HttpReply& reply, ModelKind kind, bool raw_body) {
  const std::optional<json> value = read_json(reply.body);
  if (!value || !(value->is_object() || value->is_array())) {
    const std::string start = as_message(reply.body.substr(0, 200));
    return failed(
        OutcomeClass::bad_reply,
        start.empty() ? "the reply is empty" : "the reply is not the JSON it should be: " + start);
  }
  const json& body = value->is_array() && !value->empty() ? value->front() : *value;
  Outcome outcome;
  if (member(body, "error") != nullptr) {
    outcome = read_error_in_success(reply, error_words(body));
  } else if (!value->is_object() || value->empty()) {
    outcome = failed(OutcomeClass::bad_reply, "the reply is no JSON object with content");
  } else if (raw_body) {
    outcome = read_raw(reply, *value);
  } else {
    switch (kind) {
      case ModelKind::chat:
        outcome = read_chat(reply, *value, false);
        break;
      case ModelKind::image:
        outcome = read_images(*value);
        break;
    }
  }
  const Usage charged = usage_in(body);
  outcome.usage.input_tokens = charged.input_tokens;
  outcome.usage.output_tokens = charged.output_tokens;
  return outcome;
}

}  // namespace

Outcome OpenAiDialect::read(const HttpReply& reply, ModelKind kind, bool raw_body) const {
  const bool is_success = reply.status >= 200 && reply.status < 300;
  Outcome outcome = is_success ? read_success(reply, kind, raw_body) : read_error(reply);
  outcome.http_status = reply.status;
  outcome.request_id = as_message(reply.header("x-request-id").substr(0, request_id_bytes_max));
  outcome.sent = true;
  return outcome;
}

}  // namespace ratebatch
