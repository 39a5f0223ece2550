// How a job becomes a request.
#include <optional>
#include <string>
#include <utility>

#include "provider/openai.hpp"
#include "provider/openai_body.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/json/reader.hpp"

namespace ratebatch::provider {
namespace {

std::string_view own_path(ModelKind kind) {
  switch (kind) {
    case ModelKind::responses:
      return "/responses";
    case ModelKind::image:
      return "/images/generations";
    case ModelKind::speech:
      return "/audio/speech";
    case ModelKind::transcription:
      return "/audio/transcriptions";
    case ModelKind::embedding:
      return "/embeddings";
    case ModelKind::chat:
    case ModelKind::raw:
      break;
  }
  return "/chat/completions";
}

Result<std::string> body_of(const JobContent& content, const Endpoint& endpoint,
                            const OpenAiVariant& variant) {
  switch (endpoint.kind) {
    case ModelKind::chat:
      return chat_body(content, endpoint);
    case ModelKind::responses:
      return responses_body(content, endpoint);
    case ModelKind::image:
      return variant.image_body(content, endpoint);
    case ModelKind::speech:
      return speech_body(content, endpoint, variant.default_voice);
    case ModelKind::embedding:
      return embedding_body(content, endpoint);
    case ModelKind::transcription:
    case ModelKind::raw:
      break;
  }
  return bad_job("a model of kind " + std::string(to_string(endpoint.kind)) +
                 " takes no job of this form");
}

ReplyFiles reply_files_of(ModelKind kind) {
  ReplyFiles files;
  if (kind == ModelKind::image) files.members = {"b64_json"};
  files.binary_body = kind == ModelKind::speech;
  return files;
}

// The job's own body. A response that is made in the background is paid, and not fetched.
Result<std::string> own_body_of(const JobContent& content, ModelKind kind) {
  Result<std::string> whole = whole_body(content);
  if (!whole || kind != ModelKind::responses) return whole;
  json::Parser parser;
  const auto background = json::find_member(parser.parse(*whole), "background");
  bool is_later = true;
  if (background && (background->get(is_later) != simdjson::SUCCESS || is_later)) {
    return bad_job("body must not set background: answers are read whole");
  }
  return whole;
}

Result<HttpRequest> openai_transcription(const JobContent& content, const Endpoint& endpoint) {
  Result<std::string> url = joined_url(endpoint.base_url, own_path(endpoint.kind));
  if (!url) return pass(url);
  std::string content_type;
  Result<std::string> body = transcription_body(content, endpoint, content_type);
  if (!body) return pass(body);
  // Subtitles come as plain text.
  HttpRequest request =
      framed_request(content, endpoint, std::move(*url), content_type, "application/json, */*");
  request.body = std::move(*body);
  return request;
}

}  // namespace

Result<HttpRequest> OpenAiDialect::request(const JobContent& content,
                                           const Endpoint& endpoint) const {
  const bool is_raw = !content.body_json.empty();
  if (!is_raw && endpoint.kind == ModelKind::transcription) {
    return openai_transcription(content, endpoint);
  }
  const bool has_path = is_raw && !content.path.empty();
  const ModelKind kind = has_path ? content.kind : endpoint.kind;
  Result<std::string> body =
      is_raw ? own_body_of(content, kind) : body_of(content, endpoint, variant_);
  if (!body) return pass(body);
  Result<std::string> url = joined_url(endpoint.base_url, has_path ? content.path : own_path(kind));
  if (!url) return pass(url);

  const std::string_view accept = kind == ModelKind::speech ? "*/*" : "application/json";
  HttpRequest request =
      framed_request(content, endpoint, std::move(*url), "application/json", accept);
  request.body = std::move(*body);
  request.reply_files = reply_files_of(kind);
  return request;
}

OpenAiVariant openai_variant() { return {.image_body = image_body, .default_voice = "alloy"}; }

KeyHeader OpenAiDialect::key_header(const Endpoint& /*endpoint*/) const {
  return {.name = "Authorization", .prefix = "Bearer ", .key = {}, .origin = {}};
}

}  // namespace ratebatch::provider
