// The bodies of OpenAI's requests and the parts of its 2xx replies, one function per kind of model.
// All that make a body fail with invalid_input if the job cannot be expressed, with what is missing
// or wrong.
#pragma once

#include <string>
#include <string_view>

#include "provider/reply_frame.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/json/reader.hpp"
#include "ratebatch/model/job_content.hpp"

namespace ratebatch::provider {

// Parameters by their neutral names: max_tokens goes as max_completion_tokens to models that think
// first and refuse the older name; format "json" as response_format. Files become parts of the last
// message.
Result<std::string> chat_body(const JobContent& content, const Endpoint& endpoint);

// max_tokens goes as max_output_tokens, format "json" as text.format.
Result<std::string> responses_body(const JobContent& content, const Endpoint& endpoint);

// The parameter dimensions and others pass as they are.
Result<std::string> embedding_body(const JobContent& content, const Endpoint& endpoint);

// `default_voice` is taken where the job names none; empty: it must. format goes as
// response_format, the system text as instructions.
Result<std::string> speech_body(const JobContent& content, const Endpoint& endpoint,
                                std::string_view default_voice);

// For OpenAI's own models width and height go as size, and "auto" as none, which means the same.
// format goes as output_format, but to dall-e, which makes PNG only.
Result<std::string> image_body(const JobContent& content, const Endpoint& endpoint);

constexpr std::string_view transcription_path = "/audio/transcriptions";

// The whole request: its body is a form with one file. format goes as response_format, and is json
// if none is given.
Result<HttpRequest> openai_transcription(const JobContent& content, const Endpoint& endpoint);

// The messages of a chat, or the input of responses, with the job's files as parts of the last one.
// Precondition: there are files.
Result<Json> messages_with_files(const JobContent& content, ModelKind kind);

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
