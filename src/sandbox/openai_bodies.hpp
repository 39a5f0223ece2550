// Answers in the form of OpenAI's API. Source: OpenAI API reference, as of 2026; /score and /rerank
// are those of vLLM.
#pragma once

#include "sandbox/api.hpp"
#include "sandbox/openai_requests.hpp"

namespace ratebatch::sandbox {

// With its Content-Type, and no other header.
Reply openai_answer(const Generation& asked, const AnswerMark& mark, const SandboxOptions& options,
                    OpenAiFlavour flavour);

// Where the picture of this number is served.
std::string picture_url(const AnswerMark& mark, std::uint64_t number);

// Whether the answer holds links to its pictures.
bool answers_with_links(const Generation& asked, const SandboxOptions& options);

}  // namespace ratebatch::sandbox
