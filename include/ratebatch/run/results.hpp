// Results as JSON lines: one per job that is done or failed for good.
//
// Fields, in this order; one that does not apply is left out: id, type, status ("done", "failed"),
// model, text | files | body, finish_reason, usage {input_tokens, output_tokens, images}, attempts,
// finished_at, error {class, message}, sandbox (true where the stand-in provider answered),
// metadata. The checkpoint stores them as these very lines, so that a million are written as fast
// as they are read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch {

// Takes some lines, newlines included; an error ends the writing.
using LineSink = std::function<Result<void>(std::string_view lines)>;

// Writes all results in that order to `sink`. Returns how many.
Result<std::int64_t> write_results(CheckpointReader& reader, ResultOrder order,
                                   const LineSink& sink);

// Writes all results to the file `path`, which is complete or as it was before. Returns how many.
Result<std::int64_t> write_results_file(CheckpointReader& reader, ResultOrder order,
                                        const std::string& path);

}  // namespace ratebatch
