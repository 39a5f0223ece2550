#include "provider/job_parts.hpp"

#include <algorithm>
#include <utility>

#include "provider/asset_bytes.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::provider {
namespace {

Json text_part(std::string text) { return {{"type", "text"}, {"text", std::move(text)}}; }

// The content of a message as parts; nullopt if it is neither a text nor a list of objects.
std::optional<Json> parts_of(const Json& message) {
  const Json* content = json::member(message, "content");
  if (content == nullptr) return std::nullopt;
  if (content->is_string()) return Json::array({text_part(content->get<std::string>())});
  const bool is_list = content->is_array() && !content->empty() &&
                       std::all_of(content->begin(), content->end(),
                                   [](const Json& part) { return part.is_object(); });
  return is_list ? std::optional(*content) : std::nullopt;
}

Result<void> add_message(const Json& message, std::size_t number, Conversation& conversation) {
  const std::string role = json::text_member(message, "role");
  const bool is_system = role == "system" || role == "developer";
  const bool is_model = role == "assistant" || role == "model";
  const std::string place = "message " + std::to_string(number);
  if (!is_system && !is_model && role != "user") {
    return bad_job(place + ": role '" + escaped(role, 40) +
                   "' cannot be expressed in this API; expected system, user or assistant, or give "
                   "the whole request as body");
  }
  std::optional<Json> parts = parts_of(message);
  if (!parts) return bad_job(place + ": content must be a text or a list of parts");
  if (is_system) {
    conversation.system.push_back(std::move(*parts));
  } else {
    conversation.turns.push_back({.is_model = is_model, .parts = std::move(*parts)});
  }
  return {};
}

Result<void> add_messages(std::string_view messages_json, Conversation& conversation) {
  const std::optional<Json> messages = json::parse_lenient(messages_json);
  if (!messages || !messages->is_array()) return bad_job("messages must be a JSON array");
  for (const Json& message : *messages) {
    const auto number = static_cast<std::size_t>(&message - &messages->front()) + 1;
    RB_TRY(added, add_message(message, number, conversation));
  }
  if (conversation.turns.empty()) return bad_job("messages must hold one of role user");
  return {};
}

Result<Json> written_turn(Turn& turn, std::span<const JobFile> files, const TurnForm& form) {
  Json parts = Json::array();
  for (const JobFile& file : files) {
    RB_TRY(part, form.file_part(file));
    parts.push_back(std::move(*part));
  }
  for (Json& own : turn.parts) {
    RB_TRY(part, form.own_part(std::move(own)));
    parts.push_back(std::move(*part));
  }
  return Json{{"role", turn.is_model ? form.model_role : "user"},
              {form.parts_member, std::move(parts)}};
}

}  // namespace

Result<Conversation> read_conversation(const JobContent& content) {
  Conversation conversation;
  if (!content.messages_json.empty()) {
    RB_TRY(added, add_messages(content.messages_json, conversation));
  } else if (content.prompt.empty() && content.files.empty()) {
    return bad_job("the job asks for nothing: give it a prompt, messages or a body");
  } else {
    Json parts = Json::array();
    if (!content.prompt.empty()) parts.push_back(text_part(content.prompt));
    conversation.turns.push_back({.is_model = false, .parts = std::move(parts)});
  }
  if (conversation.system.empty() && !content.system.empty()) {
    conversation.system.push_back(Json::array({text_part(content.system)}));
  }
  return conversation;
}

Result<Turn*> last_user_turn(Conversation& conversation) {
  const auto found = std::find_if(conversation.turns.rbegin(), conversation.turns.rend(),
                                  [](const Turn& turn) { return !turn.is_model; });
  if (found != conversation.turns.rend()) return &*found;
  return bad_job("files need a message of role user, to stand in");
}

Result<Json> written_turns(Conversation& conversation, std::span<const JobFile> files,
                           const TurnForm& form) {
  Turn* with_files = nullptr;
  if (!files.empty()) {
    RB_TRY(found, last_user_turn(conversation));
    with_files = *found;
  }
  Json turns = Json::array();
  for (Turn& turn : conversation.turns) {
    RB_TRY(written,
           written_turn(turn, &turn == with_files ? files : std::span<const JobFile>{}, form));
    turns.push_back(std::move(*written));
  }
  return turns;
}

std::string text_in_parts(const Json& parts) {
  std::string text;
  for (const Json& part : parts) {
    if (!text.empty()) text += '\n';
    text += json::text_member(part, "text");
  }
  return text;
}

Result<Json> plain_messages(const JobContent& content, bool with_system) {
  Json messages = Json::array();
  if (!content.messages_json.empty()) {
    RB_TRY(checked, check_messages(content));
    messages = json::parse_lenient(content.messages_json).value_or(Json::array());
  } else if (!content.prompt.empty()) {
    messages.push_back({{"role", "user"}, {"content", content.prompt}});
  }
  if (with_system && !content.system.empty() && !messages.empty()) {
    messages.insert(messages.begin(), Json{{"role", "system"}, {"content", content.system}});
  }
  return messages;
}

Result<NeutralParams> params_of_prompt(const JobContent& content, std::string_view what) {
  if (!content.files.empty()) return bad_job(std::string(what) + " takes no files");
  if (content.prompt.empty()) {
    return bad_job(std::string(what) + " needs a prompt, or a whole body");
  }
  return NeutralParams::read(content.params_json);
}

std::optional<MediaPart> media_in_part(const Json& part) {
  const std::string type = json::text_member(part, "type");
  if (type == "image_url") {
    const Json* image = json::member(part, "image_url");
    if (image == nullptr) return MediaPart{};
    std::string url =
        image->is_string() ? image->get<std::string>() : json::text_member(*image, "url");
    if (const auto inside = read_data_url(url)) {
      return MediaPart{.media_type = std::string(inside->media_type),
                       .base64 = std::string(inside->base64),
                       .url = {}};
    }
    return MediaPart{.media_type = {}, .base64 = {}, .url = std::move(url)};
  }
  if (type != "input_audio") return std::nullopt;
  const Json* audio = json::member(part, "input_audio");
  if (audio == nullptr) return MediaPart{};
  return MediaPart{.media_type = "audio/" + json::text_member(*audio, "format"),
                   .base64 = json::text_member(*audio, "data"),
                   .url = {}};
}

Result<std::string> own_body(const JobContent& content, std::string_view api) {
  if (content.path.empty()) return whole_body(content);
  return bad_job("a body written for " + escaped(content.path, 80) +
                 " of OpenAI's API means nothing to the api " + std::string(api) +
                 ": give prompt or messages, or another model");
}

Result<void> take_one_answer(NeutralParams& params) {
  const std::optional<Json> count = params.take("n");
  if (!count || *count == 1) return {};
  return bad_job("params must not ask for several answers by n: one job has one answer");
}

std::optional<Json> take_stops(NeutralParams& params) {
  std::optional<Json> stops = params.take("stop");
  if (stops && !stops->is_array()) stops = Json::array({std::move(*stops)});
  return stops;
}

Result<bool> take_json_format(NeutralParams& params) {
  RB_TRY(format, params.take_text("format"));
  if (!*format || **format == "text") return false;
  if (**format == "json") return true;
  return bad_job("params.format must be json or text here, not '" + escaped(**format, 40) + "'");
}

}  // namespace ratebatch::provider
