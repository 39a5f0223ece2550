// ElevenLabs' API.
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "provider/apis.hpp"
#include "provider/job_parts.hpp"
#include "provider/multipart.hpp"
#include "provider/neutral_params.hpp"
#include "provider/reply_frame.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/url.hpp"
#include "ratebatch/json/reader.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

// The API reference, output_format: sound without compression at 44.1 kHz is for the dearer plans
// only, at 24 kHz for all.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> common_formats = {
    {{"mp3", "mp3_44100_128"},
     {"wav", "wav_24000"},
     {"pcm", "pcm_24000"},
     {"opus", "opus_48000_128"},
     {"ulaw", "ulaw_8000"},
     {"alaw", "alaw_8000"}}};

std::string_view output_format(std::string_view format) {
  for (const auto& [name, own] : common_formats) {
    if (format == name) return own;
  }
  return format;
}

// "?output_format=...&...": what the API reads from the URL only.
Result<std::string> query_of(NeutralParams& params) {
  RB_TRY(format, params.take_text("format"));
  RB_TRY(own, params.take_text("output_format"));
  const std::string chosen = own->value_or(format->value_or("mp3"));
  std::string query = "?output_format=" + percent_encoded(output_format(chosen));
  for (const char* name : {"enable_logging", "optimize_streaming_latency"}) {
    if (const auto value = params.take(name)) {
      query += "&" + std::string(name) + "=" + percent_encoded(json::as_text(*value));
    }
  }
  return query;
}

Result<void> add_speed(NeutralParams& params, Json& body) {
  std::optional<Json> settings = params.take("voice_settings");
  if (settings && !settings->is_object()) {
    return bad_job("params.voice_settings must be a JSON object");
  }
  if (auto speed = params.take("speed")) {
    if (!settings) settings = Json::object();
    settings->emplace("speed", std::move(*speed));  // What the settings say themselves wins.
  }
  if (settings) body["voice_settings"] = std::move(*settings);
  return {};
}

Result<std::string> voice_of(NeutralParams& params) {
  RB_TRY(voice, params.take_text("voice"));
  const std::string id = voice->value_or("");
  // A path of dots would leave its folder.
  if (!id.empty() && id != "." && id != "..") return percent_encoded(id);
  return bad_job("a speech of this API needs params.voice: the id of one of its voices");
}

Result<HttpRequest> speech_request(const JobContent& content, const Endpoint& endpoint) {
  if (content.prompt.empty()) return bad_job("a speech needs a prompt: the text to speak");
  if (!content.system.empty()) {
    return bad_job("a speech takes no system text: give the type of this job none");
  }
  RB_TRY(params, NeutralParams::read(content.params_json));
  RB_TRY(voice, voice_of(*params));
  RB_TRY(query, query_of(*params));
  Json body = {{"text", content.prompt}, {"model_id", endpoint.model_id}};
  RB_TRY(speed, add_speed(*params, body));
  params->move("language", body, "language_code");
  Result<HttpRequest> request = posted(
      content, endpoint, "/text-to-speech/" + *voice + *query,
      params->written_with(std::move(body), {"model", "model_id", "text"}), {.accept = "*/*"});
  if (request) request->reply_files.binary_body = true;
  return request;
}

Result<HttpRequest> elevenlabs_transcription(const JobContent& content, const Endpoint& endpoint) {
  if (content.files.size() != 1) {
    return bad_job("a transcription needs exactly one file, and the job has " +
                   std::to_string(content.files.size()));
  }
  if (!content.prompt.empty() || !content.system.empty()) {
    return bad_job("a transcription of this API takes no prompt and no system text");
  }
  RB_TRY(params, NeutralParams::read(content.params_json));
  Json fields = {{"model_id", endpoint.model_id}};
  params->move("language", fields, "language_code");
  // A webhook gets the answer instead of us, and a source URL says what the file says.
  RB_TRY(poured, params->pour(fields, {"model", "model_id", "file", "webhook", "cloud_storage_url",
                                       "source_url"}));
  // The times of all words come unasked, and are many times the text.
  const bool needs_times = fields.contains("diarize") || fields.contains("additional_formats");
  if (!needs_times) fields.emplace("timestamps_granularity", "none");
  MultipartBody body(content.id);
  for (const auto& [name, value] : fields.items()) body.add_field(name, json::as_text(value));
  const JobFile& file = content.files.front();
  body.add_file("file", file_name_of(file.path), media_type_of_file(file.path, file.bytes),
                file.bytes);
  const std::string content_type = body.content_type();
  return posted(content, endpoint, "/speech-to-text", body.finish(), {.content = content_type});
}

// Who asks for speakers, times or subtitles wants more than the text; see the request.
bool has_more_than_text(json::Value body) {
  const auto word = json::first_element(json::find_member(body, "words"));
  return json::find_member(word, "start") || json::find_member(word, "speaker_id") ||
         json::first_element(json::find_member(body, "additional_formats")).has_value();
}

// One text, or one of each channel. Silence leaves it empty.
Outcome read_transcript(const Reply& reply) {
  json::Parser parser;
  const auto body = parser.parse_lenient(reply.http.body);
  if (!body || !body->is_object()) return unreadable_body(reply.http.body);
  if (json::find_member(*body, "detail")) return read_error_in(*body, reply);
  Answer answer;
  const auto transcripts = json::find_member(*body, "transcripts");
  const auto text = json::find_member(*body, "text");
  if (transcripts && transcripts->is_array()) {
    for (const json::Value channel : json::elements_of(transcripts)) {
      if (!answer.text.empty()) answer.text += '\n';
      answer.text += json::text_member(channel, "text");
    }
  } else if (text && text->is_string()) {
    answer.text = json::text_of(text);
  } else {
    return unreadable("the reply has no transcript");
  }
  if (transcripts || has_more_than_text(*body))
    answer.body_json = json::on_one_line(reply.http.body);
  return answered(std::move(answer));
}

}  // namespace

Result<HttpRequest> elevenlabs_request(const JobContent& content, const Endpoint& endpoint) {
  const bool is_speech = endpoint.kind == ModelKind::speech;
  if (!is_speech && endpoint.kind != ModelKind::transcription) {
    return bad_job("the api elevenlabs has no models of kind " +
                   std::string(to_string(endpoint.kind)) + ": expected speech or transcription");
  }
  if (!content.body_json.empty() || !content.messages_json.empty()) {
    return bad_job("a job of the api elevenlabs has no body and no messages: give it " +
                   std::string(is_speech ? "a prompt" : "a file"));
  }
  return is_speech ? speech_request(content, endpoint)
                   : elevenlabs_transcription(content, endpoint);
}

Outcome read_elevenlabs(const HttpReply& reply, const Endpoint& /*endpoint*/,
                        const AskedFor& asked) {
  return read_framed(reply, [&](const Reply& read) {
    return asked.kind == ModelKind::speech ? read_speech(read) : read_transcript(read);
  });
}

}  // namespace ratebatch::provider
