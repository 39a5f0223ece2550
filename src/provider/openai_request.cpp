// How a job becomes a request.
#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "provider/foreign_json.hpp"
#include "provider/foreign_text.hpp"
#include "provider/openai.hpp"
#include "provider/reply_json.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

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

tl::unexpected<Error> bad_job(std::string message) {
  return fail(ErrorCode::invalid_input, std::move(message));
}

// Asked to stream, a server sends events where we read one JSON value: paid and unreadable.
Result<void> check_not_streamed(JsonValue body, std::string_view where) {
  const auto stream = find_member(body, "stream");
  bool streams = true;
  if (!stream || (stream->get(streams) == simdjson::SUCCESS && !streams)) return {};
  return bad_job(std::string(where) + " must not set stream: answers are read whole");
}

// The parameters: an object that names nothing the job itself says.
Result<JsonValue> read_params(ForeignJson& json, const JobContent& content,
                              const std::array<std::string_view, 2>& reserved) {
  const auto params = json.parse(content.params_json);
  JsonObject object;
  if (!params || params->get(object) != simdjson::SUCCESS) {
    return bad_job("params must be a JSON object");
  }
  for (const std::string_view name : reserved) {
    if (object[name].error() == simdjson::SUCCESS) {
      return bad_job("params must not name " + std::string(name) +
                     ": it has its own field in the job");
    }
  }
  Result<void> whole = check_not_streamed(*params, "params");
  if (!whole) return pass(whole);
  return *params;
}

void append_message(std::string& body, std::string_view role, std::string_view content) {
  body += R"({"role":)";
  append_json_string(body, role);
  body += R"(,"content":)";
  append_json_string(body, content);
  body += '}';
}

Result<void> append_messages(std::string& body, ForeignJson& json, const JobContent& content) {
  if (!content.messages_json.empty()) {
    if (!first_element(json.parse(content.messages_json))) {
      return bad_job("messages must be a JSON array with an element");
    }
    body += without_blanks(content.messages_json);
    return {};
  }
  if (content.prompt.empty()) {
    return bad_job("the job asks for nothing: give it a prompt, messages or a body");
  }
  body += '[';
  if (!content.system.empty()) {
    append_message(body, "system", content.system);
    body += ',';
  }
  append_message(body, "user", content.prompt);
  body += ']';
  return {};
}

// Appends the members of the parameters to an object that is still open and has some.
// Precondition: `params_json` is an object.
void append_params(std::string& body, std::string_view params_json) {
  std::string_view members = without_blanks(params_json);
  members = without_blanks(members.substr(1, members.size() - 2));
  if (members.empty()) return;
  body += ',';
  body += members;
}

Result<std::string> chat_body(const JobContent& content, const Endpoint& endpoint) {
  ForeignJson json;
  const Result<JsonValue> params = read_params(json, content, {"model", "messages"});
  if (!params) return tl::unexpected<Error>(params.error());
  const auto choices = find_member(*params, "n");
  double count = 0;
  if (choices && (choices->get(count) != simdjson::SUCCESS || count != 1)) {
    return bad_job("params must not ask for several answers by n: one job has one answer");
  }
  std::string body = R"({"model":)";
  constexpr std::size_t names_bytes = 128;  // Quotes, braces and names; more is no fault.
  body.reserve(names_bytes + endpoint.model_id.size() + content.system.size() +
               content.prompt.size() + content.messages_json.size() + content.params_json.size());
  append_json_string(body, endpoint.model_id);
  body += R"(,"messages":)";
  Result<void> asked = append_messages(body, json, content);
  if (!asked) return pass(asked);
  append_params(body, content.params_json);
  body += '}';
  return body;
}

Result<std::string> image_body(const JobContent& content, const Endpoint& endpoint) {
  ForeignJson json;
  const Result<JsonValue> params = read_params(json, content, {"model", "prompt"});
  if (!params) return tl::unexpected<Error>(params.error());
  if (content.prompt.empty()) return bad_job("an image needs a prompt, or a whole body");
  std::optional<nlohmann::json> body = read_json(content.params_json);
  RB_ASSERT(body.has_value());
  // dall-e answers with a link that expires unless asked for the image itself; gpt-image always
  // sends the image, and refuses the parameter.
  if (endpoint.model_id.starts_with("dall-e-")) {
    const std::string_view format = text_of(find_member(*params, "response_format"));
    if (find_member(*params, "response_format") && format != "b64_json") {
      return bad_job("params.response_format must be b64_json: links are not followed");
    }
    (*body)["response_format"] = "b64_json";
  }
  (*body)["model"] = endpoint.model_id;
  (*body)["prompt"] = content.prompt;
  return written_json(*body);
}

Result<std::string> raw_body(const JobContent& content) {
  ForeignJson json;
  const auto body = json.parse(content.body_json);
  if (!body || !body->is_object()) return bad_job("body must be a JSON object");
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
    return bad_job("the url of a job must be a path such as /v1/chat/completions, not '" +
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
  return bad_job("unknown kind of model");
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
  constexpr std::size_t headers_max = 3;
  request.headers.reserve(headers_max);
  request.headers.push_back({"content-type", "application/json"});
  request.headers.push_back({"accept", "application/json"});
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
