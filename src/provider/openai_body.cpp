// The bodies of requests that are no chat.
#include "provider/openai_body.hpp"

#include <optional>
#include <utility>

#include "provider/job_parts.hpp"
#include "provider/multipart.hpp"
#include "provider/neutral_params.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

Result<void> check_prompt_only(const JobContent& content, std::string_view what) {
  if (!content.files.empty()) return bad_job(std::string(what) + " takes no files");
  if (content.prompt.empty())
    return bad_job(std::string(what) + " needs a prompt, or a whole body");
  return {};
}

// The body is complete: what remains of the parameters goes in as it is.
Result<std::string> finished(NeutralParams& params, Json& body,
                             std::initializer_list<const char*> reserved) {
  Result<void> poured = params.pour(body, reserved);
  if (!poured) return pass(poured);
  return json::written(body);
}

// The models whose pictures have a size of one text. Other servers' models may know sides, or words
// for sizes: theirs goes as it stands.
bool is_of_openai(std::string_view model_id) {
  return model_id.starts_with("gpt-image") || model_id.starts_with("chatgpt-image") ||
         model_id.starts_with("dall-e-");
}

Result<void> put_size(NeutralParams& params, Json& body) {
  const Result<std::optional<PictureSize>> size = params.take_size();
  if (!size) return tl::unexpected<Error>(size.error());
  if (*size) {
    body["size"] = std::to_string((*size)->width) + "x" + std::to_string((*size)->height);
  }
  return {};
}

// What a form's field holds: texts as they are, all else as its JSON.
std::string field_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : json::written(value);
}

// A list becomes a field per element, named "name[]" as the API reference has it.
void add_param(MultipartBody& form, const std::string& name, const Json& value) {
  if (!value.is_array()) return form.add_field(name, field_text(value));
  for (const Json& element : value) form.add_field(name + "[]", field_text(element));
}

}  // namespace

Result<std::string> responses_body(const JobContent& content, const Endpoint& endpoint) {
  Result<NeutralParams> params = NeutralParams::read(content.params_json);
  if (!params) return pass(params);
  Json body = {{"model", endpoint.model_id}};
  if (!content.files.empty()) {
    Result<Json> input = messages_with_files(content, ModelKind::responses);
    if (!input) return pass(input);
    body["input"] = std::move(*input);
  } else if (!content.messages_json.empty()) {
    Result<void> checked = check_messages(content);
    if (!checked) return pass(checked);
    body["input"] = json::parse_lenient(content.messages_json).value_or(Json());
  } else if (!content.prompt.empty()) {
    body["input"] = content.prompt;
  } else {
    return bad_job("the job asks for nothing: give it a prompt, messages or a body");
  }
  if (!content.system.empty()) body["instructions"] = content.system;
  const std::optional<Json> background = params->take("background");
  if (background && *background != false) {
    return bad_job("params must not set background: answers are read whole");
  }
  const Result<bool> as_json = take_json_format(*params);
  if (!as_json) return tl::unexpected<Error>(as_json.error());
  if (*as_json) body["text"] = {{"format", {{"type", "json_object"}}}};
  params->move("max_tokens", body, "max_output_tokens");
  return finished(*params, body, {"model", "input", "instructions"});
}

Result<std::string> embedding_body(const JobContent& content, const Endpoint& endpoint) {
  Result<void> checked = check_prompt_only(content, "an embedding");
  if (!checked) return pass(checked);
  Result<NeutralParams> params = NeutralParams::read(content.params_json);
  if (!params) return pass(params);
  Json body = {{"model", endpoint.model_id}, {"input", content.prompt}};
  return finished(*params, body, {"model", "input"});
}

Result<std::string> speech_body(const JobContent& content, const Endpoint& endpoint,
                                std::string_view default_voice) {
  Result<void> checked = check_prompt_only(content, "speech");
  if (!checked) return pass(checked);
  Result<NeutralParams> params = NeutralParams::read(content.params_json);
  if (!params) return pass(params);
  Json body = {{"model", endpoint.model_id}, {"input", content.prompt}};
  if (!content.system.empty()) body["instructions"] = content.system;
  // A text, or an object that names a voice of one's own.
  std::optional<Json> voice = params->take("voice");
  if (!voice && default_voice.empty()) {
    return bad_job("speech of this provider needs a voice: set params.voice");
  }
  body["voice"] = voice ? std::move(*voice) : Json(default_voice);
  const std::optional<Json> stream_format = params->take("stream_format");
  if (stream_format && *stream_format != "audio") {
    return bad_job("params.stream_format must be audio: events are not read");
  }
  params->move("format", body, "response_format");
  return finished(*params, body, {"model", "input"});
}

Result<std::string> image_body(const JobContent& content, const Endpoint& endpoint) {
  Result<void> checked = check_prompt_only(content, "an image");
  if (!checked) return pass(checked);
  Result<NeutralParams> params = NeutralParams::read(content.params_json);
  if (!params) return pass(params);
  Json body = {{"model", endpoint.model_id}, {"prompt", content.prompt}};
  if (is_of_openai(endpoint.model_id)) {
    Result<void> sized = put_size(*params, body);
    if (!sized) return pass(sized);
  }
  if (endpoint.model_id.starts_with("dall-e-")) {
    // It answers with a link that expires unless asked for the image itself, a PNG; gpt-image
    // always sends the image, and refuses the parameter.
    const std::optional<Json> format = params->take("format");
    if (format && *format != "png") {
      return bad_job("params.format of a dall-e model must be png: it makes nothing else");
    }
    body["response_format"] = "b64_json";
  } else {
    params->move("format", body, "output_format");
  }
  return finished(*params, body, {"model", "prompt"});
}

Result<std::string> transcription_body(const JobContent& content, const Endpoint& endpoint,
                                       std::string& content_type) {
  if (content.files.size() != 1) {
    return bad_job("a transcription needs exactly one file, and the job names " +
                   std::to_string(content.files.size()) + ": set files");
  }
  if (!content.messages_json.empty()) return bad_job("a transcription takes no messages");
  Result<NeutralParams> params = NeutralParams::read(content.params_json);
  if (!params) return pass(params);
  Json fields = {{"response_format", "json"}};
  params->move("format", fields, "response_format");
  Result<void> poured = params->pour(fields, {"model", "file", "prompt"});
  if (!poured) return pass(poured);

  MultipartBody form(content.id);
  form.add_field("model", endpoint.model_id);
  if (!content.prompt.empty()) form.add_field("prompt", content.prompt);
  for (const auto& [name, value] : fields.items()) {
    if (!value.is_null()) add_param(form, name, value);
  }
  const JobFile& file = content.files.front();
  form.add_file("file", file_name_of(file.path), media_type_of(file.path), file.bytes);
  content_type = form.content_type();
  return form.finish();
}

}  // namespace ratebatch::provider
