// How a job becomes a request.
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "provider/apis.hpp"
#include "provider/openai_parts.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/json/reader.hpp"

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

// Of jobs that name no path.
std::string_view own_path(ModelKind kind) {
  if (kind == ModelKind::transcription) return transcription_path;
  const auto found = std::find_if(path_kinds.begin(), path_kinds.end(),
                                  [&](const PathKind& known) { return known.kind == kind; });
  const bool is_known = found != path_kinds.end() && kind != ModelKind::raw;
  return is_known ? found->path : path_kinds.front().path;
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
  if (background && !json::is_false(*background)) {
    return bad_job("body must not set background: answers are read whole");
  }
  return whole;
}

}  // namespace

Result<HttpRequest> openai_request(const JobContent& content, const Endpoint& endpoint,
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
  if (request) request->reply_files = reply_files_of(kind);
  return request;
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
