// What a job line says of the size of its request: read on the way, for every line that is loaded.
#pragma once

#include <cstdint>
#include <string_view>

#include "ratebatch/json/reader.hpp"
#include "ratebatch/model/job.hpp"

namespace ratebatch::input {

// Beyond any window that tokens or images are counted in, and small enough to be added up.
constexpr std::int64_t job_amount_max = 1'000'000'000;

// True for the names under which the APIs know the longest answer, in tokens.
constexpr bool is_output_max(std::string_view name) {
  return name == "max_tokens" || name == "max_completion_tokens" || name == "max_output_tokens";
}

// Takes over `output_max` and `images` from parameters, where they are whole numbers of at least 1.
void read_size(const json::Object& params, JobSize& size);

// The bytes of the texts in one message: its content, or the text parts of it.
std::int64_t content_bytes(const json::Object& message);

// The size of a whole request body. Its texts are those of `messages`, or else `prompt` or `input`;
// if it has none of them, all of its `bytes`.
JobSize size_of_body(const json::Object& body, std::size_t bytes);

}  // namespace ratebatch::input
