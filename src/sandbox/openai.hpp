// OpenAI's API and those that follow it: what its requests, answers and errors look like.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/api.hpp"

namespace ratebatch::sandbox {

// Some servers read and write a few members in their own way.
enum class OpenAiFlavour : std::uint8_t { openai, together };

// Fails with what the provider would object to: an unknown path or method, a body that cannot be
// read, members that are missing, wrong, or not meant for this model.
ReadRequest read_openai(const Question& question, std::string_view rest, OpenAiFlavour flavour);

// With its Content-Type, and no other header.
Reply openai_answer(const Generation& asked, const AnswerMark& mark, const SandboxOptions& options,
                    OpenAiFlavour flavour);

// Where the picture of this number is served.
std::string picture_url(const AnswerMark& mark, std::uint64_t number);

// Whether the answer holds links to its pictures.
bool answers_with_links(const Generation& asked, const SandboxOptions& options);

// What OpenAI says to it: "Rate limit reached for ... Please try again in 132ms. ...", "Request too
// large for ...", and so on.
ApiError openai_error(const Trouble& trouble);

// {"error": {...}}. An empty `code` or `param` is null.
std::string error_body(const ApiError& error);

}  // namespace ratebatch::sandbox
