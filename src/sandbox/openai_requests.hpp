// Requests in the form of OpenAI's API, read as its server reads them.
//
// Source: OpenAI API reference, as of 2026; /score and /rerank are those of vLLM.
#pragma once

#include <string_view>
#include <tl/expected.hpp>

#include "sandbox/api.hpp"

namespace ratebatch::sandbox {

// Some servers read a few members in their own way.
enum class OpenAiFlavour : std::uint8_t { openai, together };

// Fails with what the provider would object to: an unknown path or method, a body that cannot be
// read, members that are missing, wrong, or not meant for this model.
tl::expected<Generation, Trouble> read_openai(const Question& question, std::string_view rest,
                                              OpenAiFlavour flavour);

}  // namespace ratebatch::sandbox
