// Anthropic's Messages API.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "provider/apis.hpp"
#include "provider/job_parts.hpp"
#include "provider/multipart.hpp"
#include "provider/neutral_params.hpp"
#include "provider/reply_frame.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/reader.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

constexpr std::int64_t max_tokens_without_any = 4096;

// The API reference: the types of image and document blocks.
bool is_image(std::string_view type) {
  return type == "image/jpeg" || type == "image/png" || type == "image/gif" || type == "image/webp";
}

Json base64_block(std::string_view kind, std::string_view type, std::string data) {
  return {{"type", kind},
          {"source", {{"type", "base64"}, {"media_type", type}, {"data", std::move(data)}}}};
}

Result<Json> block_of_file(const JobFile& file) {
  const std::string_view type = media_type_of_file(file.path, file.bytes);
  if (is_image(type)) return base64_block("image", type, encode_base64(file.bytes));
  if (type == "application/pdf") return base64_block("document", type, encode_base64(file.bytes));
  if (type == "text/plain") {
    return Json{{"type", "document"},
                {"source", {{"type", "text"}, {"media_type", type}, {"data", file.bytes}}}};
  }
  return bad_job("file '" + escaped(file.path, 80) +
                 "' cannot be sent to this API: it takes jpg, png, gif, webp, pdf and txt");
}

// Blocks of the API's own are left as they are.
Result<Json> block_of_part(Json part) {
  const std::optional<MediaPart> media = media_in_part(part);
  if (!media) return part;
  if (is_image(media->media_type)) return base64_block("image", media->media_type, media->base64);
  if (media->url.starts_with("https://")) {
    return Json{{"type", "image"}, {"source", {{"type", "url"}, {"url", media->url}}}};
  }
  return bad_job(
      "messages hold a picture or sound that cannot be sent to this API: it takes jpg, png, gif "
      "and webp, as a data URL with base64 or by https");
}

Result<void> add_messages(const JobContent& content, Json& body) {
  RB_TRY(conversation, read_conversation(content));
  RB_TRY(messages, written_turns(*conversation, content.files,
                                 {.model_role = "assistant",
                                  .parts_member = "content",
                                  .file_part = block_of_file,
                                  .own_part = block_of_part}));
  body["messages"] = std::move(*messages);
  Json system = Json::array();
  for (Json& parts : conversation->system) {
    for (Json& part : parts) system.push_back(std::move(part));
  }
  if (!system.empty()) body["system"] = std::move(system);
  return {};
}

Result<std::string> body_of(const JobContent& content, const Endpoint& endpoint) {
  if (!content.body_json.empty()) return own_body(content, "anthropic");
  RB_TRY(params, NeutralParams::read(content.params_json));
  RB_TRY(one, take_one_answer(*params));
  RB_TRY(as_json, take_json_format(*params));
  params->take("seed");
  Json body = {{"model", endpoint.model_id}, {"max_tokens", max_tokens_without_any}};
  if (auto stops = take_stops(*params)) body["stop_sequences"] = std::move(*stops);
  RB_TRY(asked, add_messages(content, body));
  return params->written_with(std::move(body), {"model", "messages", "system"});
}

void add_anthropic_usage(json::Value body, Outcome& outcome) {
  const auto counts = json::find_member(body, "usage");
  const auto count = [&](std::string_view name) {
    return json::count_of(json::find_member(counts, name), usage_max);
  };
  // What counts against input tokens per minute (its rate limits page). Tokens read from the cache
  // do not, and are left out, so that the cost lacks them: they are billed at a tenth.
  outcome.usage.input_tokens = count("input_tokens") + count("cache_creation_input_tokens");
  outcome.usage.output_tokens = count("output_tokens");
}

struct AnthropicContent {
  std::string text;
  bool has_tool_use = false;
  bool has_more = false;  // Than text and thoughts: tools of any kind, and what they gave.
};

AnthropicContent read_blocks(json::Array blocks) {
  AnthropicContent content;
  for (const json::Value block : blocks) {
    const std::string_view type = json::text_member(block, "type");
    if (type == "text") content.text += json::text_member(block, "text");
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
  return has_tool_use ? call_instead_of_text("tool call") : empty_answer();
}

Outcome read_message(json::Value body, bool raw_body) {
  const auto blocks = json::as<json::Array>(json::find_member(body, "content"));
  if (!blocks) return unreadable("the reply has no content");
  AnthropicContent content = read_blocks(*blocks);
  Answer answer;
  answer.finish_reason = json::text_member(body, "stop_reason");
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
  const bool is_paused = reason == "pause_turn" && blocks->size() > 0;
  const bool is_kept = raw_body && (content.has_more || is_paused);
  if (trimmed(content.text).empty() && !is_kept) {
    return read_without_text(reason, content.has_tool_use);
  }
  answer.text = std::move(content.text);
  return answered(std::move(answer));
}

}  // namespace

Result<HttpRequest> anthropic_request(const JobContent& content, const Endpoint& endpoint) {
  if (endpoint.kind != ModelKind::chat) {
    return bad_job("the api anthropic has no models of kind " +
                   std::string(to_string(endpoint.kind)) + ": set kind: chat");
  }
  Result<HttpRequest> request = posted(content, endpoint, "/messages", body_of(content, endpoint));
  if (request) request->headers.push_back({"anthropic-version", "2023-06-01"});
  return request;
}

Outcome read_anthropic(const HttpReply& reply, const Endpoint& /*endpoint*/,
                       const AskedFor& asked) {
  return read_framed(reply, [&](const Reply& read) {
    return read_json_body(
        read, asked.raw_body,
        [&](json::Value value) {
          return value.is_object() ? read_message(value, asked.raw_body)
                                   : unreadable_body(reply.body);
        },
        add_anthropic_usage);
  });
}

}  // namespace ratebatch::provider
