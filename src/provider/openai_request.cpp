// How a job becomes a request.
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "provider/openai.hpp"
#include "provider/reply_json.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

using nlohmann::json;

// The API reference: X-Client-Request-Id is ASCII, at most 512 characters, else 400.
constexpr std::size_t client_request_id_bytes_max = 512;

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string_view own_path(ModelKind kind) {
  switch (kind) {
    case ModelKind::chat:
      return "/chat/completions";
    case ModelKind::image:
      return "/images/generations";
  }
  return {};
}

// Asked to stream, a server sends events where we read one JSON value: paid and unreadable.
Result<void> check_not_streamed(const json& body, std::string_view where) {
  const json* stream = member(body, "stream");
  if (stream == nullptr || *stream == json(false)) return {};
  return fail(ErrorCode::invalid_input,
              std::string(where) + " must not set stream: answers are read whole");
}

// The parameters as an object that names nothing the job itself says.
Result<json> read_params(const JobContent& content, const std::array<const char*, 2>& reserved) {
  std::optional<json> params = read_json(content.params_json);
  if (!params || !params->is_object()) {
    return fail(ErrorCode::invalid_input, "params must be a JSON object");
  }
  for (const char* name : reserved) {
    if (params->contains(name)) {
      return fail(ErrorCode::invalid_input, std::string("params must not name ") + name +
                                                ": it has its own field in the job");
    }
  }
  Result<void> whole = check_not_streamed(*params, "params");
  if (!whole) return pass(whole);
  return std::move(*params);
}

Result<json> chat_messages(const JobContent& content) {
  if (!content.messages_json.empty()) {
    std::optional<json> messages = read_json(content.messages_json);
    if (!messages || !messages->is_array() || messages->empty()) {
      return fail(ErrorCode::invalid_input, "messages must be a JSON array with an element");
    }
    return std::move(*messages);
  }
  if (content.prompt.empty()) {
    return fail(ErrorCode::invalid_input,
                "the job asks for nothing: give it a prompt, messages or a body");
  }
  json messages = json::array();
  if (!content.system.empty()) {
    messages.push_back({{"role", "system"}, {"content", content.system}});
  }
  messages.push_back({{"role", "user"}, {"content", content.prompt}});
  return messages;
}

Result<std::string> chat_body(const JobContent& content, const Endpoint& endpoint) {
  Result<json> body = read_params(content, {"model", "messages"});
  if (!body) return pass(body);
  const json* choices = member(*body, "n");
  if (choices != nullptr && *choices != json(1)) {
    return fail(ErrorCode::invalid_input,
                "params must not ask for several answers by n: one job has one answer");
  }
  Result<json> messages = chat_messages(content);
  if (!messages) return pass(messages);
  (*body)["model"] = endpoint.model_id;
  (*body)["messages"] = std::move(*messages);
  return written_json(*body);
}

Result<std::string> image_body(const JobContent& content, const Endpoint& endpoint) {
  Result<json> body = read_params(content, {"model", "prompt"});
  if (!body) return pass(body);
  if (content.prompt.empty()) {
    return fail(ErrorCode::invalid_input, "an image needs a prompt, or a whole body");
  }
  // dall-e answers with a link that expires unless asked for the image itself; gpt-image always
  // sends the image, and refuses the parameter.
  if (endpoint.model_id.starts_with("dall-e-")) {
    const json* format = member(*body, "response_format");
    if (format != nullptr && *format != json("b64_json")) {
      return fail(ErrorCode::invalid_input,
                  "params.response_format must be b64_json: links are not followed");
    }
    (*body)["response_format"] = "b64_json";
  }
  (*body)["model"] = endpoint.model_id;
  (*body)["prompt"] = content.prompt;
  return written_json(*body);
}

Result<std::string> raw_body(const JobContent& content) {
  const std::optional<json> body = read_json(content.body_json);
  if (!body || !body->is_object()) {
    return fail(ErrorCode::invalid_input, "body must be a JSON object");
  }
  Result<void> whole = check_not_streamed(*body, "body");
  if (!whole) return pass(whole);
  return content.body_json;
}

// base_url and path, with the "/v1" that both may have only once. A path cannot leave its host.
Result<std::string> joined_url(std::string_view base_url, std::string_view path) {
  const bool is_plain = path.starts_with('/') && is_printable_ascii(path) &&
                        path.find_first_of(" \\#") == std::string_view::npos &&
                        path.find("..") == std::string_view::npos;
  if (!is_plain) {
    return fail(ErrorCode::invalid_input,
                "the url of a job must be a path such as /v1/chat/completions, not '" +
                    escaped(path) + "'");
  }
  if (base_url.ends_with("/v1") && path.starts_with("/v1/")) path.remove_prefix(3);
  return std::string(base_url) + std::string(path);
}

Result<std::string> body_of(const JobContent& content, const Endpoint& endpoint) {
  if (!content.body_json.empty()) return raw_body(content);
  switch (endpoint.kind) {
    case ModelKind::chat:
      return chat_body(content, endpoint);
    case ModelKind::image:
      return image_body(content, endpoint);
  }
  return fail(ErrorCode::invalid_input, "unknown kind of model");
}

}  // namespace

Result<HttpRequest> OpenAiDialect::request(const JobContent& content,
                                           const Endpoint& endpoint) const {
  Result<std::string> body = body_of(content, endpoint);
  if (!body) return pass(body);
  const bool has_path = !content.body_json.empty() && !content.path.empty();
  Result<std::string> url =
      joined_url(endpoint.base_url, has_path ? content.path : own_path(endpoint.kind));
  if (!url) return pass(url);

  HttpRequest request;
  request.url = std::move(*url);
  request.body = std::move(*body);
  request.headers = {{"content-type", "application/json"}, {"accept", "application/json"}};
  if (!content.id.empty() && content.id.size() <= client_request_id_bytes_max &&
      is_printable_ascii(content.id)) {
    request.headers.push_back({"x-client-request-id", content.id});
  }
  request.allow_http = endpoint.allow_http;
  request.ca_file = endpoint.ca_file;
  request.total_timeout = endpoint.timeout;
  // An answer that is not streamed comes at its end: until then no byte is no bad sign.
  request.stall_timeout = std::max<Duration>(endpoint.timeout, std::chrono::seconds{1});
  return request;
}

KeyHeader OpenAiDialect::key_header() const {
  return {.name = "Authorization", .prefix = "Bearer ", .key = {}, .origin = {}};
}

}  // namespace ratebatch
