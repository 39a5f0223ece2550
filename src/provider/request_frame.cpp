#include "provider/request_frame.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "ratebatch/base/text.hpp"
#include "ratebatch/json/reader.hpp"

namespace ratebatch::provider {
namespace {

// OpenAI's API reference: X-Client-Request-Id is ASCII, at most 512 characters, else 400. Other
// APIs ignore it, and their proxies log it.
constexpr std::size_t client_request_id_bytes_max = 512;

}  // namespace

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

HttpRequest framed_request(const JobContent& content, const Endpoint& endpoint, std::string url,
                           const MediaTypes& types) {
  HttpRequest request;
  request.url = std::move(url);
  constexpr std::size_t headers_max = 4;
  request.headers.reserve(headers_max);
  request.headers.push_back({"content-type", std::string(types.content)});
  request.headers.push_back({"accept", std::string(types.accept)});
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

Result<HttpRequest> posted(const JobContent& content, const Endpoint& endpoint,
                           std::string_view path, Result<std::string> body,
                           const MediaTypes& types) {
  if (!body) return pass(body);
  RB_TRY(url, joined_url(endpoint.base_url, path));
  HttpRequest request = framed_request(content, endpoint, std::move(*url), types);
  request.body = std::move(*body);
  return request;
}

Result<std::string> whole_body(const JobContent& content) {
  json::Parser parser;
  const auto body = parser.parse(content.body_json);
  if (!body || !body->is_object()) return bad_job("body must be a JSON object");
  // Asked to stream, a server sends events where we read one JSON value: paid and unreadable.
  const auto stream = json::find_member(body, "stream");
  if (stream && !json::is_false(*stream)) {
    return bad_job("body must not set stream: answers are read whole");
  }
  return content.body_json;
}

Result<void> check_messages(const JobContent& content) {
  json::Parser parser;
  if (json::first_element(parser.parse(content.messages_json))) return {};
  return bad_job("messages must be a JSON array with an element");
}

}  // namespace ratebatch::provider
