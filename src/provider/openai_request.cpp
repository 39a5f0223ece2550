// How a job becomes a request: its path, and all bodies but that of a chat.
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "provider/apis.hpp"
#include "provider/job_parts.hpp"
#include "provider/multipart.hpp"
#include "provider/neutral_params.hpp"
#include "provider/openai_chat.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/json/reader.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

struct PathKind {
  std::string_view path;  // Without /v1.
  ModelKind kind;
};

// The paths of OpenAI's Batch API that JSON can express, and those of vLLM's run-batch.
constexpr std::array<PathKind, 10> path_kinds = {{
    {"/chat/completions", ModelKind::chat},
    {"/responses", ModelKind::responses},
    {"/embeddings", ModelKind::embedding},
    {"/images/generations", ModelKind::image},
    {"/audio/speech", ModelKind::speech},
    {"/completions", ModelKind::raw},
    {"/moderations", ModelKind::raw},
    {"/score", ModelKind::raw},
    {"/rerank", ModelKind::raw},
    {"/v2/rerank", ModelKind::raw},
}};

constexpr std::string_view transcription_path = "/audio/transcriptions";

// What differs between the servers that speak this API.
struct OpenAiVariant {
  // The body of an image request that is no raw one.
  Result<std::string> (*image_body)(const JobContent& content, const Endpoint& endpoint);
  std::string_view default_voice;  // Empty: a job must name one.
};

// Of jobs that name no path.
std::string_view own_path(ModelKind kind) {
  if (kind == ModelKind::transcription) return transcription_path;
  for (const PathKind& known : path_kinds) {
    if (known.kind == kind && kind != ModelKind::raw) return known.path;
  }
  return path_kinds.front().path;
}

// The models whose pictures have a size of one text. Other servers' models may know sides, or words
// for sizes: theirs goes as it stands.
bool is_of_openai(std::string_view model_id) {
  return model_id.starts_with("gpt-image") || model_id.starts_with("chatgpt-image") ||
         model_id.starts_with("dall-e-");
}

// A list becomes a field per element, named "name[]" as the API reference has it.
void add_param(MultipartBody& form, const std::string& name, const Json& value) {
  if (!value.is_array()) return form.add_field(name, json::as_text(value));
  for (const Json& element : value) form.add_field(name + "[]", json::as_text(element));
}

// Source: docs.together.ai, API reference of images and speech, 2026. Its answers name pictures as
// OpenAI's do.
Result<std::string> together_image_body(const JobContent& content, const Endpoint& endpoint) {
  RB_TRY(params, params_of_prompt(content, "an image"));
  // Its word for what the answer then calls b64_json. Given otherwise, the answer's links are
  // fetched.
  Json body = {
      {"model", endpoint.model_id}, {"prompt", content.prompt}, {"response_format", "base64"}};
  RB_TRY(size, params->take_size());
  if (*size) {
    body["width"] = (*size)->width;
    body["height"] = (*size)->height;
  }
  RB_TRY(format, params->take_text("format"));
  // Its word for JPEG; all others go as they are, for the server to judge.
  if (*format) body["output_format"] = **format == "jpg" ? "jpeg" : **format;
  return params->written_with(std::move(body), {"model", "prompt"});
}

Result<std::string> responses_body(const JobContent& content, const Endpoint& endpoint) {
  RB_TRY(params, NeutralParams::read(content.params_json));
  Json body = {{"model", endpoint.model_id}};
  if (!content.files.empty()) {
    RB_TRY(input, messages_with_files(content, ModelKind::responses));
    body["input"] = std::move(*input);
  } else if (!content.messages_json.empty()) {
    RB_TRY(checked, check_messages(content));
    body["input"] = json::parse_lenient(content.messages_json).value_or(Json());
  } else if (!content.prompt.empty()) {
    body["input"] = content.prompt;
  } else {
    return bad_job("the job asks for nothing: give it a prompt, messages or a body");
  }
  if (!content.system.empty()) body["instructions"] = content.system;
  const std::optional<Json> background = params->take("background");
  if (background && *background != false) {
    return bad_job("params must not set background: answers are read whole");
  }
  RB_TRY(as_json, take_json_format(*params));
  if (*as_json) body["text"] = {{"format", {{"type", "json_object"}}}};
  params->move("max_tokens", body, "max_output_tokens");
  return params->written_with(std::move(body), {"model", "input", "instructions"});
}

Result<std::string> embedding_body(const JobContent& content, const Endpoint& endpoint) {
  RB_TRY(params, params_of_prompt(content, "an embedding"));
  Json body = {{"model", endpoint.model_id}, {"input", content.prompt}};
  return params->written_with(std::move(body), {"model", "input"});
}

Result<std::string> speech_body(const JobContent& content, const Endpoint& endpoint,
                                std::string_view default_voice) {
  RB_TRY(params, params_of_prompt(content, "speech"));
  Json body = {{"model", endpoint.model_id}, {"input", content.prompt}};
  if (!content.system.empty()) body["instructions"] = content.system;
  // A text, or an object that names a voice of one's own.
  std::optional<Json> voice = params->take("voice");
  if (!voice && default_voice.empty()) {
    return bad_job("speech of this provider needs a voice: set params.voice");
  }
  body["voice"] = voice ? std::move(*voice) : Json(default_voice);
  const std::optional<Json> stream_format = params->take("stream_format");
  if (stream_format && *stream_format != "audio") {
    return bad_job("params.stream_format must be audio: events are not read");
  }
  params->move("format", body, "response_format");
  return params->written_with(std::move(body), {"model", "input"});
}

// For OpenAI's own models width and height go as size, and "auto" as none, which means the same.
Result<std::string> image_body(const JobContent& content, const Endpoint& endpoint) {
  RB_TRY(params, params_of_prompt(content, "an image"));
  Json body = {{"model", endpoint.model_id}, {"prompt", content.prompt}};
  if (is_of_openai(endpoint.model_id)) {
    RB_TRY(size, params->take_size());
    if (*size) {
      body["size"] = std::to_string((*size)->width) + "x" + std::to_string((*size)->height);
    }
  }
  if (endpoint.model_id.starts_with("dall-e-")) {
    // It answers with a link that expires unless asked for the image itself, a PNG; gpt-image
    // always sends the image, and refuses the parameter.
    const std::optional<Json> format = params->take("format");
    if (format && *format != "png") {
      return bad_job("params.format of a dall-e model must be png: it makes nothing else");
    }
    body["response_format"] = "b64_json";
  } else {
    params->move("format", body, "output_format");
  }
  return params->written_with(std::move(body), {"model", "prompt"});
}

Result<HttpRequest> openai_transcription(const JobContent& content, const Endpoint& endpoint) {
  if (content.files.size() != 1) {
    return bad_job("a transcription needs exactly one file, and the job names " +
                   std::to_string(content.files.size()) + ": set files");
  }
  if (!content.messages_json.empty()) return bad_job("a transcription takes no messages");
  RB_TRY(params, NeutralParams::read(content.params_json));
  Json fields = {{"response_format", "json"}};
  params->move("format", fields, "response_format");
  RB_TRY(poured, params->pour(fields, {"model", "file", "prompt"}));

  MultipartBody form(content.id);
  form.add_field("model", endpoint.model_id);
  if (!content.prompt.empty()) form.add_field("prompt", content.prompt);
  for (const auto& [name, value] : fields.items()) {
    if (!value.is_null()) add_param(form, name, value);
  }
  const JobFile& file = content.files.front();
  form.add_file("file", file_name_of(file.path), media_type_of(file.path), file.bytes);
  const std::string content_type = form.content_type();
  // Subtitles come as plain text.
  return posted(content, endpoint, transcription_path, form.finish(),
                {.content = content_type, .accept = "application/json, */*"});
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

// The job's own body. A response that is made in the background is paid, and not fetched.
Result<std::string> own_body_of(const JobContent& content, ModelKind kind) {
  Result<std::string> whole = whole_body(content);
  if (!whole || kind != ModelKind::responses) return whole;
  json::Parser parser;
  const auto background = json::find_member(parser.parse(*whole), "background");
  if (background && !json::is_false(*background)) {
    return bad_job("body must not set background: answers are read whole");
  }
  return whole;
}

Result<HttpRequest> request_of(const JobContent& content, const Endpoint& endpoint,
                               const OpenAiVariant& variant) {
  const bool is_raw = !content.body_json.empty();
  if (!is_raw && endpoint.kind == ModelKind::transcription) {
    return openai_transcription(content, endpoint);
  }
  const bool has_path = is_raw && !content.path.empty();
  const ModelKind kind = has_path ? content.kind : endpoint.kind;
  Result<HttpRequest> request =
      posted(content, endpoint, has_path ? content.path : own_path(kind),
             is_raw ? own_body_of(content, kind) : body_of(content, endpoint, variant),
             {.accept = kind == ModelKind::speech ? "*/*" : "application/json"});
  if (!request) return request;
  if (kind == ModelKind::image) request->reply_files.members = {"b64_json"};
  request->reply_files.binary_body = kind == ModelKind::speech;
  return request;
}

}  // namespace

Result<HttpRequest> openai_request(const JobContent& content, const Endpoint& endpoint) {
  return request_of(content, endpoint, {.image_body = image_body, .default_voice = "alloy"});
}

Result<HttpRequest> together_request(const JobContent& content, const Endpoint& endpoint) {
  return request_of(content, endpoint, {.image_body = together_image_body, .default_voice = {}});
}

std::optional<ModelKind> kind_of_path(std::string_view path) {
  path = parted(path, '?').before;
  if (path.starts_with("/v1/")) path.remove_prefix(3);
  for (const PathKind& known : path_kinds) {
    if (known.path == path) return known.kind;
  }
  return std::nullopt;
}

}  // namespace ratebatch::provider
