// What a reply means.
#include <utility>

#include "provider/elevenlabs.hpp"
#include "provider/openai_reply.hpp"
#include "provider/reply_frame.hpp"
#include "ratebatch/json/reader.hpp"

namespace ratebatch::provider {
namespace {

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
  json::Array channels;
  const auto transcripts = json::find_member(*body, "transcripts");
  const auto text = json::find_member(*body, "text");
  if (transcripts && transcripts->get(channels) == simdjson::SUCCESS) {
    for (const json::Value channel : channels) {
      if (!answer.text.empty()) answer.text += '\n';
      answer.text += json::text_of(json::find_member(channel, "text"));
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

Outcome ElevenLabsDialect::read(const HttpReply& reply, const Endpoint& /*endpoint*/,
                                const AskedFor& asked) const {
  return read_framed(reply, [&](const Reply& read) {
    return asked.kind == ModelKind::speech ? read_speech(read) : read_transcript(read);
  });
}

}  // namespace ratebatch::provider
