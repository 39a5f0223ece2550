// One line of a job file: read, and checked against the configuration.
//
// Two forms, recognised per line: our own, and a line of an OpenAI Batch input file. Messages say
// what is wrong with the line; the caller adds file and line number (see LineError in
// job_file.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/input/template_text.hpp"
#include "ratebatch/model/config.hpp"

namespace ratebatch {

// 8 MiB without the line end. The spec's number (section 4); a longer line is most often a file
// without line ends.
constexpr std::size_t job_line_bytes_max = 8'388'608;

// Of an id, a type and a model, in UTF-8. The spec's number for ids (section 4).
constexpr std::size_t job_id_bytes_max = 256;

enum class JobForm : std::uint8_t {
  native,
  batch,  // A line of an OpenAI Batch input file.
};

// JSON appears as canonical text. Of vars, prompt, messages_json and body_json exactly one is given
// (has_vars says so for vars, which may be empty).
struct JobLine {
  std::string id;
  std::string type;   // Empty: none.
  std::string model;  // As the line says it, also inside a body; empty: the type's.
  std::int64_t priority = 0;
  JobForm form = JobForm::native;
  bool has_vars = false;
  Variables vars;             // Numbers and booleans as their JSON text; null is left out.
  std::string prompt;         // Not empty where given.
  std::string messages_json;  // An array of objects, not empty.
  std::string body_json;      // An object.
  std::string path;           // Of the batch form: "/v1/chat/completions".
  std::string params_json = "{}";
  std::string metadata_json;  // An object; empty: none.
  std::string canonical;      // The whole line; ids 42 and "42" read the same.
};

// Reads one line, without its line end. Fails with invalid_input and the first thing that is wrong;
// what a line alone cannot show (an unknown type, a missing variable) is left to check_job.
Result<JobLine> parse_job_line(std::string_view line);

// Checks a line against the configuration: type and model are known, the template has its
// variables, and the model can do what is asked. A model that is switched off passes: its jobs
// wait. Fails with invalid_input.
Result<void> check_job(const JobLine& job, const Config& config);

}  // namespace ratebatch
