// The parts of OpenAI's 2xx replies, one function per kind of model.
#pragma once

#include "provider/reply_frame.hpp"
#include "ratebatch/json/reader.hpp"

namespace ratebatch::provider {

// The error that `value` holds as its member "error", classified as its code says.
Outcome read_error_in(json::Value value, const Reply& reply);

// The tokens that the member "usage" of `value` tells, under the names of any kind.
void add_usage(json::Value value, Usage& usage);

// Each reads the JSON of a reply that has no error at its top. `raw_body`: the job gave its own,
// and the caller keeps the reply's: what is no text is then no fault.
Outcome read_chat(json::Value value, const Reply& reply, bool raw_body);
Outcome read_responses(json::Value value, bool raw_body);
Outcome read_embeddings(json::Value value, const Reply& reply);
// Pictures become assets, or links where the server sends those. Those of a raw body stay where
// they are in the body, unless the transport has put them into files.
Outcome read_images(json::Value value, const Reply& reply, bool raw_body);

// Sound, which stands for itself; JSON instead of it is an error.
Outcome read_speech(const Reply& reply);

// JSON with a text, which silence leaves empty, or subtitles as plain text. JSON that says when
// what was spoken is kept as a whole.
Outcome read_transcription(const Reply& reply);

}  // namespace ratebatch::provider
