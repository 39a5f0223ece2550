// Most chats are a prompt and a few parameters: those are written without building their JSON
// first.
#include "provider/openai_chat.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "provider/job_parts.hpp"
#include "provider/multipart.hpp"
#include "provider/neutral_params.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/reader.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

// OpenAI, guide on reasoning: these refuse max_tokens on chats, and want max_completion_tokens.
bool thinks_first(std::string_view model_id) {
  constexpr std::array<std::string_view, 4> families = {"o1", "o3", "o4", "gpt-5"};
  for (const std::string_view prefix : families) {
    if (!model_id.starts_with(prefix)) continue;
    // "o1-mini" and "gpt-5.1", but not "o100".
    const std::string_view rest = model_id.substr(prefix.size());
    if (rest.empty() || rest.front() == '-' || rest.front() == '.') return true;
  }
  return false;
}

// Whether the parameters can go as they stand: an object without any that is refused, means
// nothing, or goes by another name.
bool are_plain(std::string_view params_json, std::string_view model_id) {
  json::Parser parser;
  const auto params = json::as<json::Object>(parser.parse(params_json));
  return params && std::none_of(params->begin(), params->end(), [&](const auto& param) {
           return param.key == "model" || param.key == "messages" || param.key == "stream" ||
                  param.key == "n" || param.key == "format" ||
                  (param.key == "max_tokens" && thinks_first(model_id));
         });
}

// The parameters by their names in the API.
Result<std::string> own_params(std::string_view params_json, std::string_view model_id) {
  RB_TRY(params, NeutralParams::read(params_json));
  RB_TRY(one, take_one_answer(*params));
  RB_TRY(as_json, take_json_format(*params));
  Json own = Json::object();
  if (*as_json) own["response_format"] = {{"type", "json_object"}};
  if (thinks_first(model_id)) params->move("max_tokens", own, "max_completion_tokens");
  return params->written_with(std::move(own), {"model", "messages"});
}

// API reference: pictures are PNG, JPEG, WEBP or GIF, and their URL may hold them.
bool is_picture(std::string_view media_type) { return media_type.starts_with("image/"); }

std::string data_url(std::string_view media_type, std::string_view bytes) {
  return "data:" + std::string(media_type) + ";base64," + encode_base64(bytes);
}

tl::unexpected<Error> not_taken(const JobFile& file, std::string_view media_type,
                                std::string_view taken) {
  return bad_job("the file '" + escaped(file.path) + "' is of type " + std::string(media_type) +
                 ", and this model takes " + std::string(taken));
}

Result<Json> part_of(const JobFile& file, ModelKind kind) {
  const std::string type(media_type_of_file(file.path, file.bytes));
  if (kind == ModelKind::responses) {
    if (!is_picture(type)) return not_taken(file, type, "pictures only");
    return Json{{"type", "input_image"}, {"image_url", data_url(type, file.bytes)}};
  }
  if (is_picture(type)) {
    return Json{{"type", "image_url"}, {"image_url", {{"url", data_url(type, file.bytes)}}}};
  }
  if (type != "audio/wav" && type != "audio/mpeg") {
    return not_taken(file, type, "pictures, and audio as WAV or MP3");
  }
  const std::string_view format = type == "audio/wav" ? "wav" : "mp3";
  return Json{{"type", "input_audio"},
              {"input_audio", {{"data", encode_base64(file.bytes)}, {"format", format}}}};
}

Json text_part(std::string_view text, ModelKind kind) {
  return {{"type", kind == ModelKind::responses ? "input_text" : "text"}, {"text", text}};
}

void append_message(std::string& body, std::string_view role, std::string_view content) {
  body += R"({"role":)";
  append_json_string(body, role);
  body += R"(,"content":)";
  append_json_string(body, content);
  body += '}';
}

Result<void> append_messages(std::string& body, const JobContent& content) {
  if (!content.files.empty()) {
    RB_TRY(messages, messages_with_files(content, ModelKind::chat));
    body += json::written(*messages);
    return {};
  }
  if (content.messages_json.empty() && content.prompt.empty()) {
    return bad_job("the job asks for nothing: give it a prompt, messages or a body");
  }
  body += '[';
  if (!content.system.empty()) {
    append_message(body, "system", content.system);
    body += ',';
  }
  if (content.messages_json.empty()) {
    append_message(body, "user", content.prompt);
    body += ']';
  } else {
    RB_TRY(messages, check_messages(content));
    body += trimmed(content.messages_json).substr(1);  // Behind its bracket; it is not empty.
  }
  return {};
}

// Appends the members of the parameters to an object that is still open and has some.
// Precondition: `params_json` is an object.
void append_params(std::string& body, std::string_view params_json) {
  std::string_view members = trimmed(params_json);
  members = trimmed(members.substr(1, members.size() - 2));
  if (members.empty()) return;
  body += ',';
  body += members;
}

}  // namespace

Result<std::string> chat_body(const JobContent& content, const Endpoint& endpoint) {
  std::string_view params = content.params_json;
  std::string changed_params;
  if (!are_plain(params, endpoint.model_id)) {
    RB_TRY(changed, own_params(params, endpoint.model_id));
    changed_params = std::move(*changed);
    params = changed_params;
  }
  std::string body = R"({"model":)";
  constexpr std::size_t names_bytes = 128;  // Quotes, braces and names; more is no fault.
  body.reserve(names_bytes + endpoint.model_id.size() + content.system.size() +
               content.prompt.size() + content.messages_json.size() + params.size());
  append_json_string(body, endpoint.model_id);
  body += R"(,"messages":)";
  RB_TRY(asked, append_messages(body, content));
  append_params(body, params);
  body += '}';
  return body;
}

Result<Json> messages_with_files(const JobContent& content, ModelKind kind) {
  // Responses have a member for the system text.
  RB_TRY(messages, plain_messages(content, kind == ModelKind::chat));
  if (messages->empty()) {
    return bad_job("the job asks for nothing about its files: give it a prompt or messages");
  }
  Json& last = messages->back();
  const Json* old_content = json::member(last, "content");
  if (json::text_member(last, "role") != "user" || old_content == nullptr) {
    return bad_job("files go with the last message, which must be one of role user with content");
  }
  Json parts = Json::array();
  if (old_content->is_array()) parts = *old_content;
  if (old_content->is_string()) {
    parts.push_back(text_part(old_content->get_ref<const std::string&>(), kind));
  }
  for (const JobFile& file : content.files) {
    RB_TRY(part, part_of(file, kind));
    parts.push_back(std::move(*part));
  }
  last["content"] = std::move(parts);
  return messages;
}

}  // namespace ratebatch::provider
