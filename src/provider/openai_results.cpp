// The answers that are no chat.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "provider/asset_bytes.hpp"
#include "provider/openai_parts.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::provider {
namespace {

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

bool is_page(std::string_view text, std::string_view content_type) {
  return content_type.starts_with("text/html") || trimmed(text).starts_with('<');
}

// Asked for text or subtitles, the server sends just that.
Outcome read_subtitles(const HttpReply& http) {
  const std::string type = lower_case(http.header("content-type"));
  const bool is_text = type.starts_with("text/") || type.starts_with("application/x-subrip");
  if (!is_text || is_page(http.body, type)) return unreadable_body(http.body);
  Answer answer;
  answer.text = with_utf8_repaired(trimmed(http.body));
  return answered(std::move(answer));
}

bool is_vector(std::optional<json::Value> value) {
  return json::first_element(value).has_value() || !json::text_of(value).empty();
}

// nullopt if the body can be sound.
std::optional<Outcome> read_instead_of_sound(const Reply& reply) {
  const std::string_view body = reply.http.body;
  const std::string type = lower_case(reply.http.header("content-type"));
  if (type.starts_with("audio/")) return std::nullopt;
  if (type.find("json") != std::string::npos || body.starts_with("{\"") ||
      body.starts_with("[{\"")) {
    json::Parser parser;
    const auto value = parser.parse_lenient(body);
    if (!value) return unreadable_body(body);
    const json::Value object = json::first_element(value).value_or(*value);
    // ElevenLabs calls it detail.
    const bool is_error = json::find_member(object, "error") || json::find_member(object, "detail");
    if (is_error) return read_error_in(object, reply);
    return unreadable("the reply is JSON instead of sound");
  }
  if (!type.starts_with("text/") && !is_page(body, type)) return std::nullopt;
  return unreadable("the reply is a text instead of sound");
}

}  // namespace

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

Outcome read_speech(const Reply& reply) {
  if (reply.http.files.empty()) {
    if (std::optional<Outcome> fault = read_instead_of_sound(reply)) return std::move(*fault);
  } else if (is_text_as_file(reply.http)) {
    return text_instead_of_file(reply.http);
  }
  return read_body_file(reply.http, "the reply holds no sound");
}

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

}  // namespace ratebatch::provider
