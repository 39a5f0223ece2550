// How a job becomes a request.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "provider/apis.hpp"
#include "provider/job_parts.hpp"
#include "provider/request_frame.hpp"
#include "provider/template_values.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

tl::unexpected<Error> bad_description(std::string_view member, const std::string& what) {
  return bad_job("http: " + std::string(member) + ": " + what);
}

// Whether a part between slashes would be taken for this folder or the one above.
bool has_dot_segment(std::string_view path) {
  const std::string folders = std::string(parted(path, '?').before) + "/";
  return contains(folders, "/./") || contains(folders, "/../");
}

Result<std::string> url_of(const HttpApi& api, const std::string& base_url,
                           TemplateValues& values) {
  Result<std::string> path = values.text(api.path, true);
  if (!path) return bad_description("path", path.error().message);
  const bool is_below = path->empty() || path->starts_with('/') || path->starts_with('?');
  const bool is_plain =
      is_printable_ascii(*path) && path->find_first_of(" \\#") == std::string::npos;
  if (!is_below || !is_plain || has_dot_segment(*path)) {
    return bad_description("path", "'" + escaped(*path, 120) +
                                       "' is no path below base_url; expected for example "
                                       "/v1/generate, in plain letters");
  }
  return base_url + *path;
}

// One of the user's own stands instead of ours of that name.
Result<void> set_headers(const HttpApi& api, TemplateValues& values, HttpRequest& request) {
  for (const auto& [name, text] : api.headers) {
    if (equal_ignoring_case(name, api.key_header)) {
      return bad_description("headers", name + " is the header of the key: leave it out");
    }
    Result<std::string> value = values.text(text, false);
    if (!value) return bad_description("headers", name + ": " + value.error().message);
    if (has_control_byte(*value)) {
      return bad_description("headers", name + " would hold a line end or another control byte");
    }
    std::erase_if(request.headers, [&own = name](const Header& header) {
      return equal_ignoring_case(header.name, own);
    });
    if (!value->empty()) request.headers.push_back({.name = name, .value = std::move(*value)});
  }
  return {};
}

Result<std::string> body_of(const HttpApi& api, const JobContent& content, TemplateValues& values) {
  if (!content.body_json.empty()) return own_body(content, "http");
  if (api.body_json.empty()) return std::string();
  const auto form = json::parse_lenient(api.body_json);
  if (!form) return bad_description("body", "it is no JSON");
  Result<std::optional<Json>> body = values.filled(*form);
  if (!body) return bad_description("body", body.error().message);
  if (!*body) return bad_description("body", "the job has no value for it");
  return json::written(**body);
}

// The member in which a base64 stands, by the last part of its pointer; empty for elements of an
// array: those stay in the body.
std::string member_of_pointer(const std::string& pointer) {
  if (pointer.empty()) return {};
  std::string name = Json::json_pointer(pointer).back();
  return std::all_of(name.begin(), name.end(), is_digit) ? std::string() : name;
}

ReplyFiles reply_files(const HttpApi& api, ModelKind kind) {
  ReplyFiles files;
  if (kind != ModelKind::image && kind != ModelKind::speech) return files;
  files.binary_body = api.result.empty();
  std::string name = member_of_pointer(api.result);
  if (!name.empty()) files.members.push_back(std::move(name));
  return files;
}

}  // namespace

Result<HttpRequest> described_request(const JobContent& content, const Endpoint& endpoint) {
  RB_ASSERT(endpoint.http.has_value());
  const HttpApi& api = *endpoint.http;
  RB_TRY(values, TemplateValues::read(content, endpoint));
  RB_TRY(url, url_of(api, endpoint.base_url, *values));
  RB_TRY(body, body_of(api, content, *values));
  HttpRequest request = framed_request(content, endpoint, std::move(*url), {.accept = "*/*"});
  request.method = api.method;
  if (body->empty()) {
    std::erase_if(request.headers, [](const Header& h) { return h.name == "content-type"; });
  }
  request.body = std::move(*body);
  RB_TRY(set, set_headers(api, *values, request));
  RB_TRY(used, values->check_all_used());
  request.reply_files = reply_files(api, endpoint.kind);
  return request;
}

}  // namespace ratebatch::provider
