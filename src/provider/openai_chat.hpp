// The body of a chat in OpenAI's form. Both fail with invalid_input if the job cannot be expressed,
// with what is missing or wrong.
#pragma once

#include <string>

#include "ratebatch/base/result.hpp"
#include "ratebatch/json/json_fwd.hpp"
#include "ratebatch/model/job_content.hpp"

namespace ratebatch::provider {

// Parameters by their neutral names: max_tokens goes as max_completion_tokens to models that think
// first and refuse the older name; format "json" as response_format. Files become parts of the last
// message.
Result<std::string> chat_body(const JobContent& content, const Endpoint& endpoint);

// The messages of a chat, or the input of responses, with the job's files as parts of the last one.
// Precondition: there are files.
Result<Json> messages_with_files(const JobContent& content, ModelKind kind);

}  // namespace ratebatch::provider
