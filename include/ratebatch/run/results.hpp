// Results as JSON lines: one per job that is done or failed for good.
//
// Fields, in this order; one that does not apply is left out: id, type, status ("done", "failed"),
// model, text | files | body, finish_reason, usage {input_tokens, output_tokens, images}, attempts,
// finished_at, metadata, error {class, message}, sandbox (true where the stand-in provider
// answered).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch {

// One result as a line without its newline.
std::string result_line(const ResultRow& row, bool sandbox);

// Takes lines, newline included; an error ends the writing.
using LineSink = std::function<Result<void>(std::string_view line)>;

// Writes all results in that order to `sink`. Returns how many.
Result<std::int64_t> write_results(CheckpointReader& reader, ResultOrder order, bool sandbox,
                                   const LineSink& sink);

// Writes all results to the file `path`, which is complete or as it was before. Returns how many.
Result<std::int64_t> write_results_file(CheckpointReader& reader, ResultOrder order, bool sandbox,
                                        const std::string& path);

}  // namespace ratebatch
