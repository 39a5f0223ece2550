// Results as they leave: JSON lines, OpenAI Batch output, or CSV.
//
// JSON lines have one object per job that is done or failed for good, with these fields in this
// order; one that does not apply is left out: id, type, status ("done", "failed"), model, text |
// files | body, finish_reason, usage {input_tokens, output_tokens, images, characters}, cost_usd,
// attempts, finished_at, error {class, message}, sandbox (true where the stand-in provider
// answered), metadata. jobs/result.schema.json says the same for programs. The checkpoint stores
// them as these very lines, so that a million are written as fast as they are read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch::run {

// Takes some lines, newlines included; an error ends the writing.
using LineSink = std::function<Result<void>(std::string_view lines)>;

// How many results went where.
struct ResultsWritten {
  std::int64_t results = 0;
  std::int64_t errors = 0;  // Of Batch output: failures, which belong into a file of their own.
  std::int64_t cursor = 0;  // To go on behind these, in the same order.
  std::vector<std::string> warnings{};  // Of CSV: columns that are empty so far.
};

// Writes the results behind `cursor` (0: all) in that order to `sink`.
Result<ResultsWritten> write_results(store::CheckpointReader& reader, store::ResultOrder order,
                                     std::int64_t cursor, const LineSink& sink);

// Writes them as lines of an OpenAI Batch output file: id, custom_id, response {status_code,
// request_id, body}, error. The body is the provider's where the job gave its own; for our own job
// lines it is made in the form of OpenAI's API (chat.completion, or an image list), with files as
// base64. A job without any answer of the provider has a null response and our error class as code.
// Failures go to `errors`, as in a Batch error file. Fails with io where a file of a result cannot
// be read, naming it and the job.
Result<ResultsWritten> write_batch_results(store::CheckpointReader& reader,
                                           store::ResultOrder order, const LineSink& sink,
                                           const LineSink& errors);

// Writes them as CSV (RFC 4180, lines ended by a line feed) with a header row. A column is a field
// of the result, with dots for its members ("usage.output_tokens", "error.class", "vars.artist",
// "metadata.lead"); another name is looked for among vars, then metadata. `text` is also that of a
// body in OpenAI's form. Lists and objects are written as JSON, but for a single file. Without
// columns: id, status, text, files where there are some, each variable and each member of metadata
// that some job has, the errors where there are some (these are found by reading all results
// first). Fails with invalid_input where a column is given twice, `usage` or `error` has no such
// member, or no result has it and all jobs are finished; before that it is empty, with a warning.
Result<ResultsWritten> write_csv_results(store::CheckpointReader& reader, store::ResultOrder order,
                                         std::vector<std::string> columns, const LineSink& sink);

// Writes all results as JSON lines to the file `path`, which is complete or as it was before.
// Returns how many.
Result<std::int64_t> write_results_file(store::CheckpointReader& reader, store::ResultOrder order,
                                        const std::string& path);

}  // namespace ratebatch::run
