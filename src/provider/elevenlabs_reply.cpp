// What a reply means.
#include <utility>

#include "provider/elevenlabs.hpp"
#include "provider/foreign_json.hpp"
#include "provider/openai_reply.hpp"
#include "provider/reply_frame.hpp"

namespace ratebatch::provider {
namespace {

// Who asks for speakers, times or subtitles wants more than the text; see the request.
bool has_more_than_text(JsonValue body) {
  const auto word = first_element(find_member(body, "words"));
  return find_member(word, "start") || find_member(word, "speaker_id") ||
         first_element(find_member(body, "additional_formats")).has_value();
}

// One text, or one of each channel. Silence leaves it empty.
Outcome read_transcript(const Reply& reply) {
  ForeignJson json;
  const auto body = json.read(reply.http.body);
  if (!body || !body->is_object()) return unreadable_body(reply.http.body);
  if (find_member(*body, "detail")) return read_error_in(*body, reply);
  Answer answer;
  JsonArray channels;
  const auto transcripts = find_member(*body, "transcripts");
  const auto text = find_member(*body, "text");
  if (transcripts && transcripts->get(channels) == simdjson::SUCCESS) {
    for (const JsonValue channel : channels) {
      if (!answer.text.empty()) answer.text += '\n';
      answer.text += text_of(find_member(channel, "text"));
    }
  } else if (text && text->is_string()) {
    answer.text = text_of(text);
  } else {
    return unreadable("the reply has no transcript");
  }
  if (transcripts || has_more_than_text(*body)) answer.body_json = on_one_line(reply.http.body);
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
