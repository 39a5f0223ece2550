// How a job becomes a request.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "provider/apis.hpp"
#include "provider/job_parts.hpp"
#include "provider/multipart.hpp"
#include "provider/neutral_params.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/base/url.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

constexpr std::string_view transcription_prompt =
    "Transcribe this audio. Answer with the transcript only.";

// The documentation of imageConfig.aspectRatio.
constexpr std::array<PictureSize, 10> aspect_ratios = {
    {{1, 1}, {2, 3}, {3, 2}, {3, 4}, {4, 3}, {4, 5}, {5, 4}, {9, 16}, {16, 9}, {21, 9}}};

// The sizes that the documentation lists for these ratios are up to 2.8 % off them (896x1152 is
// 4:5), and half of the least distance between two ratios is 3.1 %.
constexpr std::int64_t ratio_error_per_mille_max = 30;

// How far the ratio of the size is from this one, in thousandths of the latter.
std::int64_t ratio_error_per_mille(const PictureSize& size, const PictureSize& ratio) {
  const std::int64_t here = size.width * ratio.height;
  const std::int64_t there = size.height * ratio.width;
  return std::abs(here - there) * 1000 / there;
}

Result<std::string> aspect_ratio_of(const PictureSize& size) {
  std::string names;
  for (const PictureSize& ratio : aspect_ratios) {
    const std::string name = std::to_string(ratio.width) + ":" + std::to_string(ratio.height);
    if (ratio_error_per_mille(size, ratio) < ratio_error_per_mille_max) return name;
    names += (names.empty() ? "" : ", ") + name;
  }
  return bad_job("a picture of " + std::to_string(size.width) + "x" + std::to_string(size.height) +
                 " cannot be had from this API: its ratios are " + names);
}

Json inline_data(std::string_view type, std::string data) {
  return {{"inlineData", {{"mimeType", type}, {"data", std::move(data)}}}};
}

Result<Json> part_of_file(const JobFile& file) {
  const std::string_view type = media_type_of_file(file.path, file.bytes);
  if (type != "application/octet-stream") return inline_data(type, encode_base64(file.bytes));
  return bad_job("file '" + escaped(file.path, 80) +
                 "' cannot be sent to this API: its name does not tell a type; expected an image, "
                 "audio, pdf or txt");
}

// Parts of the API's own, which have no type, are left as they are.
Result<Json> part_of(Json part) {
  if (!part.contains("type")) return part;
  const std::optional<MediaPart> media = media_in_part(part);
  if (media && !media->base64.empty()) return inline_data(media->media_type, media->base64);
  if (media) {
    return bad_job(
        "messages hold a picture by its URL: this API takes only data URLs with base64, or files");
  }
  const std::string type = json::text_member(part, "type");
  if (type == "text") return Json{{"text", json::text_member(part, "text")}};
  return bad_job("messages hold a part of type '" + escaped(type, 40) +
                 "', which cannot be expressed in this API: give the whole request as body");
}

// What is to be done with a recording, where the job does not say.
Result<void> add_transcription_prompt(const JobContent& content, Conversation& conversation) {
  if (content.files.empty()) return bad_job("a transcription needs a file with the audio");
  RB_TRY(turn, last_user_turn(conversation));
  if ((*turn)->parts.empty()) (*turn)->parts.push_back({{"text", transcription_prompt}});
  return {};
}

Result<void> add_contents(const JobContent& content, Json& body) {
  RB_TRY(conversation, read_conversation(content));
  if (content.kind == ModelKind::transcription) {
    RB_TRY(prompted, add_transcription_prompt(content, *conversation));
  }
  RB_TRY(contents, written_turns(*conversation, content.files,
                                 {.model_role = "model",
                                  .parts_member = "parts",
                                  .file_part = part_of_file,
                                  .own_part = part_of}));
  body["contents"] = std::move(*contents);
  Json system = Json::array();
  for (const Json& parts : conversation->system) {
    system.push_back({{"text", text_in_parts(parts)}});
  }
  if (!system.empty()) body["systemInstruction"] = {{"parts", std::move(system)}};
  return {};
}

Result<void> add_image_config(NeutralParams& params, Json& config) {
  config["responseModalities"] = {"TEXT", "IMAGE"};
  RB_TRY(size, params.take_size());
  if (params.take("format")) {
    return bad_job("params.format of an image cannot be chosen in this API: leave it out");
  }
  if (!*size) return {};
  RB_TRY(ratio, aspect_ratio_of(**size));
  config["imageConfig"] = {{"aspectRatio", std::move(*ratio)}};
  return {};
}

Result<Json> generation_config(NeutralParams& params, ModelKind kind) {
  Json config = Json::object();
  if (kind == ModelKind::image) {
    RB_TRY(added, add_image_config(params, config));
  } else {
    RB_TRY(as_json, take_json_format(params));
    if (*as_json) config["responseMimeType"] = "application/json";
  }
  constexpr std::array<std::pair<const char*, const char*>, 7> config_names = {
      {{"max_tokens", "maxOutputTokens"},
       {"temperature", "temperature"},
       {"top_p", "topP"},
       {"top_k", "topK"},
       {"seed", "seed"},
       {"presence_penalty", "presencePenalty"},
       {"frequency_penalty", "frequencyPenalty"}}};
  for (const auto& [neutral, own] : config_names) params.move(neutral, config, own);
  if (auto stops = take_stops(params)) config["stopSequences"] = std::move(*stops);
  if (const auto own = params.take("generationConfig")) {
    if (!own->is_object()) return bad_job("params.generationConfig must be a JSON object");
    config.update(*own);
  }
  return config;
}

Result<std::string> body_of(const JobContent& content) {
  if (!content.body_json.empty()) {
    RB_TRY(own, own_body(content, "gemini"));
    // Its name stands in the URL, and the body has no such member.
    Json body = json::parse_lenient(*own).value_or(Json::object());
    body.erase("model");
    return json::written(body);
  }
  RB_TRY(params, NeutralParams::read(content.params_json));
  RB_TRY(one, take_one_answer(*params));
  RB_TRY(config, generation_config(*params, content.kind));
  Json body = Json::object();
  if (!config->empty()) body["generationConfig"] = std::move(*config);
  RB_TRY(asked, add_contents(content, body));
  return params->written_with(std::move(body),
                              {"model", "contents", "systemInstruction", "system_instruction"});
}

// "models/ID", where the id does not name a collection itself, such as tunedModels/ID.
std::string model_path(std::string_view id) {
  for (const std::string_view collection : {"models/", "tunedModels/"}) {
    if (id.starts_with(collection)) {
      return std::string(collection) + percent_encoded(id.substr(collection.size()));
    }
  }
  return "models/" + percent_encoded(id);
}

Result<void> check_kind(ModelKind kind) {
  switch (kind) {
    case ModelKind::chat:
    case ModelKind::image:
    case ModelKind::transcription:
      return {};
    case ModelKind::embedding:
      return bad_job(
          "the api gemini has no models of kind embedding here: use api: openai with the base_url "
          "https://generativelanguage.googleapis.com/v1beta/openai for them");
    case ModelKind::responses:
    case ModelKind::speech:
    case ModelKind::raw:
      break;
  }
  return bad_job("the api gemini has no models of kind " + std::string(to_string(kind)) +
                 ": expected chat, image or transcription");
}

}  // namespace

Result<HttpRequest> gemini_request(const JobContent& content, const Endpoint& endpoint) {
  RB_TRY(known, check_kind(endpoint.kind));
  RB_TRY(body, body_of(content));
  std::string url = endpoint.base_url + "/" + model_path(endpoint.model_id) + ":generateContent";
  HttpRequest request = framed_request(content, endpoint, std::move(url));
  request.body = std::move(*body);
  if (endpoint.kind == ModelKind::image) request.reply_files.members = {"data"};
  return request;
}

}  // namespace ratebatch::provider
