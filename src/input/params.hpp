// Request parameters, which models, types and jobs may give, and what a job line says of the size
// of its request: read on the way, for every line that is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ratebatch/json/reader.hpp"
#include "ratebatch/json/writer.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job.hpp"

namespace ratebatch::input {

// What is wrong with these parameters (the end of a message); nullopt if nothing is. Names that
// this program does not know are fine: they go to the provider as they are.
std::optional<std::string> problem_of_params(const json::Object& params);

// The parameters of a model with those of a type over them; a name that both have takes the value
// of the type whole.
Json merged_params(const ModelSettings& model, const TypeSettings& type);

// Takes over `output_max` and `images` from parameters, where they are whole numbers of at least 1.
void read_size(const json::Object& params, JobSize& size);

// The bytes of the texts in one message: its content, or the text parts of it.
std::int64_t content_bytes(const json::Object& message);

// The size of a whole request body. Its texts are those of `messages`, or else `prompt` or `input`;
// if it has none of them, all of its `bytes`.
JobSize size_of_body(const json::Object& body, std::size_t bytes);

}  // namespace ratebatch::input
