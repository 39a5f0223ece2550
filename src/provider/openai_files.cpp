// Files of a job as parts of what is asked.
#include <optional>
#include <string>
#include <utility>

#include "provider/multipart.hpp"
#include "provider/openai_body.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

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

// The job's messages, or those that its prompt makes.
Result<Json> messages_of(const JobContent& content, ModelKind kind) {
  Json messages = Json::array();
  if (!content.messages_json.empty()) {
    Result<void> checked = check_messages(content);
    if (!checked) return pass(checked);
    messages = json::parse_lenient(content.messages_json).value_or(Json::array());
  } else if (!content.prompt.empty()) {
    messages.push_back({{"role", "user"}, {"content", content.prompt}});
  } else {
    return bad_job("the job asks for nothing about its files: give it a prompt or messages");
  }
  // Responses have a member for it.
  if (!content.system.empty() && kind == ModelKind::chat) {
    messages.insert(messages.begin(), Json{{"role", "system"}, {"content", content.system}});
  }
  return messages;
}

}  // namespace

Result<Json> messages_with_files(const JobContent& content, ModelKind kind) {
  Result<Json> messages = messages_of(content, kind);
  if (!messages) return messages;
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
    Result<Json> part = part_of(file, kind);
    if (!part) return part;
    parts.push_back(std::move(*part));
  }
  last["content"] = std::move(parts);
  return messages;
}

}  // namespace ratebatch::provider
