// Lines of files for the parallel request script of the OpenAI cookbook: bare request bodies.
//
// https://github.com/openai/openai-cookbook, examples/api_request_parallel_processor.py: it sends
// each line as it is, but for `metadata`, which it writes beside the answer. The endpoint is an
// option of the script; here it follows from what the body holds.
#pragma once

#include <string>

#include "input/job_fields.hpp"
#include "ratebatch/input/job_line.hpp"

namespace ratebatch::input {

// True if the line is such a body: it asks something, and has no field that only jobs have.
bool is_script_line(const JobFields& fields);

// The line of an OpenAI Batch file that means the same, with an id made of the file's name and the
// number of the line. Without such a line it complains to `fields` and returns an empty text.
std::string as_batch_line(JobFields& fields, const LineOrigin& origin);

}  // namespace ratebatch::input
