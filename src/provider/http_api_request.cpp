// How a job becomes a request.
#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "provider/apis.hpp"
#include "provider/job_parts.hpp"
#include "provider/multipart.hpp"
#include "provider/neutral_params.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/template_text.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/base/url.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

// What no parameter can stand for.
constexpr std::array<const char*, 8> own_names = {"prompt",   "system", "model",     "id",
                                                  "messages", "file",   "file_type", "file_name"};

// What the placeholders of an HttpApi stand for, of one job.
class TemplateValues {
 public:
  // Both outlive it. Fails with invalid_input if the parameters are no object or ask to be
  // streamed, and for more than one file.
  static Result<TemplateValues> read(const JobContent& content, const Endpoint& endpoint) {
    RB_TRY(params, NeutralParams::read(content.params_json));
    Json values = Json::object();
    RB_TRY(poured, params->pour(values, {}));
    if (content.files.size() > 1) {
      return bad_job("the api http sends one file of a job, and this one has " +
                     std::to_string(content.files.size()));
    }
    RB_TRY(messages, plain_messages(content, true));
    for (const char* name : own_names) values.erase(name);
    const std::array<std::pair<const char*, const std::string*>, 4> texts = {
        {{"prompt", &content.prompt},
         {"system", &content.system},
         {"model", &endpoint.model_id},
         {"id", &content.id}}};
    for (const auto& [name, text] : texts) {
      if (!text->empty()) values[name] = *text;
    }
    if (!messages->empty()) values["messages"] = std::move(*messages);
    if (!content.files.empty()) {
      const JobFile& file = content.files.front();
      values["file_type"] = media_type_of_file(file.path, file.bytes);
      values["file_name"] = file_name_of(file.path);
    }
    return TemplateValues(content, std::move(values));
  }

  // A template filled in; values that are no text as their JSON text, percent-encoded where the
  // text is for a URL. Fails with invalid_input for what is no template, or misses a value.
  Result<std::string> text(std::string_view text, bool for_url) {
    RB_TRY(parsed, TextTemplate::parse(text));
    Variables variables;
    for (const std::string& name : parsed->names()) {
      const Json* value = find(name);
      if (value == nullptr) continue;
      std::string as_text = json::as_text(*value);
      // The slashes of a model's id part it into owner and name: there they have to stay.
      const bool keeps_slashes = name == "model";
      variables[name] =
          for_url ? percent_encoded(as_text, keeps_slashes ? "/" : "") : std::move(as_text);
    }
    return parsed->render(variables);
  }

  // A JSON value whose strings are templates; nullopt if it is left out. Fails likewise.
  Result<std::optional<Json>> filled(const Json& value) {
    if (value.is_string()) return filled_text(value.get_ref<const std::string&>());
    if (!value.is_structured()) return value;
    Json made = value.is_array() ? Json::array() : Json::object();
    for (const auto& [name, inner] : value.items()) {
      RB_TRY(one, filled(inner));
      if (!*one) continue;
      if (made.is_array()) {
        made.push_back(std::move(**one));
      } else {
        made[name] = std::move(**one);
      }
    }
    return made;
  }

  // Fails with invalid_input, naming it, where the job has something that was never asked for.
  [[nodiscard]] Result<void> check_all_used() const {
    const auto is_lost = [&](const char* name, const std::string& text) {
      return !text.empty() && !used_.contains(name);
    };
    const auto lost = [](const std::string& what, const std::string& name) {
      return bad_job("the http: description names no {{" + name + "}}, so that " + what +
                     " would be lost");
    };
    if (!used_.contains("messages")) {  // They hold the prompt and the system text too.
      if (!content_->messages_json.empty()) return lost("the job's messages", "messages");
      if (is_lost("prompt", content_->prompt)) return lost("the job's prompt", "prompt");
      if (is_lost("system", content_->system)) return lost("the job's system text", "system");
    }
    if (!content_->files.empty() && !used_.contains("file")) return lost("the job's file", "file");
    for (const auto& [name, value] : values_.items()) {
      const bool is_own = std::find(own_names.begin(), own_names.end(), name) != own_names.end();
      if (!is_own && !value.is_null() && !used_.contains(name)) {
        return lost("params." + escaped(name, 60), escaped(name, 60));
      }
    }
    return {};
  }

 private:
  TemplateValues(const JobContent& content, Json values)
      : content_(&content), values_(std::move(values)) {}

  Result<std::optional<Json>> filled_text(const std::string& text) {
    RB_TRY(parsed, TextTemplate::parse(text));
    if (parsed->is_one_placeholder()) {
      const Json* value = find(parsed->names().front());
      if (value != nullptr) return *value;
      const Result<std::string> fallback = parsed->render({});
      if (!fallback || fallback->empty()) return std::nullopt;
    }
    RB_TRY(rendered, this->text(text, false));
    return Json(std::move(*rendered));
  }

  const Json* find(const std::string& name) {
    used_.insert(name);
    // Made only where it is named: it may be large.
    const bool is_new_file =
        name == "file" && !content_->files.empty() && !values_.contains("file");
    if (is_new_file) values_["file"] = encode_base64(content_->files.front().bytes);
    return json::member(values_, name.c_str());
  }

  const JobContent* content_;
  Json values_;  // An object.
  std::set<std::string> used_;
};

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
