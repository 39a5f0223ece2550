// What a reply means.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "provider/apis.hpp"
#include "provider/asset_bytes.hpp"
#include "provider/reply_frame.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/reader.hpp"

namespace ratebatch::provider {
namespace {

// The count of the first of these names that has one: chat and images name the same differently.
std::int64_t count_in(std::optional<json::Value> counts, std::string_view name,
                      std::string_view other_name) {
  const std::int64_t count = json::count_of(json::find_member(counts, name), usage_max);
  return count != 0 ? count : json::count_of(json::find_member(counts, other_name), usage_max);
}

// The tokens that the member "usage" tells, under the names of any kind.
void add_usage(json::Value value, Usage& usage) {
  const auto counts = json::find_member(value, "usage");
  usage.input_tokens = count_in(counts, "prompt_tokens", "input_tokens");
  usage.output_tokens = count_in(counts, "completion_tokens", "output_tokens");
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

// `raw_body`, here and below: the job gave its own body, and the reply's is kept. What is no text
// is then no fault.
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

// What the items of a response's output hold.
struct Output {
  std::string text;
  std::string refusal;
  bool has_call = false;  // Of a function or tool, for the one who asked to answer.
  bool has_more = false;  // Than messages and thoughts: calls of any kind, pictures.
};

void add_parts(json::Value item, Output& output) {
  for (const json::Value part : json::elements_of(json::find_member(item, "content"))) {
    const std::string_view type = json::text_member(part, "type");
    if (type == "output_text") output.text += json::text_member(part, "text");
    if (type == "refusal") output.refusal += json::text_member(part, "refusal");
  }
}

Output read_output(json::Array items) {
  Output output;
  for (const json::Value item : items) {
    const std::string_view type = json::text_member(item, "type");
    // Other items tell how it came to the answer: thoughts, searches.
    if (type == "message") add_parts(item, output);
    if (type == "function_call" || type == "custom_tool_call") output.has_call = true;
    if (type != "message" && type != "reasoning") output.has_more = true;
  }
  return output;
}

Outcome read_empty_response(const Output& output, std::string_view reason) {
  if (reason == "max_output_tokens") return cut_before_first_word();
  if (!output.refusal.empty()) return failed(OutcomeClass::content_policy, output.refusal);
  if (reason == "content_filter") return withheld_by_filter();
  return output.has_call ? call_instead_of_text("tool call") : empty_answer();
}

Outcome read_responses(json::Value value, bool raw_body) {
  const std::string_view status = json::text_member(value, "status");
  if (status == "queued" || status == "in_progress") {
    return failed(OutcomeClass::invalid_request,
                  "the answer comes later: the request must not set background");
  }
  if (status == "failed" || status == "cancelled") {
    return failed(OutcomeClass::bad_reply,
                  "the answer broke off with status " + std::string(status));
  }
  const auto items = json::as<json::Array>(json::find_member(value, "output"));
  if (!items) return unreadable("the reply has no output");
  Output output = read_output(*items);
  const std::string_view reason =
      json::text_member(json::find_member(value, "incomplete_details"), "reason");
  const bool is_refused = reason == "content_filter" || !output.refusal.empty();
  const bool is_kept = raw_body && !is_refused && output.has_more;
  if (trimmed(output.text).empty() && !is_kept) {
    return read_empty_response(output, reason);
  }
  Answer answer;
  answer.text = std::move(output.text);
  answer.finish_reason = reason.empty() ? status : reason;
  answer.truncated = reason == "max_output_tokens";
  return answered(std::move(answer));
}

bool is_vector(std::optional<json::Value> value) {
  return json::first_element(value).has_value() || !json::text_of(value).empty();
}

Outcome read_embeddings(json::Value value, const Reply& reply) {
  const auto items = json::as<json::Array>(json::find_member(value, "data"));
  if (!items) return unreadable("the reply has no embeddings");
  if (items->size() == 0) return failed(OutcomeClass::bad_reply, "the reply has no embeddings");
  for (const json::Value item : *items) {
    if (is_vector(json::find_member(item, "embedding"))) continue;
    return failed(OutcomeClass::bad_reply, "the reply holds an item without an embedding");
  }
  Answer answer;
  answer.body_json = json::on_one_line(reply.http.body);
  return answered(std::move(answer));
}

// Whether a text can stay in a body that is kept: there "file:0" must name a file.
bool may_stay(std::string_view text, const HttpReply& reply) {
  Answer unused;
  return !text.starts_with("file:") || add_asset(text, reply, unused);
}

enum class Picture : std::uint8_t { added, missing, broken, behind_http };

// Adds one picture, where it is one.
Picture add_picture(json::Value item, const HttpReply& reply, bool raw_body, Answer& answer) {
  const auto encoded = json::find_member(item, "b64_json");
  const auto url = json::find_member(item, "url");
  if (encoded && encoded->is_string()) {
    const bool is_taken = raw_body ? may_stay(json::text_of(encoded), reply)
                                   : add_asset(json::text_of(encoded), reply, answer);
    return is_taken ? Picture::added : Picture::broken;
  }
  if (!url || !url->is_string()) return Picture::missing;
  return add_link(json::text_of(url), answer) || raw_body ? Picture::added : Picture::behind_http;
}

// Pictures become assets, or links where the server sends those. Those of a raw body stay where
// they are in the body, unless the transport has put them into files.
Outcome read_images(json::Value value, const Reply& reply, bool raw_body) {
  const auto items = json::as<json::Array>(json::find_member(value, "data"));
  if (!items) return unreadable("the reply has no images");
  if (items->size() == 0) return failed(OutcomeClass::bad_reply, "the reply has no images");
  Answer answer;
  std::int64_t added = 0;
  bool is_behind_http = false;
  for (const json::Value item : *items) {
    const Picture picture = add_picture(item, reply.http, raw_body, answer);
    if (picture == Picture::broken) {
      return failed(OutcomeClass::bad_reply, "an image of the reply is not base64");
    }
    if (picture == Picture::added) ++added;
    if (picture == Picture::behind_http) is_behind_http = true;
  }
  // Of several that were asked for, those that came are paid, and kept.
  if (added == 0) {
    return is_behind_http
               ? only_http_links()
               : failed(OutcomeClass::bad_reply, "the reply holds only items without an image");
  }
  if (raw_body) add_reply_files(reply.http, answer);
  Outcome outcome = answered(std::move(answer));
  outcome.usage.images = added;
  return outcome;
}

// Asked for text or subtitles, the server sends just that.
Outcome read_subtitles(const HttpReply& http) {
  const std::string type = lower_case(http.header("content-type"));
  const bool is_text = type.starts_with("text/") || type.starts_with("application/x-subrip");
  const bool is_page = type.starts_with("text/html") || trimmed(http.body).starts_with('<');
  if (!is_text || is_page) return unreadable_body(http.body);
  Answer answer;
  answer.text = with_utf8_repaired(trimmed(http.body));
  return answered(std::move(answer));
}

// JSON with a text, which silence leaves empty, or subtitles as plain text. JSON that says when
// what was spoken is kept as a whole.
Outcome read_transcription(const Reply& reply) {
  const std::string& body = reply.http.body;
  json::Parser parser;
  const auto value = parser.parse_lenient(body);
  if (!value || !(value->is_object() || value->is_array())) return read_subtitles(reply.http);
  const json::Value object = json::first_element(value).value_or(*value);
  if (json::find_member(object, "error")) return read_error_in(object, reply);
  const auto text = json::find_member(*value, "text");
  if (!text || !text->is_string()) return unreadable("the reply has no text");
  Answer answer;
  answer.text = json::text_of(text);
  const bool has_times =
      json::find_member(*value, "segments") || json::find_member(*value, "words");
  if (has_times) answer.body_json = json::on_one_line(body);
  Outcome outcome = answered(std::move(answer));
  add_usage(*value, outcome.usage);
  return outcome;
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
