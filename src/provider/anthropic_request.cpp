// How a job becomes a request.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "provider/anthropic.hpp"
#include "provider/job_parts.hpp"
#include "provider/multipart.hpp"
#include "provider/neutral_params.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/text.hpp"
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
  Result<Conversation> conversation = read_conversation(content);
  if (!conversation) return pass(conversation);
  Result<Json> messages = written_turns(*conversation, content.files,
                                        {.model_role = "assistant",
                                         .parts_member = "content",
                                         .file_part = block_of_file,
                                         .own_part = block_of_part});
  if (!messages) return pass(messages);
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
  Result<NeutralParams> params = NeutralParams::read(content.params_json);
  if (!params) return pass(params);
  Result<void> one = take_one_answer(*params);
  if (!one) return pass(one);
  Result<bool> as_json = take_json_format(*params);
  if (!as_json) return pass(as_json);
  params->take("seed");
  Json body = {{"model", endpoint.model_id}, {"max_tokens", max_tokens_without_any}};
  if (auto stops = take_stops(*params)) body["stop_sequences"] = std::move(*stops);
  Result<void> asked = add_messages(content, body);
  if (!asked) return pass(asked);
  Result<void> poured = params->pour(body, {"model", "messages", "system"});
  if (!poured) return pass(poured);
  return json::written(body);
}

}  // namespace

Result<HttpRequest> AnthropicDialect::request(const JobContent& content,
                                              const Endpoint& endpoint) const {
  if (endpoint.kind != ModelKind::chat) {
    return bad_job("the api anthropic has no models of kind " +
                   std::string(to_string(endpoint.kind)) + ": set kind: chat");
  }
  Result<std::string> body = body_of(content, endpoint);
  if (!body) return pass(body);
  Result<std::string> url = joined_url(endpoint.base_url, "/messages");
  if (!url) return pass(url);
  HttpRequest request = framed_request(content, endpoint, std::move(*url));
  request.headers.push_back({"anthropic-version", "2023-06-01"});
  request.body = std::move(*body);
  return request;
}

KeyHeader AnthropicDialect::key_header(const Endpoint& /*endpoint*/) const {
  return {.name = "x-api-key", .prefix = {}, .key = {}, .origin = {}};
}

}  // namespace ratebatch::provider
