// The bodies of OpenAI's requests, one function per kind of model. All fail with invalid_input
// where the job cannot be expressed, with what is missing or wrong.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/json/json_fwd.hpp"
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

// The body of a form with one file; `content_type` becomes its type. format goes as
// response_format, and is json where none is given.
Result<std::string> transcription_body(const JobContent& content, const Endpoint& endpoint,
                                       std::string& content_type);

// The messages of a chat, or the input of responses, with the job's files as parts of the last one.
// Precondition: there are files.
Result<Json> messages_with_files(const JobContent& content, ModelKind kind);

}  // namespace ratebatch::provider
